import { createDbCalls, type DbCall } from './db-call.ts'
import { readPgError } from './db-error.ts'
import { DB_OPERATION_NAME, DB_QUERY_SUMMARY, DB_QUERY_TEXT } from './db-semconv.ts'
import { createDbTargets, type DbAddress, type DbTarget } from './db-target.ts'
import type { Guard } from './guard.ts'
import { createSqlReader } from './sql-statement.ts'

/** The little of a `pg` client that is read. */
export type PgClient = { readonly host?: unknown; readonly port?: unknown; readonly database?: unknown }
/** The little of a `pg` pool that is read: what it was made with, defaults left out. */
export type PgPool = { readonly options?: PgClient & { readonly connectionString?: unknown } }

/** What the calls of `pg` are told by. */
export type PgCalls = {
  /** A query begins; undefined where it is not to be traced. `text` is the statement, of any type. */
  query(client: PgClient, text: unknown): DbCall | undefined
  /** The pool gave no connection to whoever asked for one at `startMs`. */
  refused(pool: PgPool, startMs: number, error: unknown): void
  target(client: PgClient): DbTarget
}

/** Name of the span of a connection that could not be had; the queries that need one are never sent. */
const CONNECT = 'connect'
/** https://opentelemetry.io/docs/specs/semconv/db/database-spans/#name, where there is neither summary nor target */
const UNNAMED = 'postgresql'

export function createPgCalls(guard: Guard): PgCalls {
  const startCall = createDbCalls({ guard, readError: readPgError })
  const targetOf = createDbTargets()
  const readSql = createSqlReader()
  const targets = new WeakMap<PgClient, DbTarget>()

  /** A client is configured once. */
  function target(client: PgClient): DbTarget {
    const known = targets.get(client)
    if (known) return known
    const made = targetOf(addressOf(client))
    targets.set(client, made)
    return made
  }

  return {
    target,
    query(client, text) {
      const at = target(client)
      const statement = typeof text === 'string' && text !== '' ? readSql(text) : undefined
      const name = statement?.summary ?? at.namespace ?? UNNAMED
      const attributes = statement ? { [DB_QUERY_TEXT]: statement.text } : {}
      return startCall({ name, shared: at.with(DB_QUERY_SUMMARY, statement?.summary), attributes })
    },
    refused(pool, startMs, error) {
      const shared = targetOf(addressOfPool(pool)).with(DB_OPERATION_NAME, CONNECT)
      startCall({ name: CONNECT, shared, attributes: {}, startMs })?.failed(error)
    },
  }
}

function addressOf({ host, port, database }: PgClient): DbAddress {
  return { system: 'postgresql', address: textOf(host), port: portOf(port), namespace: textOf(database) }
}

/** Of its URL only what stands behind user and password. */
function addressOfPool({ options = {} }: PgPool): DbAddress {
  const url = typeof options.connectionString === 'string' ? URL.parse(options.connectionString) : null
  if (!url) return addressOf(options)
  return addressOf({ host: url.hostname, port: url.port, database: decodeURIComponent(url.pathname.slice(1)) })
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function portOf(value: unknown): number | undefined {
  const port = Number(value)
  return Number.isInteger(port) && port > 0 ? port : undefined
}
