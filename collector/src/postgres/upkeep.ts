import { setTimeout as sleep } from 'node:timers/promises'
import type { Sink } from '../batch.ts'
import type { Readiness } from '../readiness.ts'
import { grantUsers } from './grants.ts'
import { createOutageNotes } from './outage.ts'
import type { Partitions } from './partitions.ts'
import type { Database } from './queryable.ts'
import { createReadability } from './readability.ts'
import { reasonOf } from './reason.ts'
import { migrate, SchemaTooNewError } from './schema.ts'
import { sqlState } from './sqlstate.ts'

export type UpkeepOptions = {
  readonly database: Database
  /** Owner of the tables; the same as `database` when one user does both. */
  readonly admin: Database
  /** Answers the API; the same as `database` when one connection does both. */
  readonly reading: Database
  readonly partitions: Partitions
  /** Gets what a person should know. */
  readonly warn: (message: string) => void
}

export type Upkeep = {
  /**
   * Migrates, and from then on keeps the partitions. A server that is down is tried again until it is there, so this
   * resolves after the first try; it rejects when no further try can help.
   */
  start(): Promise<void>
  /** Asks the database. Bounded in time, never rejects. */
  readiness(): Promise<Readiness>
  /** Whether the API can read. Bounded in time, never rejects. */
  readability(): Promise<Readiness>
  /** `sink`, once the tables are there; until then everything is `retry`. When they are gone they are made again. */
  gate(sink: Sink): Sink
  stop(): void
}

const FIRST_DELAY_MS = 500
/** A database that comes back is found within this time. */
const DELAY_MS_MAX = 10_000
/** Days change once in 24 h and three stand ready; this often, a failed round does not matter. */
const MAINTAIN_INTERVAL_MS = 3_600_000
/** What was in the way of a round may have gone by then. */
const UNSETTLED_INTERVAL_MS = 300_000
const PING_TIMEOUT_MS = 2_000
const UNDEFINED_TABLE = '42P01'

/** Brings the database into the shape the sink needs and keeps it there. */
export function createUpkeep({ database, admin, reading, partitions, warn }: UpkeepOptions): Upkeep {
  const stopped = new AbortController()
  const outage = createOutageNotes(warn, Date.now)
  let state: Readiness = { ready: false, reason: 'the database is being opened' }
  const readability = createReadability(reading, warn)

  async function prepare(): Promise<void> {
    await migrate(admin)
    if (database.kind === 'postgres') await grantUsers({ admin, writer: database, reader: reading })
    // What fails in it keeps nobody from writing: rows of a day without a partition go to the default one.
    await partitions.prepare()
    state = { ready: true }
    if (reading !== database) void readability.tell()
  }

  async function prepareUntilReady(): Promise<void> {
    for (let delayMs = FIRST_DELAY_MS; !state.ready; delayMs = Math.min(delayMs * 2, DELAY_MS_MAX)) {
      await pause(delayMs, stopped.signal)
      if (stopped.signal.aborted) return
      await prepare().catch(wait)
    }
  }

  /** False when there is something left to do soon. */
  async function maintain(): Promise<boolean> {
    const isSettled = await partitions.maintain(stopped.signal)
    // A server does this by itself; without it the planner takes every table for a small one.
    if (database.kind === 'pglite') await database.query('ANALYZE').catch(tellSlow)
    return isSettled
  }

  function tellSlow(error: unknown): void {
    if (!stopped.signal.aborted)
      warn(`The tables could not be analyzed, so reading them may be slow until the next hour: ${reasonOf(error)}`)
  }

  async function maintainForever(): Promise<void> {
    // Rows of a day without a partition go to the default one; the next round moves them.
    for (let isSettled = await maintain(); await pause(isSettled ? MAINTAIN_INTERVAL_MS : UNSETTLED_INTERVAL_MS, stopped.signal); )
      isSettled = await maintain()
  }

  /** The database was made anew under us: what was there when we started is not. */
  function startOver(error: unknown): void {
    if (!state.ready || stopped.signal.aborted) return
    wait(error)
    warn(`The database was replaced (${reasonOf(error)}): it is prepared again.`)
    void prepareUntilReady()
  }

  function wait(error: unknown): void {
    outage.known()
    state = { ready: false, reason: reasonOf(error) }
  }

  return {
    async start() {
      try {
        await prepare()
      } catch (error) {
        if (database.kind === 'pglite' || error instanceof SchemaTooNewError) throw error
        wait(error)
      }
      void prepareUntilReady().then(maintainForever)
    },
    async readiness() {
      if (!state.ready) return state
      try {
        await database.ping(AbortSignal.timeout(PING_TIMEOUT_MS))
        return state
      } catch (error) {
        return { ready: false, reason: reasonOf(error) }
      }
    },
    gate(sink) {
      const watched = outage.watch(sink)
      return async function whenReady(batch, signal) {
        if (state.ready) {
          const outcome = await watched(batch, signal)
          if (outcome.kind === 'retry' && sqlState(outcome.error) === UNDEFINED_TABLE) startOver(outcome.error)
          return outcome
        }
        return { kind: 'retry', afterMs: 1_000, error: new Error(`The database is not ready: ${state.reason}`) }
      }
    },
    readability: readability.ask,
    stop: () => stopped.abort(),
  }
}

/** False when `signal` came first. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return await sleep(ms, true, { signal, ref: false }).catch(() => false)
}
