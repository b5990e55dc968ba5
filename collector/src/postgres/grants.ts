import type { Database, Queryable } from './queryable.ts'
import { lockSchema } from './schema.ts'

export type GrantOptions = {
  /** Of the owner of the tables. */
  readonly admin: Database
  readonly writer: Queryable
  /** May be away, a replica say: then its user gets its rights another time. */
  readonly reader: Queryable
}

const WRITTEN = 'logs, spans, metric_points, dead_letters, reads'
/** What alerts remember. */
const CHANGED = 'alert_records'
const READ = 'logs, spans, metric_points, requests, errors, schema_version'
/** Of collector/sql/roles.sql; people read as this user. */
const READER = 'tts_otel_reader'

/**
 * Lets the user of `writer` append, and change what alerts remember, and the user of `reader` read, and neither do anything else; a writer that is not the
 * reader cannot read. Rows reach partitions through their table, so no partition needs a grant. The owner needs none.
 */
export async function grantUsers({ admin, writer, reader }: GrantOptions): Promise<void> {
  const [owner, writing] = [await userOf(admin), await userOf(writer)]
  const reading = reader === writer ? writing : await userOf(reader).catch(() => undefined)
  const { rows: people } = await admin.query('SELECT FROM pg_roles WHERE rolname = $1', [READER])
  const readers = new Set([...(reading === undefined ? [] : [reading]), ...(people.length > 0 ? [READER] : [])])
  readers.delete(owner)
  if (writing === owner && readers.size === 0) return
  await admin.transaction(async (tx) => {
    // Two collectors that grant at the same moment fail both.
    await lockSchema(tx)
    if (writing !== owner) await tx.query(`GRANT INSERT ON ${WRITTEN} TO ${writing}`)
    if (writing !== owner) await tx.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${CHANGED} TO ${writing}`)
    if (writing !== owner && reading !== undefined && reading !== writing)
      await tx.query(`REVOKE SELECT ON ${READ}, dead_letters, reads FROM ${writing}`)
    for (const user of readers) await tx.query(`GRANT SELECT ON ${READ} TO ${user}`)
  })
}

/** Quoted where it needs it. */
async function userOf(database: Queryable): Promise<string> {
  const { rows } = await database.query<{ name: string }>('SELECT quote_ident(current_user) AS name')
  return rows[0]!.name
}
