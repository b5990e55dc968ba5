import { dayStart, type Partitioned } from './day-partition.ts'
import type { Queryable } from './queryable.ts'

/** `rows` of a day, in days since 1970; those beyond the limit of the question are not counted. */
export type WaitingDay = { readonly day: number; readonly rows: number }

type Days = { readonly from: number; readonly to: number; readonly rowsMax: number }

/** The days from `from` to `to` of which rows stand in the default partition. */
export async function waitingDays(
  database: Queryable,
  { name, time }: Partitioned,
  { from, to, rowsMax }: Days,
): Promise<readonly WaitingDay[]> {
  // A look into the index for each day: all rows together may be too many to look at.
  const { rows } = await database.query<WaitingDay>(
    `SELECT day, rows FROM (
       SELECT day, (
         SELECT count(*)::integer FROM (
           SELECT FROM ${name}_default
           WHERE ${time} >= to_timestamp(day * 86400.0) AND ${time} < to_timestamp((day + 1) * 86400.0) LIMIT $3::integer
         ) AS found
       ) AS rows FROM generate_series($1::integer, $2::integer) AS day
     ) AS counted WHERE rows > 0`,
    [from, to, rowsMax],
  )
  return rows
}

/** Rows of the default partition by why they stand there. */
export type Astray = {
  /** Of days that get no partition yet, as they are too far ahead. */
  readonly ahead: number
  /** Of days that should have one. */
  readonly waiting: number
}

/** Counts `rowsMax` of each at most; `to` is the last day that gets a partition. */
export async function countAstray(
  database: Queryable,
  { name, time }: Partitioned,
  { to, rowsMax }: Pick<Days, 'to' | 'rowsMax'>,
): Promise<Astray> {
  const count = (comparison: string) =>
    `(SELECT count(*)::integer FROM (SELECT FROM ${name}_default WHERE ${time} ${comparison} $1::timestamptz LIMIT $2::integer) AS found)`
  const { rows } = await database.query<Astray>(`SELECT ${count('>=')} AS ahead, ${count('<')} AS waiting`, [dayStart(to + 1), rowsMax])
  return rows[0]!
}

export type Outdated = {
  /** A table that is not partitioned itself. */
  readonly table: string
  readonly time: string
  /** ISO 8601; what is older goes. */
  readonly before: string
  /** Rows that one statement deletes. */
  readonly stepRows: number
  /** Ends it between two statements. */
  readonly signal: AbortSignal
  /** Told of the rows of each statement. */
  readonly onDeleted?: (rows: number) => void
}

/** Deletes old rows, some at a time. False when `signal` came first. */
export async function deleteOutdated(
  database: Queryable,
  { table, time, before, stepRows, signal, onDeleted }: Outdated,
): Promise<boolean> {
  for (let deleted = stepRows; deleted === stepRows && !signal.aborted; ) {
    const { rows } = await database.query<{ count: number }>(
      `WITH gone AS (
         DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${time} < $1::timestamptz LIMIT ${stepRows})) RETURNING 1
       ) SELECT count(*)::integer AS count FROM gone`,
      [before],
    )
    deleted = rows[0]!.count
    onDeleted?.(deleted)
  }
  return !signal.aborted
}
