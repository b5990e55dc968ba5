import type { KeptRecord, RecordTable } from '../record.ts'
import { arrayLiteral } from './array-literal.ts'
import type { Database } from './queryable.ts'

/** The collector's part of what alerts remember, in the table `alert_records`. Texts are JSON, whose escapes keep NUL out. */
export function alertRecords(database: Database): RecordTable {
  return {
    async load() {
      const { rows } = await database.query<KeptRecord>('SELECT kind, key, body AS text FROM alert_records ORDER BY seq')
      return rows
    },
    async apply(changes, mayWrite) {
      const gone = changes.filter(({ text }) => text === undefined)
      const written = changes.filter(({ text }) => text !== undefined)
      return await database.transaction(async (tx) => {
        const { rows } = await tx.query<{ body: string }>(OWNER)
        if (!mayWrite(rows[0]?.body)) return false
        const keys = (of: typeof changes) => [arrayLiteral(of.map(({ kind }) => kind)), arrayLiteral(of.map(({ key }) => key))]
        if (gone.length > 0) await tx.query(DELETE, keys(gone))
        if (written.length > 0) await tx.query(UPSERT, [...keys(written), arrayLiteral(written.map(({ text }) => text ?? null))])
        return true
      })
    },
  }
}

/** Locked, so that who takes over waits for the last write of who was there before. */
const OWNER = "SELECT body FROM alert_records WHERE kind = 'meta' AND key = 'owner' FOR UPDATE"
const DELETE =
  'DELETE FROM alert_records r USING unnest($1::text[], $2::text[]) AS gone (kind, key) WHERE r.kind = gone.kind AND r.key = gone.key'
const UPSERT = `INSERT INTO alert_records (kind, key, body)
  SELECT kind, key, body FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS given (kind, key, body, place) ORDER BY place
  ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body`
