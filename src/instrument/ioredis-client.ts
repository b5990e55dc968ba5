import type { DbCall } from './db-call.ts'
import { isRecord, watchMethod } from './db-watch.ts'
import type { Guard } from './guard.ts'
import { createRedisCalls, type RedisCalls, type RedisCommand, type RedisServer } from './ioredis-call.ts'

type Place = { readonly host?: unknown; readonly port?: unknown; readonly path?: unknown }

/** The little of a client or a pipeline that is read; all of it may be missing in another version. */
type Connection = {
  readonly status?: unknown
  readonly options?: Place & { readonly db?: unknown; readonly sentinels?: readonly Place[] | null }
  readonly condition?: { readonly select?: unknown } | null
  /** Of a cluster: where it was told to begin. */
  readonly startupNodes?: readonly Place[]
  /** Of a client: pipelines that it makes by itself, and that are not sent yet. */
  readonly _autoPipelines?: ReadonlyMap<unknown, unknown>
  /** Of a pipeline: its client, its commands so far, and how many transactions are not closed. */
  readonly redis?: Connection
  readonly _queue?: readonly unknown[]
  readonly _transactions?: unknown
}

/** What ioredis tells the end of a command or a pipeline by: its own functions, on the object itself. */
type Settled = { resolve: (value: unknown) => unknown; reject: (error: unknown) => unknown }
type Command = Settled & { readonly name: string; readonly args: readonly unknown[] }

/** Watches what the files of one or more copies of ioredis export; true when that had not been watched. */
export type IoredisInstrument = {
  watchRedis(exports: unknown): boolean
  watchCluster(exports: unknown): boolean
  watchPipeline(exports: unknown): boolean
  /** For commands that are heard of in another way. */
  readonly calls: RedisCalls
  /** Everything watched goes on as if it were not. */
  stop(): void
}

/**
 * A CLIENT span and the duration of each command of ioredis 5 and 6, from the call to its answer, the wait for a connection included; one for
 * a pipeline or a transaction, whose commands are sent as one. What the client says by itself to greet a server is not traced.
 *
 * Watched is where ioredis takes a command, in the caller's context, and the two functions by which it answers: no promise and no callback is
 * touched.
 */
export function createIoredisInstrument(guard: Guard): IoredisInstrument {
  const calls = createRedisCalls(guard)
  /** Commands and pipelines that have a span, or belong to a pipeline that has: they are given on and sent again. */
  const followed = new WeakSet<object>()
  const automatic = new WeakSet<object>()
  let isStopped = false

  /** Looks at what the method is called with, before it is. */
  function watch(exports: unknown, name: string, look: (connection: Connection, parameter: unknown) => void): boolean {
    const owner = isRecord(exports) ? exports.default : undefined
    return watchMethod(owner, name, (method) => {
      return function (...parameters) {
        if (!isStopped) guard.run(() => look(this, parameters[0]))
        return method.apply(this, parameters)
      }
    })
  }

  function onCommand(connection: Connection, command: unknown): void {
    if (!isCommand(command) || followed.has(command)) return
    followed.add(command)
    const call = calls.command(toCommand(command), serverOf(connection))
    if (call) tellEnd(command, call, () => undefined)
  }

  /** What they are called with and return stays; ioredis may call both, and the first counts. */
  function tellEnd(settled: Settled, call: DbCall, findError: (value: unknown) => unknown): void {
    const { resolve, reject } = settled
    settled.resolve = (value) => {
      const error = findError(value)
      if (error) call.failed(error)
      else call.answered()
      return resolve(value)
    }
    settled.reject = (error) => {
      call.failed(error)
      return reject(error)
    }
  }

  /** Commands of a pipeline that the app made belong to that; in one that ioredis made each is for itself. */
  function onPipelined(pipeline: Connection, command: unknown): void {
    if (isWaiting(pipeline)) automatic.add(pipeline)
    if (automatic.has(pipeline)) onCommand(pipeline.redis ?? pipeline, command)
    else if (isCommand(command)) followed.add(command)
  }

  function onExec(pipeline: Connection): void {
    // The first `exec` of a transaction only adds the command of that name.
    const isSent = !automatic.has(pipeline) && !followed.has(pipeline) && !(Number(pipeline._transactions) > 0)
    if (!isSent || !isSettled(pipeline)) return
    followed.add(pipeline)
    const commands = (pipeline._queue ?? []).filter(isCommand).map(toCommand)
    const call = calls.batch(commands, serverOf(pipeline.redis ?? pipeline))
    if (call) tellEnd(pipeline, call, errorIn)
  }

  return {
    watchRedis: (exports) => watch(exports, 'sendCommand', onCommand),
    watchCluster: (exports) => watch(exports, 'sendCommand', onCommand),
    watchPipeline: (exports) => watch(exports, 'sendCommand', onPipelined) && watch(exports, 'exec', onExec),
    calls,
    stop() {
      isStopped = true
    },
  }
}

/** A batch in which a command failed is told by the first of these: `[[null, 'OK'], [error], [null, [error, 'OK']]]`. */
function errorIn(results: unknown): unknown {
  if (!Array.isArray(results)) return undefined
  const failed: unknown = results.find((result) => Array.isArray(result) && result[0])
  if (Array.isArray(failed)) return failed[0]
  const executed: unknown = results.at(-1)?.[1]
  return Array.isArray(executed) ? executed.find((value) => value instanceof Error) : undefined
}

/** Whether ioredis has made this pipeline, and gathers commands in it. */
function isWaiting(pipeline: Connection): boolean {
  const all = pipeline.redis?._autoPipelines
  if (!all || all.size === 0) return false
  for (const waiting of all.values()) if (waiting === pipeline) return true
  return false
}

function serverOf({ status, options = {}, condition, startupNodes }: Connection): RedisServer {
  const place = startupNodes?.[0] ?? options.sentinels?.[0] ?? options
  const database = condition?.select ?? options.db
  return {
    address: typeof place.path === 'string' ? place.path : typeof place.host === 'string' ? place.host : undefined,
    port: typeof place.path !== 'string' && typeof place.port === 'number' ? place.port : undefined,
    database: typeof database === 'number' ? database : undefined,
    isReady: status === 'ready',
  }
}

function toCommand({ name, args }: Command): RedisCommand {
  return { name, argumentCount: args.length }
}

function isCommand(value: unknown): value is Command {
  return isRecord(value) && typeof value.name === 'string' && Array.isArray(value.args) && isSettled(value)
}

function isSettled(value: unknown): value is Settled {
  return isRecord(value) && typeof value.resolve === 'function' && typeof value.reject === 'function'
}
