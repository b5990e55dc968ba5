import { createDay, dayOf, dayStart, dropDay, type Partitioned, standingDays } from './day-partition.ts'
import { type Astray, countAstray, waitingDays } from './default-partition.ts'
import { createExpiry } from './expiry.ts'
import { createMover } from './mover.ts'
import type { Database } from './queryable.ts'
import { sqlState } from './sqlstate.ts'

export type TableDaysOptions = {
  /** Owner of the table. */
  readonly admin: Database
  readonly table: Partitioned
  /** Days that are kept. */
  readonly retentionDays: number
  /** ms since 1970. */
  readonly now: () => number
  /** Gets what a person should know. */
  readonly warn: (message: string) => void
  /** Rows that one statement moves or deletes. */
  readonly stepRows: number
}

/** The partitions of one table; days count from 1970. */
export type TableDays = {
  /** Makes those of these days unless they exist. Free when they are known. What cannot be made now is left for the next round. */
  ensure(days: Iterable<number>): Promise<void>
  /** Makes those of the coming days, and of days of which a few rows stand in the default partition. */
  prepare(): Promise<void>
  /** The round. False when something is left that should not wait for the next one. */
  maintain(signal: AbortSignal): Promise<boolean>
  /** Rows that the last round has left in the default partition. */
  astray(): Astray
  /** Rows that came older than what is kept and were removed, since we started. */
  expired(): number
}

/** Partitions stand ready for a collector that is down over a weekend, or for a clock that runs ahead. */
const DAYS_AHEAD = 3
/** More rows than this in a default partition are not counted: the news is the same. */
const ASTRAY_COUNTED_MAX = 100_000

/**
 * Keeps one partition a day. Days outside [today − retention, today + 3] get none: their rows, of a clock that is wrong,
 * go to the default partition, so that nobody can make the collector create a table for every day since 1970.
 */
export function createTableDays({ admin, table, retentionDays, now, warn, stepRows }: TableDaysOptions): TableDays {
  const mover = createMover({ admin, table, stepRows })
  const expiry = createExpiry({ admin, table, retentionDays, warn, stepRows })
  const making = new Map<number, Promise<void>>()
  const waits = `${table.name}_default`
  let known = new Set<number>()
  let astray: Astray = { ahead: 0, waiting: 0 }
  const today = () => dayOf(now() * 1_000)
  const wanted = () => ({ from: today() - retentionDays, to: today() + DAYS_AHEAD })

  async function ensure(days: Iterable<number>): Promise<void> {
    const { from, to } = wanted()
    const missing = [...days].filter((day) => !known.has(day) && day >= from && day <= to)
    for (const day of missing.toSorted((a, b) => a - b)) await once(day)
  }

  /** Many requests meet a new day at the same moment. */
  function once(day: number): Promise<void> {
    const made = making.get(day) ?? make(day).finally(() => making.delete(day))
    making.set(day, made)
    return made
  }

  async function make(day: number): Promise<void> {
    const [waiting] = await waitingDays(admin, table, { from: day, to: day, rowsMax: stepRows + 1 })
    const isCrowded = (waiting !== undefined && waiting.rows > stepRows) || (await mover.isUnderWay())
    const { problem } = isCrowded ? CROWDED : await attempt(createDay(admin, { table, day }))
    if (problem !== undefined)
      warn(`${dayStart(day).slice(0, 10)} gets no partition of ${table.name} for now: ${problem}. Its rows wait in ${waits}.`)
    known.add(day)
  }

  /** Gives the days that cannot be made: more of their rows stand in the default partition than one statement moves. */
  async function makeDays(): Promise<readonly number[]> {
    known = await standingDays(admin, table.name)
    const waiting = await waitingDays(admin, table, { ...wanted(), rowsMax: stepRows + 1 })
    const crowded = waiting.filter(({ rows }) => rows > stepRows).map(({ day }) => day)
    // Before a day gets its partition the server looks through all of the default one.
    if (crowded.length > 0 || (await mover.isUnderWay())) return crowded
    const coming = Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => today() + ahead)
    await ensure(new Set([...coming, ...waiting.map(({ day }) => day)]))
    return []
  }

  async function removeOld(signal: AbortSignal): Promise<void> {
    const { from } = wanted()
    for (const day of known) if (day < from && (await attempt(dropDay(admin, { table, day }))).problem === undefined) known.delete(day)
    await expiry.remove(dayStart(from), signal)
  }

  /** False when somebody is in the way, or `signal` came. */
  async function move(days: readonly number[], signal: AbortSignal): Promise<boolean> {
    warn(`Too many rows for one statement wait in ${waits}; they are moved to the partitions of their days step by step.`)
    const { value: isDone = false, problem } = await attempt(mover.move(days, signal))
    if (problem !== undefined) warn(`Moving rows out of ${waits} is held up: ${problem}. It goes on in the next round.`)
    return isDone
  }

  async function maintain(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    const crowded = await makeDays()
    await removeOld(signal)
    if (crowded.length > 0 || (await mover.isUnderWay())) {
      if (!(await move(crowded, signal))) return false
      await makeDays()
    }
    astray = await countAstray(admin, table, { ...wanted(), rowsMax: ASTRAY_COUNTED_MAX })
    tellAstray(astray, { waits, warn })
    return true
  }

  return { ensure, prepare: async () => void (await makeDays()), maintain, astray: () => astray, expired: expiry.removed }
}

function tellAstray(
  { ahead, waiting }: Astray,
  { waits, warn }: { readonly waits: string; readonly warn: (message: string) => void },
): void {
  if (ahead > 0)
    warn(`${ahead} rows stand in ${waits}: their days are further than ${DAYS_AHEAD} days ahead. Set the clocks of the senders.`)
  if (waiting > 0) warn(`${waiting} rows stand in ${waits}, as their days have no partition yet. They move at the next round.`)
}

/** SQLSTATE, and what it means for who makes, drops or fills partitions. */
const PASSING: Readonly<Record<string, string>> = {
  '55P03': 'somebody reads or changes the table for long',
  '40P01': 'somebody else was in the way, and we in theirs',
  '57014': 'the server took too long for it',
}

const CROWDED = { problem: 'many rows have to be moved first' }

/** What `work` gives, or what keeps it from being done now and passes. */
async function attempt<T>(work: Promise<T>): Promise<{ readonly value?: T; readonly problem?: string }> {
  try {
    return { value: await work }
  } catch (error) {
    const problem = PASSING[sqlState(error)]
    if (problem === undefined) throw error
    return { problem }
  }
}
