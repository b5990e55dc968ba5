import { setImmediate as nextTurn } from 'node:timers/promises'
import { BroadcastChannel, getEnvironmentData, setEnvironmentData } from 'node:worker_threads'

type Flush = (timeoutMs: number) => Promise<unknown>
/** Main thread to workers: deliver what waits. */
type Order = { readonly kind: 'end'; readonly timeoutMs: number }
type Reply = { readonly kind: 'begun' | 'done' }

/** Workers that have an SDK, in memory that all threads share. */
const COUNT = 'tts-otel.workers'
const CHANNEL = 'tts-otel.end'
/** A worker that computes does not hear us, and the process is not held up for it; one on a busy machine only hears us later. */
const BEGUN_MS_MAX = 1_000

/**
 * Of the main thread, which alone hears signals: lets the SDKs of the workers deliver before the process dies and takes them along. To be
 * made before there are any.
 */
export function createWorkerEnds(): Flush {
  const count = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  setEnvironmentData(COUNT, count)

  return async function flushWorkers(timeoutMs) {
    const workers = Atomics.load(count, 0)
    if (workers <= 0) return
    // What hands its lines to a worker behind the app's back (pino) has done so then.
    await nextTurn()
    await nextTurn()
    await askAll(workers, timeoutMs)
  }
}

function askAll(workers: number, timeoutMs: number): Promise<void> {
  const channel = new BroadcastChannel(CHANNEL)
  const order: Order = { kind: 'end', timeoutMs }
  return new Promise((resolve) => {
    let expected = workers
    const heard = { begun: 0, done: 0 }

    function finish(): void {
      clearTimeout(begin)
      clearTimeout(end)
      channel.close()
      resolve()
    }

    function look(): void {
      if (heard.done >= expected) finish()
    }

    const end = setTimeout(finish, timeoutMs)
    const begin = setTimeout(
      () => {
        expected = heard.begun
        look()
      },
      Math.min(timeoutMs, BEGUN_MS_MAX),
    )
    channel.onmessage = (event) => {
      const { data } = event as { readonly data: Reply } // nobody else knows the channel
      if (data.kind in heard) heard[data.kind] += 1
      look()
    }
    channel.postMessage(order)
  })
}

/**
 * Of a worker: delivers when the main thread is about to die. Does nothing where the main thread has no SDK.
 *
 * @returns says that this worker ends.
 */
export function followMainThread(flush: Flush): () => void {
  const count = getEnvironmentData(COUNT)
  if (!(count instanceof Int32Array)) return () => {}
  Atomics.add(count, 0, 1)
  const channel = new BroadcastChannel(CHANNEL)
  channel.onmessage = async (event) => {
    const { data } = event as { readonly data: Order | Reply } // workers hear one another, too
    if (data.kind !== 'end') return
    reply(channel, 'begun')
    // Lines that were handed over just before the order are read before we flush.
    await nextTurn()
    await flush(data.timeoutMs).catch(() => {})
    reply(channel, 'done')
  }
  channel.unref()
  return () => void Atomics.sub(count, 0, 1)
}

function reply(channel: BroadcastChannel, kind: Reply['kind']): void {
  const message: Reply = { kind }
  channel.postMessage(message)
}
