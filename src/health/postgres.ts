import type { HealthCheck } from './check.ts'
import { createPending } from './pending.ts'

/** What is used of a `pg` client. `query_timeout` (ms) takes a statement out of the client's queue. */
export type PostgresClient = {
  query(statement: { readonly text: string; readonly query_timeout: number }): Promise<unknown>
}

/** What is used of a client that a `pg` pool hands out. */
export type PostgresPoolClient = PostgresClient & {
  /** With an error or true the pool ends the connection instead of keeping it. */
  release(destroy?: Error | boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** What is used of a `pg` pool. */
export type PostgresPool = {
  readonly totalCount: number
  connect(): Promise<PostgresPoolClient>
}

const STATEMENT = 'SELECT 1'

/**
 * Sends `SELECT 1` through a `pg` 8 `Pool`, or a `Client` that is connected. The wait for a free client counts: a pool that cannot give
 * one within the limit cannot serve requests either.
 *
 * At the limit the pool's client is ended together with its connection, so that no statement is left under way and the pool is whole again.
 * A client that the pool hands out later goes back at once. Of a single `Client` only the statement is given up: the connection is the app's.
 */
export function postgresCheck(database: PostgresPool | PostgresClient): HealthCheck {
  return 'totalCount' in database ? checkPool(database) : checkClient(database)
}

function checkPool(pool: PostgresPool): HealthCheck {
  const takeClient = createPending({ start: () => pool.connect(), dispose: (client) => client.release() })
  return async function checkPostgresPool({ signal, timeoutMs }) {
    const client = await takeClient(signal)
    await queryOnce(client, signal, timeoutMs)
  }
}

async function queryOnce(client: PostgresPoolClient, signal: AbortSignal, timeoutMs: number): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  // A client emits what breaks its connection; while it is lent out nobody else listens, and the process would end.
  client.on('error', reject)
  signal.addEventListener('abort', abort, { once: true })
  let failure: Error | undefined
  try {
    signal.throwIfAborted()
    await Promise.race([aborted, client.query({ text: STATEMENT, query_timeout: timeoutMs })])
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
    client.removeListener('error', reject)
    client.release(failure)
  }
}

function checkClient(client: PostgresClient): HealthCheck {
  let limitMs = 0
  const query = createPending({
    start: () => client.query({ text: STATEMENT, query_timeout: limitMs }),
    dispose: () => {},
  })
  return async function checkPostgresClient({ signal, timeoutMs }) {
    limitMs = timeoutMs
    await query(signal)
  }
}
