import { ADVISORY_LOCK } from './advisory-lock.ts'
import { createDay, type DayPartition, dayOf, dayStart, dropDay, type Partitioned, standingDays } from './day-partition.ts'
import type { Database } from './queryable.ts'
import { reasonOf } from './reason.ts'
import { sqlState } from './sqlstate.ts'

export type PartitionsOptions = {
  /** Owner of the tables. */
  readonly admin: Database
  readonly tables: readonly Partitioned[]
  /** Days that are kept. */
  readonly retentionDays: number
  /** ms since 1970. */
  readonly now: () => number
  /** Gets what a person should know. */
  readonly warn: (message: string) => void
}

export type Partitions = {
  /**
   * Makes the partitions of these days (days since 1970) of one table unless they exist. Free when they are known. A day that
   * somebody who reads for long holds up goes without for now: its rows go to the default partition, and move at the next round.
   */
  ensure(table: Partitioned, days: ReadonlySet<number>): Promise<void>
  /**
   * The round: makes the coming days' partitions and those of rows that stand in the default one, and drops those past
   * retention. To be called at start and now and then; of collectors that do so at once, one does it. Never rejects: what fails in
   * one table is told and counted, and keeps the round from no other one.
   */
  maintain(): Promise<void>
  /** Rows that the last round has left in the default partitions, and what has failed, for `GET /metrics`. */
  prometheus(): string
}

/** Partitions stand ready for a collector that is down over a weekend, or for a clock that runs ahead. */
const DAYS_AHEAD = 3
/** More rows than this in a default partition are not counted: the news is the same. */
const ASTRAY_COUNTED_MAX = 100_000
/** Tables that are not partitioned, with the column that tells their rows' age. */
const PLAIN = { dead_letters: 'arrived', reads: 'time' } as const

/**
 * Keeps one partition a day. Days outside [today − retention, today + 3] get none: their rows, of a clock that is wrong,
 * go to the default partition, so that nobody can make the collector create a table for every day since 1970.
 */
export function createPartitions({ admin, tables, retentionDays, now, warn }: PartitionsOptions): Partitions {
  const known = new Map(tables.map((table) => [table.name, new Set<number>()]))
  const making = new Map<string, Promise<void>>()
  const astray = new Map(tables.map(({ name }) => [name, 0]))
  const failures = new Map([...tables.map(({ name }) => name), ...Object.keys(PLAIN), ROUND].map((part) => [part, 0]))
  const today = () => dayOf(now() * 1_000)
  const isWanted = (day: number) => day >= today() - retentionDays && day <= today() + DAYS_AHEAD

  async function ensure(table: Partitioned, days: ReadonlySet<number>): Promise<void> {
    const missing = [...days].filter((day) => !known.get(table.name)?.has(day) && isWanted(day))
    for (const day of missing.toSorted((a, b) => a - b)) await once({ table, day })
  }

  /** Many requests meet a new day at the same moment. */
  function once({ table, day }: DayPartition): Promise<void> {
    const key = `${table.name} ${day}`
    const made = making.get(key) ?? make({ table, day }).finally(() => making.delete(key))
    making.set(key, made)
    return made
  }

  async function make({ table, day }: DayPartition): Promise<void> {
    if (!(await isDone(createDay(admin, { table, day }))))
      warn(
        `Somebody reads ${table.name} for so long that ${dayStart(day).slice(0, 10)} gets no partition for now; its rows wait in ${table.name}_default.`,
      )
    known.get(table.name)?.add(day)
  }

  async function maintainTable(table: Partitioned): Promise<void> {
    const standing = await standingDays(admin, table)
    known.set(table.name, standing)
    const coming = Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => today() + ahead)
    await ensure(table, new Set([...coming, ...(await daysAstray(admin, table))]))
    const oldest = today() - retentionDays
    for (const day of standing) if (day < oldest && (await isDone(dropDay(admin, { table, day })))) standing.delete(day)
    await admin.query(`DELETE FROM ${table.name}_default WHERE ${table.time} < $1::timestamptz`, [dayStart(oldest)])
    const left = await countAstray(admin, table)
    astray.set(table.name, left)
    if (left > 0)
      warn(
        `${left} rows stand in ${table.name}_default: their days are further than ${DAYS_AHEAD} days ahead. Set the clocks of the senders.`,
      )
  }

  async function maintain(): Promise<void> {
    for (const table of tables) await attempt(table.name, () => maintainTable(table))
    const oldest = dayStart(today() - retentionDays)
    for (const [table, column] of Object.entries(PLAIN))
      await attempt(table, () => admin.query(`DELETE FROM ${table} WHERE ${column} < $1::timestamptz`, [oldest]))
  }

  async function attempt(part: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      failures.set(part, (failures.get(part) ?? 0) + 1)
      warn(`The upkeep of the database failed at ${part}, and is tried again in the next round: ${reasonOf(error)}`)
    }
  }

  return {
    ensure,
    maintain: () => attempt(ROUND, () => asTheOnlyOne(admin, maintain)),
    prometheus: () => [...gaugeLines(astray), ...failureLines(failures), ''].join('\n'),
  }
}

/** The part of a round that is none of the tables: to get a connection and to be the only one. */
const ROUND = 'round'

function gaugeLines(astray: ReadonlyMap<string, number>): string[] {
  const name = 'tts_otel_collector_default_partition_rows'
  const head = [`# HELP ${name} Rows that no day's partition takes, at the last round of upkeep.`, `# TYPE ${name} gauge`]
  return [...head, ...[...astray].map(([table, rows]) => `${name}{table="${table}"} ${rows}`)]
}

function failureLines(failures: ReadonlyMap<string, number>): string[] {
  const name = 'tts_otel_collector_upkeep_failures_total'
  const head = [`# HELP ${name} What failed in rounds of upkeep: old days of this table may still be there.`, `# TYPE ${name} counter`]
  return [...head, ...[...failures].map(([part, count]) => `${name}{part="${part}"} ${count}`)]
}

/** Does nothing while another collector on this database works. */
async function asTheOnlyOne(admin: Database, work: () => Promise<void>): Promise<void> {
  if (admin.kind === 'pglite') return await work()
  await admin.transaction(async (tx) => {
    // This connection says nothing while others do the work.
    await tx.query('SET LOCAL idle_in_transaction_session_timeout = 0')
    const { rows } = await tx.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [ADVISORY_LOCK.upkeep])
    if (rows[0]?.ours) await work()
  })
}

/** False when a lock could not be had in time. */
async function isDone(work: Promise<void>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error
    return false
  }
}

const LOCK_NOT_AVAILABLE = '55P03'

async function daysAstray(admin: Database, { name, time }: Partitioned): Promise<number[]> {
  const { rows } = await admin.query<{ day: number }>(
    `SELECT DISTINCT floor(extract(epoch FROM ${time}) / 86400)::integer AS day FROM ${name}_default`,
  )
  return rows.map(({ day }) => day)
}

async function countAstray(admin: Database, { name }: Partitioned): Promise<number> {
  const { rows } = await admin.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM (SELECT FROM ${name}_default LIMIT ${ASTRAY_COUNTED_MAX}) AS found`,
  )
  return rows[0]!.count
}
