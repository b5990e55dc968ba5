import { Client } from 'pg'
import { ADVISORY_LOCK } from './advisory-lock.ts'

/** A lock that at most one session of the database has. It goes when the session ends, however that comes about. */
export type SessionLock = {
  /** Takes it, on a connection of its own; false when another session has it. Rejects when the database does not answer. */
  acquire(): Promise<boolean>
  /** Whether no session has it. Rejects when the database does not answer. */
  isFree(): Promise<boolean>
  /** Whether this session has it, as the server says now; false also when it does not answer. */
  isHeld(): Promise<boolean>
  /** Gives it back. */
  close(): Promise<void>
}

const ANSWER_TIMEOUT_MS = 5_000
/** The server ends a session that says nothing for so long: one whose machine has lost its power holds the lock no longer. */
const SILENT_MS_MAX = 15_000

/** Opens no connection yet. Behind a pool that shares sessions (PgBouncer, transaction mode) there is no such lock: give it a direct URL. */
export function createSessionLock(url: string): SessionLock {
  let session: Client | undefined
  let isOurs = false

  async function connected(): Promise<Client> {
    if (session !== undefined) return session
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'tts-otel-collector alerts',
    })
    const drop = () => {
      if (session === client) forget()
    }
    client.on('error', drop)
    client.on('end', drop)
    await client.connect()
    session = client
    // A server older than 14 does not know it.
    await client.query(`SET idle_session_timeout = ${SILENT_MS_MAX}`).catch(() => undefined)
    return client
  }

  function forget(): void {
    const gone = session
    session = undefined
    isOurs = false
    void gone?.end().catch(() => undefined)
  }

  async function ask<Row extends object>(sql: string): Promise<Row> {
    try {
      const { rows } = await (await connected()).query<Row>(sql, [ADVISORY_LOCK.alerts])
      return rows[0]!
    } catch (error) {
      forget()
      throw error
    }
  }

  return {
    async acquire() {
      if (!isOurs) isOurs = (await ask<{ ours: boolean }>('SELECT pg_try_advisory_lock($1) AS ours')).ours
      return isOurs
    },
    async isFree() {
      return (await ask<{ free: boolean }>(`SELECT NOT EXISTS (${HOLDERS}) AS free`)).free
    },
    async isHeld() {
      if (!isOurs) return false
      return await ask<{ held: boolean }>(`SELECT EXISTS (${HOLDERS} AND pid = pg_backend_pid()) AS held`).then(
        ({ held }) => held,
        () => false,
      )
    },
    async close() {
      forget()
    },
  }
}

/** https://www.postgresql.org/docs/current/view-pg-locks.html: a bigint key is split into classid and objid, and objsubid is 1. */
const HOLDERS = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND ((classid::bigint << 32) | objid::bigint) = $1::bigint
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
