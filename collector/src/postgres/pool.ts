import { pipeline } from 'node:stream/promises'
import { Pool, type PoolClient } from 'pg'
import { from } from 'pg-copy-streams'
import { abandonable, type Copyable, type Database, inTransaction, type Param, type QueryOptions } from './queryable.ts'
import { sqlState } from './sqlstate.ts'

/** What a pool is for. Reads have connections of their own, so that neither waits for the other. A person who maintains waits for as long as it takes. */
export type Purpose = 'write' | 'read' | 'maintain'

/** Connections of one collector. Inserts are bound by the server's cores, and a server allows 100 connections for everybody. */
const CONNECTIONS_MAX = 4
/** Also how long a statement waits for a free connection. */
const CONNECT_TIMEOUT_MS = 5_000
/** Limits of the connection that only asks whether the server answers: one that hangs is thrown away before the next question. */
const PING_TIMEOUT_MS = 2_000
/** It is kept between the questions of a probe. */
const PING_IDLE_MS = 60_000
/** The server ends a statement after this time. Of reads: before the 10 s that `getLogs` waits for an answer. */
const STATEMENT_TIMEOUT_MS = { write: 25_000, read: 8_000, maintain: 0 }
/** The client gives up a little later, on a server that no longer answers at all. */
const ANSWER_TIMEOUT_MS = { write: 30_000, read: 9_000, maintain: 0 }
/**
 * Many partitions look expensive to the planner, which then compiles for a second what runs for milliseconds. And a temporary
 * table that is there already is no news.
 */
const OPTIONS = {
  write: '-c jit=off -c client_min_messages=warning',
  read: '-c jit=off -c default_transaction_read_only=on',
  // Whoever holds a lock for longer than a minute is told, not waited for.
  maintain: '-c jit=off -c lock_timeout=60s',
}

/** A pool of connections to the server at `url`. The first statement connects; until then the server may be down. */
export function openPool(url: string, purpose: Purpose = 'write'): Database {
  const pool = new Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS[purpose],
    query_timeout: ANSWER_TIMEOUT_MS[purpose],
    idle_in_transaction_session_timeout: ANSWER_TIMEOUT_MS[purpose],
    keepAlive: true,
    options: OPTIONS[purpose],
    application_name: purpose === 'write' ? 'tts-otel-collector' : `tts-otel-collector ${purpose}`,
  })
  // Those for work may all be busy, which says nothing about the server. Connects with the first question.
  const pings = new Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: PING_TIMEOUT_MS,
    query_timeout: PING_TIMEOUT_MS,
    idleTimeoutMillis: PING_IDLE_MS,
    application_name: 'tts-otel-collector ping',
  })
  for (const each of [pool, pings]) surviveBreaks(each)
  let closing: Promise<unknown> | undefined

  return {
    kind: 'postgres',
    async query<Row extends object>(sql: string, params?: readonly Param[], options?: QueryOptions) {
      return await withConnection(pool, (connection) => connection.query<Row>(sql, params, options))
    },
    async copy(sql, rows) {
      await withConnection(pool, (connection) => connection.copy(sql, rows))
    },
    async transaction(work) {
      return await withConnection(pool, (connection) => inTransaction(connection, work))
    },
    async ping(signal) {
      await abandonable(
        withConnection(pings, (connection) => connection.query('SELECT 1')),
        signal,
      )
    },
    async close() {
      closing ??= Promise.all([pool.end(), pings.end()])
      await closing
    },
  }
}

/**
 * A connection that breaks fails the statement on it and is replaced. It may also break between two statements, even in
 * the bytes that say it is open; an error that nobody listens to would end the process.
 */
function surviveBreaks(pool: Pool): void {
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
}

/** Gives the connection back afterwards, or throws it away when it broke or when somebody stopped waiting for its answer. */
async function withConnection<T>(pool: Pool, work: (connection: Copyable) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken = false
  try {
    return await work(queryable(client))
  } catch (error) {
    broken = !isUsableAfter(error)
    throw error
  } finally {
    client.release(broken)
  }
}

/** Only an error that the server reported, and that was not its goodbye, leaves a connection ready for the next statement. */
function isUsableAfter(error: unknown): boolean {
  const state = sqlState(error)
  return state !== '' && !/^(08|57P)/.test(state)
}

function queryable(client: PoolClient): Copyable {
  return {
    async copy(sql, rows) {
      const stream = client.query(from(sql))
      // A connection that breaks may say so twice; the second time nobody waits any more.
      stream.on('error', () => {})
      await pipeline(rows, stream)
    },
    async query<Row extends object>(sql: string, params: readonly Param[] = [], { name, signal }: QueryOptions = {}) {
      signal?.throwIfAborted()
      const statement = { text: sql, values: [...params], ...(name === undefined ? {} : { name }) }
      return await abandonable(client.query<Row>(statement), signal)
    },
  }
}
