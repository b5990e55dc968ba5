import type { DropReason, Outcome } from '../wire/outcome.ts'
import type { Chunk, Signal } from '../wire/signal.ts'
import { NAMES } from './farewell.ts'
import type { Job } from './outbox.ts'
import { REFUSALS_MAX } from './rescue.ts'
import type { Counters } from './stats.ts'
import { createWarner } from './warn.ts'

/** Why something was lost. An Error of our own making would look for its stack, which takes as long as all the rest of a log call. */
type Cause = Pick<Error, 'message'>

export type LedgerOptions = {
  readonly signal: Signal
  readonly counters: Counters
  readonly warn: (message: string) => void
  /** Keeps a part of a job for a later try; false when there is no room for it, or it has been refused too often. */
  readonly keep: (job: Job, part: Chunk, isRefused: boolean) => boolean
  /** Items of a job that have a place on disk have their end. */
  readonly settled: (job: Job, items: number) => void
}

export type Ledger = {
  readonly created: (items: number) => void
  readonly dropped: (reason: DropReason, items: number, error: Cause) => void
  readonly retried: (error: Error) => void
  /** Ends `part` of `job`: each item of the job is counted once, whatever its parts went through. */
  readonly settle: (job: Job, part: Chunk, outcome: Outcome) => void
  /** Counts what a shutdown leaves behind, in the queue and in the outbox, and says in one line what was not delivered. */
  readonly conclude: (queuedItems: number, jobs: readonly Job[]) => void
  /** All items lost so far. */
  readonly losses: () => number
}

/** The only place that counts, and says, what became of one signal's items. */
export function createLedger({ signal, counters, warn, ...options }: LedgerOptions): Ledger {
  const say = createWarner(warn, () => performance.now())
  const name = NAMES[signal]

  let lastError: Cause | undefined

  function dropped(reason: DropReason, items: number, error: Cause): void {
    counters.dropped[reason] += items
    if (reason === 'undelivered')
      lastError = error // said once, with the sum, by `conclude`
    else
      say(
        reason,
        () => `${name} dropped (${reason}): ${items} now, ${counters.dropped[reason]} in all: ${error.message}. ${ADVICE[reason]}`,
      )
  }

  function settle(job: Job, part: Chunk, outcome: Outcome): void {
    const items = Math.min(part.items, job.itemsLeft) // 0 when a shutdown has counted the job already
    if (items === 0) return
    job.itemsLeft -= items
    if (outcome.kind !== 'ok' && keep(job, part, outcome)) return
    options.settled(job, items)
    if (outcome.kind === 'ok') accept(items, outcome, job.isReplay)
    else dropped(outcome.kind === 'retry' ? 'undelivered' : outcome.reason, items, outcome.error)
  }

  function accept(items: number, { rejected }: Extract<Outcome, { kind: 'ok' }>, isReplay: boolean): void {
    const rejectedItems = Math.min(rejected?.count ?? 0, items)
    counters.sent += items - rejectedItems
    if (isReplay) counters.replayed += items - rejectedItems
    if (rejectedItems > 0) dropped('rejected', rejectedItems, { message: rejected?.message || 'no reason given' })
    else if (rejected) say('partial_success', () => `the collector took all ${name}, with a warning: ${rejected.message}`)
  }

  function keep(job: Job, part: Chunk, outcome: Exclude<Outcome, { kind: 'ok' }>): boolean {
    const isRefused = outcome.kind === 'drop'
    if (isRefused && outcome.reason !== 'refused') return false
    const { error } = outcome
    lastError = error
    if (!options.keep(job, part, isRefused)) return false
    if (isRefused)
      say('kept', () => `${name} refused: ${error.message}. They are kept and tried again every five minutes, ${REFUSALS_MAX} times`)
    return true
  }

  function conclude(queuedItems: number, jobs: readonly Job[]): void {
    counters.dropped.undelivered += queuedItems
    let refused = 0
    for (const job of jobs) {
      if (job.slip !== undefined) continue // the spool has it
      if (job.refusals > 0) refused += job.itemsLeft
      else counters.dropped.undelivered += job.itemsLeft
    }
    for (const job of jobs) job.itemsLeft = 0
    counters.dropped.refused += refused
    const lost = counters.dropped.undelivered + refused
    const why = lastError?.message ?? 'the collector has not answered'
    if (lost > 0) say('conclusion', () => `${name} not delivered before the process ended: ${lost}, because ${why}. ${ADVICE.undelivered}`)
  }

  return {
    created: (items) => {
      counters.created += items
    },
    dropped,
    retried(error) {
      counters.retried++
      lastError = error
      say(
        'retry',
        () => `${name} not delivered yet: ${error.message}. ${counters.waiting() + counters.disk().waiting} are kept and tried again`,
      )
    },
    settle,
    conclude,
    losses: () => Object.values(counters.dropped).reduce((sum, items) => sum + items, 0),
  }
}

/** What a person can do about a loss. */
const ADVICE: Record<DropReason, string> = {
  queue_full:
    'More is made than the collector takes: find out why it is slow, sample, or raise OTEL_BSP_MAX_QUEUE_SIZE (OTEL_BLRP_MAX_QUEUE_SIZE for logs)',
  poison:
    'The collector cannot read them; what it can read of their batch is delivered. Please report this with the message of the collector',
  too_large: 'They are too large even alone: set OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, or raise the limit of the collector',
  refused: 'Repair what the message names; new telemetry is tried as before',
  rejected: 'The collector read them and will never store them; it keeps the reason',
  undelivered: 'See that the collector runs and can be reached; TTS_OTEL_SHUTDOWN_TIMEOUT_MS is the time it gets',
  spool_full: 'See why the collector does not take them, or raise TTS_OTEL_SPOOL_MAX_MB',
  expired: 'They were older than two days: see why the collector did not take them',
  corrupt: 'Files in TTS_OTEL_SPOOL_DIR are damaged: see whether the disk is sound',
  io: 'Free disk space, or choose another directory in TTS_OTEL_SPOOL_DIR',
  encode: 'An attribute of them cannot be encoded: use texts, numbers, booleans and lists of these',
}
