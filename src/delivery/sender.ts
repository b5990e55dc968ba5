import type { Outcome, Send } from '../wire/outcome.ts'
import { withRetry } from '../wire/retry.ts'
import type { Chunk } from '../wire/signal.ts'
import type { Job } from './outbox.ts'
import { createPause } from './pause.ts'

type Retry = Extract<Outcome, { kind: 'retry' }>

export type SenderOptions = {
  /** One attempt. */
  readonly send: Send<Chunk>
  readonly firstDelayMs: number
  readonly delayMsMax: number
  /** Called when an attempt with a part of `job` failed. True when the job is on disk, or on its way there. */
  readonly rescue: (job: Job, outcome: Retry) => boolean
  /** Called when a failed attempt will be repeated. */
  readonly onRetry: (error: Error) => void
  /** Called when the collector took something. */
  readonly onTaken: () => void
}

export type Sender = {
  /** Tries with parts of `job` until the collector has decided, or the job's signal aborts. */
  readonly trying: (job: Job) => Send<Chunk>
  /** One attempt with parts of `job`. */
  readonly once: (job: Job) => Send<Chunk>
  /** The last answer asked for another try: one request at a time is enough to find out when that has passed. */
  readonly isFailing: () => boolean
  /** The same, or the last answer was a refusal. */
  readonly hasFailed: () => boolean
  /** Tries again now, except where the collector named a time. */
  readonly wake: () => void
  /** From now on a chunk gets one more attempt; another one only if the collector asked for it before `deadlineMs` (of `performance.now`). */
  readonly hurry: (deadlineMs: number) => void
}

/** Repeats attempts with growing, jittered waits; one success ends the waits of all the others. */
export function createSender(options: SenderOptions): Sender {
  const { firstDelayMs, delayMsMax, rescue, onRetry, onTaken } = options
  const pause = createPause()
  let failing = false
  let refused = false
  let deadlineMs = Number.POSITIVE_INFINITY

  const once = (job: Job) =>
    async function watched(part: Chunk, signal: AbortSignal): Promise<Outcome> {
      job.isInRequest = true
      const outcome = await options.send(part, signal)
      job.isInRequest = false
      failing = outcome.kind === 'retry'
      refused = outcome.kind === 'drop' && outcome.reason === 'refused'
      if (outcome.kind === 'ok') {
        pause.wake()
        onTaken()
      }
      if (outcome.kind !== 'retry' || signal.aborted) return outcome
      const msLeft = deadlineMs - performance.now()
      if (!rescue(job, outcome) && (outcome.afterMs ?? Number.POSITIVE_INFINITY) > msLeft)
        return { kind: 'drop', reason: 'undelivered', error: outcome.error }
      onRetry(outcome.error)
      return outcome
    }

  return {
    once,
    trying: (job) => withRetry(once(job), { firstDelayMs, delayMsMax, sleep: pause.sleep, random: Math.random }),
    isFailing: () => failing,
    hasFailed: () => failing || refused,
    wake: pause.wake,
    hurry(atMs) {
      deadlineMs = atMs
      pause.wake()
    },
  }
}
