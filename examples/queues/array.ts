/** The length of a queue that is a plain array, in the process that works on it. */
import { observeQueueLength, type TtsOrder, ttsRequest } from 'tts-otel'

export type Queue = {
  /** Resolves with the audio when the text has been spoken, after those that were there before it. */
  readonly speak: (order: TtsOrder) => Promise<Buffer>
  /** Stops telling its length. */
  readonly close: () => void
}

/** Speaks one text after the other. `tts.queue.length` is how many wait; the one that is being spoken does not wait any more. */
export function createQueue(speak: (order: TtsOrder) => Promise<Buffer>): Queue {
  const waiting: (() => void)[] = []
  let isBusy = false

  async function takeTurn(): Promise<void> {
    if (isBusy) return new Promise((next) => waiting.push(next))
    isBusy = true
  }

  function leave(): void {
    const next = waiting.shift()
    if (next) next()
    else isBusy = false
  }

  return {
    speak: (order) =>
      ttsRequest(order, async (tts) => {
        tts.queued()
        await takeTurn()
        tts.started()
        return speak(order).finally(leave)
      }),
    close: observeQueueLength(() => waiting.length),
  }
}
