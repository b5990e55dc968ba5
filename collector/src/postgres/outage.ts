import type { Sink } from '../batch.ts'
import { describeError } from '../describe-error.ts'
import { createSeldom } from '../seldom.ts'

export type OutageNotes = {
  /** `sink`, and what becomes of its batches is noted. */
  watch(sink: Sink): Sink
  /** The store is out, and that has been said already. */
  known(): void
}

/** Says when the store begins to refuse and when it takes again, once for each outage; of a store that goes and comes at most once a minute. */
export function createOutageNotes(warn: (message: string) => void, now: () => number): OutageNotes {
  const tell = createSeldom((message) => {
    warn(message)
    isTold = true
  }, now)
  let [isOut, isTold] = [false, false]

  function begin(error: Error): void {
    if (!isOut) tell('outage', `PostgreSQL takes no data (${describeError(error)}): senders are told to try again`)
    isOut = true
  }

  function end(): void {
    if (isTold) warn('PostgreSQL takes data again')
    isOut = isTold = false
  }

  return {
    watch(sink) {
      return async function watched(batch, signal) {
        const outcome = await sink(batch, signal)
        if (outcome.kind === 'retry') begin(outcome.error)
        else end()
        return outcome
      }
    },
    known() {
      isOut = isTold = true
    },
  }
}
