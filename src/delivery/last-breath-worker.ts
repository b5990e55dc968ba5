/** The thread that posts the tail of a dying process, whose own event loop turns no more. `last-breath.ts` starts it and sleeps. */
import { workerData } from 'node:worker_threads'
import { DONE, isLastBreath, type LastBreathData, TAKEN } from './last-breath-data.ts'
import { createPost } from './post.ts'

/** Requests at once, as in life. */
const LANES = 4

if (isLastBreath(workerData)) await postAll(workerData)

async function postAll({ parcels, outcomes }: LastBreathData): Promise<void> {
  const cells = new Int32Array(outcomes)
  // The sockets would not hold this thread open.
  const timer = setInterval(() => {}, 1_000)
  const waiting = [...parcels.entries()]
  await Promise.allSettled(Array.from({ length: LANES }, () => runLane(waiting, cells)))
  clearInterval(timer)
  Atomics.store(cells, 0, DONE)
  Atomics.notify(cells, 0)
}

/** What stops one parcel stops the others: the time is better spent on ending. */
async function runLane(waiting: [number, LastBreathData['parcels'][number]][], cells: Int32Array): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [index, { chunk, post }] = next
    const outcome = await createPost(post)(chunk, new AbortController().signal)
    if (outcome.kind === 'ok') Atomics.store(cells, index + 1, TAKEN)
    else waiting.length = 0
  }
}
