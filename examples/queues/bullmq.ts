/**
 * The length of a BullMQ queue, and a worker without HTTP.
 *
 *     observeJobs(new Queue('speech', { connection }))
 *     new Worker('speech', createWork(speak), { connection })
 */
import { observeQueueLength, recordRequest, type TtsOrder, ttsRequest } from 'tts-otel'

/** What is asked of a `Queue` of bullmq. https://api.docs.bullmq.io/classes/v5.Queue.html#getWaitingCount */
type WaitingJobs = { getWaitingCount(): Promise<number> }
/** What is read of its `Job`. `timestamp` is when it was added, in ms since 1970. */
type SpeechJob = { readonly id?: string | undefined; readonly timestamp: number; readonly data: TtsOrder }

/**
 * Every process may do this: the metric is a gauge, and all of them tell the same number. A Redis that is away costs the metric, nothing else.
 *
 * @returns stops asking.
 */
export function observeJobs(queue: WaitingJobs): () => void {
  return observeQueueLength(() => queue.getWaitingCount())
}

/** What a `Worker` runs for each job. Nobody else measures these requests, so it does: from when they were added. */
export function createWork(speak: (order: TtsOrder) => Promise<void>): (job: SpeechJob) => Promise<void> {
  return async function work({ id, timestamp, data }) {
    const secondsSince = () => Math.max(0, Date.now() - timestamp) / 1_000
    let isSpoken = false
    try {
      await ttsRequest({ ...data, requestId: data.requestId ?? id }, async (tts) => {
        tts.started(secondsSince())
        await speak(data)
      })
      isSpoken = true
    } finally {
      recordRequest(secondsSince(), isSpoken)
    }
  }
}
