import { type Histogram, metrics } from '@opentelemetry/api'
import { captureContext } from './db-context.ts'
import { DB_DURATION_BUCKETS_S, METRIC_DB_CONNECTION_WAIT_TIME } from './db-semconv.ts'
import { isMethod, isRecord, type Method, watchMethod } from './db-watch.ts'
import { createGuard, type Guard } from './guard.ts'
import { createPgCalls } from './pg-call.ts'
import { isSubmittable, watchSubmittable } from './pg-submittable.ts'

type Class = { readonly prototype: object }

/** Watches `pg` 8. */
export type PgInstrument = {
  watchClient(client: unknown): void
  watchPool(pool: unknown): void
  /** Everything watched goes on as if it were not. */
  stop(): void
}

/**
 * Watches `pg`, the module: for apps that bundle it, where `--import tts-otel/register` cannot find it. One that is watched already is left
 * alone. Without registration it only keeps the request's context in callbacks.
 *
 * @returns the same module.
 */
export function instrumentPg<T extends { readonly Client: Class; readonly Pool: Class }>(pg: T): T {
  const instrument = createPgInstrument(createGuard('pg'))
  instrument.watchClient(pg.Client)
  instrument.watchPool(pg.Pool)
  return pg
}

/**
 * Makes a CLIENT span of each query, and of each connection that a pool could not give; measures both and the wait for a connection. Callbacks
 * run in the context of whoever gave them: `pg` calls them from the context in which the connection was made, which is another request's.
 * The caller gets the client's own results and errors.
 */
export function createPgInstrument(guard: Guard): PgInstrument {
  const calls = createPgCalls(guard)
  const waitTime: Histogram = metrics.getMeter('tts-otel').createHistogram(METRIC_DB_CONNECTION_WAIT_TIME, {
    description: 'The time it took to obtain an open connection from the pool.',
    unit: 's',
    advice: { explicitBucketBoundaries: DB_DURATION_BUCKETS_S },
  })
  let isStopped = false

  function watch(owner: unknown, name: string, wrap: (method: Method) => Method): void {
    watchMethod(owner, name, (method) => {
      const wrapped = wrap(method)
      return function (...parameters) {
        return (isStopped ? method : wrapped).apply(this, parameters)
      }
    })
  }

  function query(method: Method): Method {
    return function (...parameters) {
      const [config] = parameters
      const call = guard.run(() => calls.query(this, textOf(config)))
      if (isSubmittable(config)) guard.run(() => watchSubmittable(config, { call, inContext: captureContext() }))
      const told = (error: unknown) => (error ? call?.failed(error) : call?.answered())
      const passed = isSubmittable(config) ? parameters : withCallbacks(withOwnCallback(parameters), told)
      try {
        const result = method.apply(this, passed)
        return call && result !== config ? follow(result, () => told(undefined), told) : result
      } catch (error) {
        told(error)
        throw error
      }
    }
  }

  function connect(method: Method): Method {
    return function (...parameters) {
      const startMs = performance.now()
      const acquired = (client: unknown) =>
        guard.run(() => isRecord(client) && waitTime.record((performance.now() - startMs) / 1_000, calls.target(client).pool))
      const refused = (error: unknown) => guard.run(() => calls.refused(this, startMs, error))
      const passed = withCallbacks(parameters, (error, client) => (error ? refused(error) : acquired(client)))
      return follow(method.apply(this, passed), acquired, refused)
    }
  }

  /** Its connection and its query are followed where they begin; this is for callbacks alone, which a broken connection calls past both. */
  function poolQuery(method: Method): Method {
    return function (...parameters) {
      return method.apply(
        this,
        withCallbacks(parameters, () => {}),
      )
    }
  }

  return {
    watchClient: (client) => watch(client, 'query', query),
    watchPool(pool) {
      watch(pool, 'connect', connect)
      watch(pool, 'query', poolQuery)
    },
    stop() {
      isStopped = true
    },
  }
}

const ORIGINAL: unique symbol = Symbol.for('tts-otel.callback')
type Callback = ((this: unknown, ...values: unknown[]) => unknown) & { [ORIGINAL]?: Callback }

/** The functions among `parameters`, each telling `told` what it is called with, and run in the context of now. */
function withCallbacks(parameters: readonly unknown[], told: (error: unknown, value: unknown) => void): unknown[] {
  return parameters.map((parameter) => {
    if (!isCallback(parameter)) return parameter
    const callback = parameter[ORIGINAL] ?? parameter
    const inContext = captureContext()
    const bound: Callback = function (...values) {
      told(values[0], values[1])
      return inContext(callback, this, ...values)
    }
    // Before 8.23 `pg` writes the callback into the caller's query: it comes again with that.
    bound[ORIGINAL] = callback
    return bound
  })
}

/** `query({ text, callback })` is `query({ text }, values, callback)`. */
function withOwnCallback(parameters: readonly unknown[]): readonly unknown[] {
  const [config, values, callback] = parameters
  if (!isRecord(config) || callback || typeof values === 'function' || typeof config.callback !== 'function') return parameters
  return [config, values, config.callback]
}

/** The derived promise, not a side branch, keeps an unhandled rejection unhandled; it is of the same class. */
function follow(result: unknown, onValue: (value: unknown) => void, onError: (error: unknown) => void): unknown {
  if (!isRecord(result) || !isMethod(result.then)) return result
  return result.then(
    (value: unknown) => {
      onValue(value)
      return value
    },
    (error: unknown) => {
      onError(error)
      throw error
    },
  )
}

/** A query stream has its text in the cursor that it reads from. */
function textOf(config: unknown): unknown {
  if (!isRecord(config)) return config
  return config.text ?? (isRecord(config.cursor) ? config.cursor.text : undefined)
}

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function'
}
