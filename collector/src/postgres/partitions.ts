import { ADVISORY_LOCK } from './advisory-lock.ts'
import { dayOf, dayStart, type Partitioned } from './day-partition.ts'
import { deleteOutdated } from './default-partition.ts'
import type { Database } from './queryable.ts'
import { createTableDays } from './table-days.ts'

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
  /** Makes the coming days' partitions and those of days of which a few rows stand in the default one: what a start waits for. */
  prepare(): Promise<void>
  /**
   * The round: does the same, moves days of which many rows stand in the default partition, and removes what is past retention. To be
   * called at start and now and then; of collectors that do so at once, one does it. Takes as long as there is to do, or until `signal`.
   * False when something is left that should not wait for the next round.
   */
  maintain(signal: AbortSignal): Promise<boolean>
  /** Rows that the last round has left in the default partitions, for `GET /metrics`. */
  prometheus(): string
}

/** Some 0.2 s for the server; fewer cost more round trips, more hold up whoever waits for one of these rows. */
const STEP_ROWS = 5_000

/** Tables that are kept by arrival, in one piece. */
const PLAIN = [
  { table: 'dead_letters', time: 'arrived' },
  { table: 'reads', time: 'time' },
] as const

/** Keeps the tables: each has one partition a day, and nothing that is past retention. */
export function createPartitions({ tables, stepRows = STEP_ROWS, ...options }: PartitionsOptions): Partitions {
  const { admin, retentionDays, now } = options
  const kept = tables.map((table) => ({ name: table.name, days: createTableDays({ ...options, table, stepRows }) }))

  async function round(signal: AbortSignal): Promise<boolean> {
    let isSettled = true
    for (const { days } of kept) isSettled = !signal.aborted && (await days.maintain(signal)) && isSettled
    const before = dayStart(dayOf(now() * 1_000) - retentionDays)
    for (const plain of PLAIN) await deleteOutdated(admin, { ...plain, before, stepRows, signal })
    return isSettled
  }

  return {
    async ensure({ name }, days) {
      await kept.find((table) => table.name === name)!.days.ensure(days)
    },
    async prepare() {
      await asTheOnlyOne(admin, async () => {
        for (const { days } of kept) await days.prepare()
      })
    },
    maintain: async (signal) => (await asTheOnlyOne(admin, () => round(signal))) ?? true,
    prometheus() {
      const name = 'tts_otel_collector_default_partition_rows'
      const head = [`# HELP ${name} Rows that no day's partition takes, at the last round of upkeep.`, `# TYPE ${name} gauge`]
      const values = kept.map((table) => `${name}{table="${table.name}"} ${table.days.astray()}`)
      return `${[...head, ...values].join('\n')}\n`
    },
  }
}

/** Does nothing, and gives undefined, while another collector on this database works. */
async function asTheOnlyOne<T>(admin: Database, work: () => Promise<T>): Promise<T | undefined> {
  if (admin.kind === 'pglite') return await work()
  return await admin.transaction(async (tx) => {
    // This connection says nothing while others do the work.
    await tx.query('SET LOCAL idle_in_transaction_session_timeout = 0')
    const { rows } = await tx.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [ADVISORY_LOCK.upkeep])
    return rows[0]?.ours ? await work() : undefined
  })
}
