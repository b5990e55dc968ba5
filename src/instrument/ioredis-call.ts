import { type Attributes, context, trace } from '@opentelemetry/api'
import { createDbCalls, type DbCall } from './db-call.ts'
import { readRedisError } from './db-error.ts'
import { DB_OPERATION_BATCH_SIZE, DB_OPERATION_NAME, DB_QUERY_TEXT } from './db-semconv.ts'
import { createDbTargets, type DbTarget } from './db-target.ts'
import type { Guard } from './guard.ts'

/** Where commands go, and whether the connection is past its greeting. */
export type RedisServer = {
  /** Host name, address or path of a socket. */
  readonly address: string | undefined
  readonly port: number | undefined
  readonly database: number | undefined
  readonly isReady: boolean
}

/** A command without the values of its arguments. */
export type RedisCommand = { readonly name: string; readonly argumentCount: number }

/** Starts the call of one command, or of a pipeline or transaction of several; undefined where it is not to be traced. */
export type RedisCalls = {
  command(command: RedisCommand, server: RedisServer): DbCall | undefined
  batch(commands: readonly RedisCommand[], server: RedisServer): DbCall | undefined
}

/** What ioredis says by itself to greet a server, and to learn the nodes of a cluster. Of an app it is traced inside of another span only. */
const GREETINGS = new Set(['auth', 'client', 'cluster', 'hello', 'info', 'ping', 'readonly', 'select', 'sentinel'])
/** Names that may become the name of a span and a series: `GET`, `JSON.SET`. */
const NAME = /^[a-z][\w.-]{0,31}$/i
/** Redis has some 400 commands, and modules bring more. */
const NAMES_MAX = 512
/** `call()` takes any text as the name of a command. */
const OTHER = 'OTHER'
/** `MSET` and `DEL` take thousands of arguments. */
const ARGUMENTS_MAX = 16
/** Commands of a batch that are written out. */
const BATCH_TEXTS_MAX = 16

/** Nothing of a command is told but its name and the number of its arguments: keys hold ids of users. */
export function createRedisCalls(guard: Guard): RedisCalls {
  const startCall = createDbCalls({ guard, readError: readRedisError })
  const targetOf = createDbTargets()
  const readName = createNameReader()

  function target({ address, port, database }: RedisServer): DbTarget {
    return targetOf({ system: 'redis', address, port, namespace: database === undefined ? undefined : String(database) })
  }

  function start(operation: string, attributes: Attributes, server: RedisServer): DbCall | undefined {
    return startCall({ name: operation, shared: target(server).with(DB_OPERATION_NAME, operation), attributes })
  }

  function command({ name, argumentCount }: RedisCommand, server: RedisServer): DbCall | undefined {
    const operation = readName(name)
    if (GREETINGS.has(name.toLowerCase()) && (!server.isReady || !trace.getSpan(context.active()))) return undefined
    return start(operation, { [DB_QUERY_TEXT]: textOf(operation, argumentCount) }, server)
  }

  /** https://opentelemetry.io/docs/specs/semconv/db/redis/ */
  function batch(all: readonly RedisCommand[], server: RedisServer): DbCall | undefined {
    const isTransaction = all[0]?.name === 'multi'
    const commands = isTransaction ? all.slice(1, -1) : all
    const [only] = commands
    if (only === undefined) return undefined
    if (commands.length === 1 && !isTransaction) return command(only, server)
    const names = new Set(commands.map(({ name }) => readName(name)))
    const kind = isTransaction ? 'MULTI' : 'PIPELINE'
    const texts = commands.slice(0, BATCH_TEXTS_MAX).map(({ name, argumentCount }) => textOf(readName(name), argumentCount))
    if (commands.length > BATCH_TEXTS_MAX) texts.push('…')
    const attributes: Attributes = { [DB_QUERY_TEXT]: texts.join('; ') }
    if (commands.length > 1) attributes[DB_OPERATION_BATCH_SIZE] = commands.length
    return start(names.size === 1 ? `${kind} ${readName(only.name)}` : kind, attributes, server)
  }

  return { command, batch }
}

/** Commands are known in any case; their documentation writes them in capitals. */
function createNameReader(): (name: string) => string {
  const known = new Map<string, string>()
  return function readName(name) {
    const found = known.get(name)
    if (found !== undefined) return found
    if (known.size >= NAMES_MAX || !NAME.test(name)) return OTHER
    const upper = name.toUpperCase()
    known.set(name, upper)
    return upper
  }
}

/** `SET ? ?` */
function textOf(operation: string, argumentCount: number): string {
  return argumentCount > ARGUMENTS_MAX ? `${operation}${' ?'.repeat(ARGUMENTS_MAX)} …` : operation + ' ?'.repeat(argumentCount)
}
