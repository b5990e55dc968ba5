import type { Outcome, Send } from '../wire/outcome.ts'
import { withRetry } from '../wire/retry.ts'
import type { Chunk } from '../wire/signal.ts'
import { createPause } from './pause.ts'

export type SenderOptions = {
  /** One attempt. */
  readonly send: Send<Chunk>
  readonly firstDelayMs: number
  readonly delayMsMax: number
  /** Called when an attempt failed and will be repeated. */
  readonly onRetry: (error: Error) => void
}

export type Sender = {
  /** Tries until the collector has decided, or `signal` aborts. */
  readonly send: Send<Chunk>
  /** The last answer asked for another try: one request at a time is enough to find out when that has passed. */
  readonly isFailing: () => boolean
  /** Tries again now, except where the collector named a time. */
  readonly wake: () => void
  /** From now on a chunk gets one more attempt; another one only if the collector asked for it before `deadlineMs` (of `performance.now`). */
  readonly hurry: (deadlineMs: number) => void
}

/** Repeats attempts with growing, jittered waits; one success ends the waits of all the others. */
export function createSender(options: SenderOptions): Sender {
  const { firstDelayMs, delayMsMax, onRetry } = options
  const pause = createPause()
  let failing = false
  let deadlineMs = Number.POSITIVE_INFINITY

  async function watched(chunk: Chunk, signal: AbortSignal): Promise<Outcome> {
    const outcome = await options.send(chunk, signal)
    failing = outcome.kind === 'retry'
    if (outcome.kind === 'ok') pause.wake()
    if (outcome.kind !== 'retry' || signal.aborted) return outcome
    const msLeft = deadlineMs - performance.now()
    if ((outcome.afterMs ?? Number.POSITIVE_INFINITY) > msLeft) return { kind: 'drop', reason: 'undelivered', error: outcome.error }
    onRetry(outcome.error)
    return outcome
  }

  return {
    send: withRetry(watched, { firstDelayMs, delayMsMax, sleep: pause.sleep, random: Math.random }),
    isFailing: () => failing,
    wake: pause.wake,
    hurry(atMs) {
      deadlineMs = atMs
      pause.wake()
    },
  }
}
