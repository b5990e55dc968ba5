import { ADVISORY_LOCK } from './advisory-lock.ts'
import type { Database, Queryable } from './queryable.ts'

/** A table that has one partition for each UTC day. */
export type Partitioned = { readonly name: string; readonly time: string }

export type PartitionsOptions = {
  /** Owner of the tables. */
  readonly admin: Database
  readonly tables: readonly Partitioned[]
  /** Days that are kept; older ones are dropped whole, which costs nothing and gives the space back at once. */
  readonly retentionDays: number
  /** ms since 1970. */
  readonly now: () => number
}

export type Partitions = {
  /** Makes the partitions of these days (days since 1970) of one table unless they exist. Free when they are known. */
  ensure(table: Partitioned, days: ReadonlySet<number>): Promise<void>
  /** Makes the coming days' partitions and drops those past retention. To be called at start and now and then. */
  maintain(): Promise<void>
}

const DAY_MS = 86_400_000
/** Partitions stand ready for a collector that is down over a weekend, or for a clock that runs ahead. */
const DAYS_AHEAD = 3

/** The day of a time, in days since 1970, UTC. */
export function dayOf(timeUs: number): number {
  return Math.floor(timeUs / 1000 / DAY_MS)
}

/**
 * Keeps one partition a day. Days outside [today − retention, today + 3] get none: their rows, of a clock that is wrong,
 * go to the default partition, so that nobody can make the collector create a table for every day since 1970.
 */
export function createPartitions({ admin, tables, retentionDays, now }: PartitionsOptions): Partitions {
  const known = new Map(tables.map((table) => [table.name, new Set<number>()]))
  const today = () => dayOf(now() * 1000)

  async function ensure(table: Partitioned, days: ReadonlySet<number>): Promise<void> {
    const made = known.get(table.name) ?? new Set()
    const first = today() - retentionDays
    const last = today() + DAYS_AHEAD
    const missing = [...days].filter((day) => day >= first && day <= last && !made.has(day)).sort((a, b) => a - b)
    for (const day of missing) {
      await admin.transaction((tx) => createDay(tx, { table, day, shared: admin.kind === 'postgres' }))
      made.add(day)
    }
  }

  return {
    ensure,
    async maintain() {
      const coming = new Set(Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => today() + ahead))
      const oldest = today() - retentionDays
      for (const table of tables) {
        await ensure(table, coming)
        await dropDaysBefore(admin, table, oldest)
        for (const day of known.get(table.name) ?? []) if (day < oldest) known.get(table.name)?.delete(day)
      }
      await admin.query('DELETE FROM dead_letters WHERE arrived < $1::timestamptz', [dayStart(oldest)])
      await admin.query('DELETE FROM reads WHERE time < $1::timestamptz', [dayStart(oldest)])
    },
  }
}

/**
 * Fills a table of the partition's shape with the rows that went to the default partition before, then attaches it:
 * attaching locks out neither readers nor writers of the other days.
 */
async function createDay(tx: Queryable, { table, day, shared }: { table: Partitioned; day: number; shared: boolean }): Promise<void> {
  // Two collectors meet a new day at the same moment; PGlite has one connection.
  if (shared) await tx.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK.partitions])
  const partition = partitionName(table, day)
  const { rows } = await tx.query<{ exists: boolean }>('SELECT to_regclass($1) IS NOT NULL AS exists', [partition])
  if (rows[0]?.exists) return
  const [from, to] = [dayStart(day), dayStart(day + 1)]
  // No row may slip into the default partition between the move and the attaching, which would then be refused.
  await tx.query(`LOCK TABLE ${table.name}_default IN SHARE ROW EXCLUSIVE MODE`)
  await tx.query(`CREATE TABLE ${partition} (LIKE ${table.name} INCLUDING ALL)`)
  await tx.query(
    `WITH moved AS (DELETE FROM ${table.name}_default WHERE ${table.time} >= '${from}' AND ${table.time} < '${to}' RETURNING *)
     INSERT INTO ${partition} SELECT * FROM moved`,
  )
  await tx.query(`ALTER TABLE ${table.name} ATTACH PARTITION ${partition} FOR VALUES FROM ('${from}') TO ('${to}')`)
}

async function dropDaysBefore(admin: Database, table: Partitioned, oldest: number): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass`,
    [table.name],
  )
  // The names sort as the days do; the default partition is not one of them.
  const expired = rows.map(({ name }) => name).filter((name) => /_\d{8}$/.test(name) && name < partitionName(table, oldest))
  // IF EXISTS: another collector on this database may be faster.
  for (const name of expired) await admin.query(`DROP TABLE IF EXISTS ${name}`)
  await admin.query(`DELETE FROM ${table.name}_default WHERE ${table.time} < $1::timestamptz`, [dayStart(oldest)])
}

/** `logs_20261122`. Built from a number, so it needs no quoting. */
function partitionName(table: Partitioned, day: number): string {
  return `${table.name}_${dayStart(day).slice(0, 10).replaceAll('-', '')}`
}

function dayStart(day: number): string {
  return new Date(day * DAY_MS).toISOString()
}
