import type { Letter, LetterFilter } from '../letters.ts'
import { arrayLiteral } from './array-literal.ts'
import { createConditions } from './conditions.ts'
import type { Queryable } from './queryable.ts'

/** Newest first. */
export async function listLetters(database: Queryable, { ids, limit }: LetterFilter): Promise<readonly Letter[]> {
  const conditions = createConditions()
  // As text: what is no UUID is no letter, and no error.
  conditions.addIf('id::text = ANY(?::text[])', ids === undefined ? undefined : arrayLiteral(ids))
  const { rows } = await database.query<Omit<Letter, 'store'>>(
    `SELECT id::text, to_char(arrived AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS arrived, signal, code, reason, record
     FROM dead_letters WHERE ${conditions.where()} ORDER BY dead_letters.arrived DESC, id LIMIT ${conditions.param(limit)}`,
    conditions.params,
  )
  return rows.map((row) => ({ ...row, store: 'postgres' }))
}

export async function countLetters(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ count: number }>('SELECT count(*)::integer AS count FROM dead_letters')
  return rows[0]!.count
}

/** Says how many there were. */
export async function removeLetters(database: Queryable, ids: readonly string[]): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `WITH removed AS (DELETE FROM dead_letters WHERE id = ANY($1::uuid[]) RETURNING 1)
     SELECT count(*)::integer AS count FROM removed`,
    [arrayLiteral(ids)],
  )
  return rows[0]!.count
}
