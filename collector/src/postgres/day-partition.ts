import { ADVISORY_LOCK } from './advisory-lock.ts'
import type { Database, Queryable } from './queryable.ts'

/** A table that has one partition for each UTC day. */
export type Partitioned = { readonly name: string; readonly time: string; readonly key: readonly string[] }

/** One of them; `day` counts from 1970. */
export type DayPartition = { readonly table: Partitioned; readonly day: number }

/**
 * Making or dropping a partition waits for whoever reads the table, and all others wait behind it, those that write as well.
 * So it gives up after this time (SQLSTATE 55P03) and is tried again another time.
 */
const LOCK_TIMEOUT_MS = 2_000

const DAY_MS = 86_400_000

/**
 * Fills a table of the partition's shape with the rows that went to the default partition before, then attaches it:
 * attaching locks out neither readers nor writers of the other days. Nothing when it exists. These rows have to be few enough for one
 * statement; what is to be done with more of them is in `mover.ts`.
 */
export async function createDay(admin: Database, { table, day }: DayPartition): Promise<void> {
  await admin.transaction(async (tx) => {
    await lockDays(tx, admin)
    const partition = partitionName(table, day)
    if ((await idOf(tx, partition)) !== undefined) return
    await limitLockWaits(tx)
    const { from, to } = dayRange(day)
    // No row may slip into the default partition between the move and the attaching, which would then be refused.
    await tx.query(`LOCK TABLE ${table.name}_default IN SHARE ROW EXCLUSIVE MODE`)
    await tx.query(`CREATE TABLE ${partition} (LIKE ${table.name} INCLUDING ALL)`)
    await tx.query(
      `WITH moved AS (DELETE FROM ${table.name}_default WHERE ${table.time} >= '${from}' AND ${table.time} < '${to}' RETURNING *)
       INSERT INTO ${partition} SELECT * FROM moved`,
    )
    await tx.query(`ALTER TABLE ${table.name} ATTACH PARTITION ${partition} FOR VALUES FROM ('${from}') TO ('${to}')`)
  })
}

/** Drops the day with all its rows, which costs nothing and gives the space back at once. DETACH … CONCURRENTLY is not for tables with a default partition. */
export async function dropDay(admin: Database, { table, day }: DayPartition): Promise<void> {
  await admin.transaction(async (tx) => {
    await lockDays(tx, admin)
    await limitLockWaits(tx)
    // Another collector may be faster.
    await tx.query(`DROP TABLE IF EXISTS ${partitionName(table, day)}`)
  })
}

/** Days that have a partition in this table. */
export async function standingDays(database: Queryable, table: string): Promise<Set<number>> {
  const { rows } = await database.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass`,
    [table],
  )
  return new Set(rows.flatMap((row) => dayIn(row.name)))
}

/** Collectors meet a new day at the same moment; they take turns. PGlite has one connection. */
export async function lockDays(tx: Queryable, { kind }: Database): Promise<void> {
  if (kind === 'postgres') await tx.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK.partitions])
}

/** For the rest of the transaction. */
export async function limitLockWaits(tx: Queryable): Promise<void> {
  await tx.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
}

/** The server's own number of a table; undefined when there is none. */
export async function idOf(database: Queryable, table: string): Promise<string | undefined> {
  const { rows } = await database.query<{ id: string | null }>('SELECT to_regclass($1)::oid::text AS id', [table])
  return rows[0]?.id ?? undefined
}

/** The day of a time, in days since 1970, UTC. */
export function dayOf(timeUs: number): number {
  return Math.floor(timeUs / 1_000 / DAY_MS)
}

/** `2026-11-22T00:00:00.000Z` */
export function dayStart(day: number): string {
  return new Date(day * DAY_MS).toISOString()
}

/** `to` is not part of it. */
export function dayRange(day: number): { readonly from: string; readonly to: string } {
  return { from: dayStart(day), to: dayStart(day + 1) }
}

/** `logs_20261122`. Built from a number, so it needs no quoting. */
export function partitionName(table: Partitioned, day: number): string {
  return `${table.name}_${dayStart(day).slice(0, 10).replaceAll('-', '')}`
}

/** None for the default partition. */
function dayIn(name: string): number[] {
  const match = /_(\d{4})(\d\d)(\d\d)$/.exec(name)
  return match === null ? [] : [Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) / DAY_MS]
}
