import { type Erased, type EraseOptions, type Trail, userIdInJson } from '../person.ts'
import { arrayLiteral } from './array-literal.ts'
import type { Database, Queryable } from './queryable.ts'

/** Of the tables with `user_id`, `request_id` and `trace_id`. */
const TABLES = ['logs', 'spans'] as const
/** What stands in the place of an id in the record of who has read what, which stays. */
const ERASED = '"[erased]"'

/** The requests and traces that carry the id. */
export async function findTrail(database: Queryable, userId: string): Promise<Trail> {
  const requestIds = new Set<string>()
  const traceIds = new Set<string>()
  for (const table of TABLES) {
    const { rows } = await database.query<{ request_id: string | null; trace_id: string | null }>(
      `SELECT DISTINCT request_id, trace_id FROM ${table} WHERE user_id = $1`,
      [userId],
    )
    for (const { request_id, trace_id } of rows) {
      if (request_id !== null) requestIds.add(request_id)
      if (trace_id !== null) traceIds.add(trace_id)
    }
  }
  return { requestIds, traceIds }
}

/** All of it or nothing. A dry run does the same and takes it back, so its numbers are true. */
export async function erase(database: Database, options: EraseOptions): Promise<Erased> {
  let erased: Erased = {}
  const work = database.transaction(async (tx) => {
    erased = await eraseWithin(tx, options)
    if (options.dryRun) throw new DryRun()
  })
  await work.catch((error: unknown) => {
    if (!(error instanceof DryRun)) throw error
  })
  return erased
}

/** Makes the transaction roll back. */
class DryRun extends Error {}

async function eraseWithin(tx: Queryable, { userId, trail }: EraseOptions): Promise<Erased> {
  const ids = [userId, arrayLiteral([...trail.traceIds]), arrayLiteral([...trail.requestIds])]
  const erased: Record<string, number> = {}
  for (const table of TABLES)
    erased[table] = await count(
      tx,
      `DELETE FROM ${table}
       WHERE user_id = $1 OR (user_id IS NULL AND (trace_id = ANY($2::text[]) OR request_id = ANY($3::text[])))`,
      ids,
    )
  erased.metric_points = await count(tx, `DELETE FROM metric_points WHERE attributes ->> 'user_id' = $1`, [userId])
  erased.dead_letters = await count(
    tx,
    `DELETE FROM dead_letters
     WHERE EXISTS (SELECT FROM unnest($1::text[]) AS written WHERE position(written IN record) > 0)`,
    [arrayLiteral(userIdInJson(userId))],
  )
  erased.reads = await count(
    tx,
    `UPDATE reads SET filter = filter
       || CASE WHEN filter ->> 'user_id' = $1 THEN '{"user_id": ${ERASED}}' ELSE '{}' END::jsonb
       || CASE WHEN filter ->> 'request_id' = ANY($2::text[]) THEN '{"request_id": ${ERASED}}' ELSE '{}' END::jsonb
     WHERE filter ->> 'user_id' = $1 OR filter ->> 'request_id' = ANY($2::text[])`,
    [userId, arrayLiteral([...trail.requestIds])],
  )
  return erased
}

async function count(tx: Queryable, change: string, params: readonly string[]): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `WITH changed AS (${change} RETURNING 1) SELECT count(*)::integer AS count FROM changed`,
    params,
  )
  return rows[0]!.count
}
