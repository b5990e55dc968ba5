import { ADVISORY_LOCK } from './advisory-lock.ts'
import { dayOf, dayStart, type Partitioned } from './day-partition.ts'
import { type Astray, deleteOutdated } from './default-partition.ts'
import type { Database } from './queryable.ts'
import { reasonOf } from './reason.ts'
import { createTableDays, type TableDays } from './table-days.ts'

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
  /** Rows that one statement moves or deletes. Default 5,000. */
  readonly stepRows?: number
}

export type Partitions = {
  /**
   * Makes the partitions of these days (days since 1970) of one table unless they exist. Free when they are known. A day that
   * somebody who reads for long holds up goes without for now: its rows go to the default partition, and move at the next round.
   */
  ensure(table: Partitioned, days: ReadonlySet<number>): Promise<void>
  /** Makes the coming days' partitions and those of days of which a few rows stand in the default one: what a start waits for. Never rejects. */
  prepare(): Promise<void>
  /**
   * The round: does the same, moves days of which many rows stand in the default partition, and removes what is past retention. To be
   * called at start and now and then; of collectors that do so at once, one does it. Takes as long as there is to do, or until `signal`.
   * False when something is left that should not wait for an hour. Never rejects: what fails in one table is told and counted, and keeps
   * the round from no other one.
   */
  maintain(signal: AbortSignal): Promise<boolean>
  /** Rows that the last round has left in the default partitions, and what has failed, for `GET /metrics`. */
  prometheus(): string
}

/** Some 0.2 s for the server; fewer cost more round trips, more hold up whoever waits for one of these rows. */
const STEP_ROWS = 5_000

/** Tables that are not partitioned, with the column that tells their rows' age. */
const PLAIN = [
  { table: 'dead_letters', time: 'arrived' },
  { table: 'reads', time: 'time' },
] as const

/** The part of a round that is none of the tables: to get a connection and to be the only one. */
const ROUND = 'round'

/** Keeps the tables: each has one partition a day, and nothing that is past retention. */
export function createPartitions({ tables, stepRows = STEP_ROWS, ...options }: PartitionsOptions): Partitions {
  const { admin, retentionDays, now, warn } = options
  const kept = tables.map((table) => ({ name: table.name, days: createTableDays({ ...options, table, stepRows }) }))

  const failures = new Map([...kept.map(({ name }) => name), ...PLAIN.map(({ table }) => table), ROUND].map((part) => [part, 0]))

  async function prepare(): Promise<void> {
    for (const { name, days } of kept) await attempt(name, days.prepare)
  }

  async function round(signal: AbortSignal): Promise<boolean> {
    const before = dayStart(dayOf(now() * 1_000) - retentionDays)
    const results: (boolean | undefined)[] = []
    for (const { name, days } of kept) results.push(await attempt(name, () => days.maintain(signal)))
    for (const plain of PLAIN) results.push(await attempt(plain.table, () => deleteOutdated(admin, { ...plain, before, stepRows, signal })))
    return results.every((isSettled) => isSettled === true)
  }

  /** Gives undefined when it fails. */
  async function attempt<T>(part: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      failures.set(part, (failures.get(part) ?? 0) + 1)
      warn(`The upkeep of the database failed at ${part}, and is tried again in the next round: ${reasonOf(error)}`)
      return undefined
    }
  }

  return {
    async ensure({ name }, days) {
      await kept.find((table) => table.name === name)!.days.ensure(days)
    },
    prepare: async () => void (await attempt(ROUND, () => asTheOnlyOne(admin, prepare))),
    async maintain(signal) {
      const settled = await attempt(ROUND, () => asTheOnlyOne(admin, () => round(signal)))
      return settled === true || settled === TAKEN
    },
    prometheus: () => [...astrayLines(kept), ...expiredLines(kept), ...failureLines(failures), ''].join('\n'),
  }
}

type Kept = readonly { readonly name: string; readonly days: TableDays }[]

function astrayLines(kept: Kept): string[] {
  const name = 'tts_otel_collector_default_partition_rows'
  const head = [`# HELP ${name} Rows that no day's partition takes, at the last round of upkeep.`, `# TYPE ${name} gauge`]
  const line = (table: string, why: keyof Astray, rows: number) => `${name}{table="${table}",why="${why}"} ${rows}`
  return [
    ...head,
    ...kept.flatMap(({ name: table, days }) => [line(table, 'ahead', days.astray().ahead), line(table, 'waiting', days.astray().waiting)]),
  ]
}

function expiredLines(kept: Kept): string[] {
  const name = 'tts_otel_collector_expired_rows_total'
  const head = [`# HELP ${name} Rows that came older than RETENTION_DAYS, and were removed by a round of upkeep.`, `# TYPE ${name} counter`]
  return [...head, ...kept.map(({ name: table, days }) => `${name}{table="${table}"} ${days.expired()}`)]
}

function failureLines(failures: ReadonlyMap<string, number>): string[] {
  const name = 'tts_otel_collector_upkeep_failures_total'
  const head = [`# HELP ${name} What failed in rounds of upkeep: old days of this table may still be there.`, `# TYPE ${name} counter`]
  return [...head, ...[...failures].map(([part, count]) => `${name}{part="${part}"} ${count}`)]
}

/** Does nothing while another collector on this database works. */
async function asTheOnlyOne<T>(admin: Database, work: () => Promise<T>): Promise<T | typeof TAKEN> {
  if (admin.kind === 'pglite') return await work()
  return await admin.transaction(async (tx) => {
    // This connection says nothing while others do the work.
    await tx.query('SET LOCAL idle_in_transaction_session_timeout = 0')
    const { rows } = await tx.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [ADVISORY_LOCK.upkeep])
    return rows[0]?.ours ? await work() : TAKEN
  })
}

const TAKEN = Symbol('another collector does it')
