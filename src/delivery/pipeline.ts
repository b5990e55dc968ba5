import { AsyncLocalStorage } from 'node:async_hooks'
import type { Encoder } from '../wire/encode.ts'
import type { Send } from '../wire/outcome.ts'
import type { Chunk, Signal } from '../wire/signal.ts'
import { deliver } from './deliver.ts'
import { encodeEach } from './encode-each.ts'
import { createFlushes } from './flushes.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { createQueue, type Queue, type QueueLimits } from './queue.ts'
import { createSender } from './sender.ts'
import type { Stats } from './stats.ts'

export type PipelineLimits = {
  /** Items that may wait to be encoded (`OTEL_BSP_MAX_QUEUE_SIZE`). */
  readonly queueItemsMax: number
  /** Most items of one request (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`); never more than one turn of the event loop may encode. */
  readonly batchItemsMax: number
  /** Longest time an item waits for others (`OTEL_BSP_SCHEDULE_DELAY`). */
  readonly delayMs: number
  /** Estimated bytes in the queue. Default 16 MiB. */
  readonly queueBytesMax?: number
  /** Encoded bytes that wait for the collector, refused ones included; one batch more may be there. Default 16 MiB, about 35,000 spans. */
  readonly chunkBytesMax?: number
}

/** The waits between attempts, in a test shorter than in life. */
export type PipelineWaits = {
  /** Before the first repetition; doubled at each further one. Default 1,000. */
  readonly firstDelayMs: number
  /** Default 30,000. */
  readonly delayMsMax: number
  /** Between the tries of refused data. Default five minutes. */
  readonly parkMs: number
}

export type PipelineOptions<T> = {
  readonly signal: Signal
  /** `createEncoder(signal, 'protobuf')` */
  readonly encoder: Encoder<T>
  /** One attempt, with a timeout of its own: `createPost(…)`. */
  readonly send: Send<Chunk>
  readonly limits: PipelineLimits
  readonly stats: Stats
  /** Says a problem to a person. Called at most once a minute for each reason. */
  readonly warn: (message: string) => void
  readonly waits?: PipelineWaits
}

export type Pipeline<T> = {
  /** Hands one item over. Never throws, never waits. */
  readonly push: (item: T) => void
  /** Counts an item that could not be made ready for `push`, because something of the app's in it throws. */
  readonly broken: (error: unknown) => void
  /** True when all that was pushed before has been acknowledged; false when time ran out or some of it was dropped or refused. */
  readonly forceFlush: (timeoutMs: number) => Promise<boolean>
  /**
   * As `forceFlush`, then counts what is left as `undelivered` and takes nothing more.
   * Each chunk gets one last attempt: a collector that cannot be reached costs the ending process no time.
   */
  readonly shutdown: (timeoutMs: number) => Promise<boolean>
}

const MIB = 1_048_576
const QUEUE_BYTES_MAX = 16 * MIB
const CHUNK_BYTES_MAX = 16 * MIB

/** Receivers take requests of 4 MiB (gRPC gateways) to 20 MiB; this is estimated, so it keeps a distance. */
const BATCH_BYTES_MAX = 2 * MIB

/**
 * Requests at once while there is more than one to send. 10,000 spans/s to a collector that takes 150 ms for an answer: with one lane
 * 19,000 wait after three seconds, with four 2,000.
 */
const LANES_MAX = 4

/** Refused data is worth less than new data: it gets a quarter of the room. */
const PARKED_SHARE = 0.25

const WAITS: PipelineWaits = { firstDelayMs: 1_000, delayMsMax: 30_000, parkMs: 5 * 60_000 }

/**
 * The way of one signal from the SDK to the collector. Bounded at every step, and what does not arrive is counted by its reason.
 *
 *     push ──► queue ──► encode (512 a turn) ──► outbox ──► 1..4 lanes ──► cut ──► retry ──► send
 *              items                             bytes
 *
 * While the outbox is full nothing is encoded, so the queue is the one place that overflows (`queue_full`).
 */
export function createPipeline<T>(options: PipelineOptions<T>): Pipeline<T> {
  const { signal, encoder, limits, stats, warn, waits = WAITS } = options
  const counters = stats.of(signal)
  const chunkBytesMax = limits.chunkBytesMax ?? CHUNK_BYTES_MAX
  const stop = new AbortController()
  const pump = createPump(() => moveBatch({ queue, encoder, ledger, outbox, chunkBytesMax }))

  const ledger = createLedger({ signal, counters, warn, park: (job) => outbox.park(job) })
  const sender = createSender({ send: options.send, ...waits, onRetry: ledger.retried })
  const queue = createQueue<T>({ ...queueLimits(limits, encoder), estimateBytes: encoder.estimateBytes, onReady: pump })
  const outbox = createOutbox({
    deliver: (job) => deliver(job.chunk, sender.send, (part, outcome) => ledger.settle(job, part, outcome), stop.signal),
    lanes: () => (sender.isFailing() ? 1 : LANES_MAX),
    parkedBytesMax: chunkBytesMax * PARKED_SHARE,
    parkMs: waits.parkMs,
    onEnd() {
      pump()
      flushes.check()
    },
  })
  const flushes = createFlushes(() => Math.min(queue.taken(), outbox.oldest()))
  const itemsIn = (items: readonly T[]) => items.reduce((sum, item) => sum + encoder.count(item), 0)
  counters.waiting = () => itemsIn(queue.items()) + outbox.items()

  let closing: Promise<boolean> | undefined

  function push(item: T): void {
    const items = encoder.count(item)
    ledger.created(items)
    if (closing) ledger.dropped('undelivered', items, new Error('telemetry was made after the shutdown'))
    else if (!queue.push(item)) ledger.dropped('queue_full', items, new Error(`the queue is full at ${queue.items().length} items`))
  }

  function broken(cause: unknown): void {
    ledger.created(1)
    ledger.dropped('encode', 1, new Error('it cannot be read', { cause }))
  }

  async function forceFlush(timeoutMs: number): Promise<boolean> {
    const lossesBefore = ledger.losses()
    const mark = queue.taken() + queue.items().length
    queue.flush()
    sender.wake()
    const inTime = await flushes.wait(mark, timeoutMs)
    return inTime && outbox.parked() === 0 && ledger.losses() === lossesBefore
  }

  async function close(timeoutMs: number): Promise<boolean> {
    sender.hurry(performance.now() + timeoutMs)
    const delivered = await forceFlush(timeoutMs)
    stop.abort(new Error('the process is ending'))
    ledger.conclude(itemsIn(queue.clear()), outbox.clear())
    return delivered
  }

  function shutdown(timeoutMs: number): Promise<boolean> {
    closing ??= close(timeoutMs)
    return closing
  }

  return { push, broken, forceFlush, shutdown }
}

function queueLimits<T>(limits: PipelineLimits, encoder: Encoder<T>): QueueLimits {
  return {
    queueItemsMax: limits.queueItemsMax,
    queueBytesMax: limits.queueBytesMax ?? QUEUE_BYTES_MAX,
    batchItemsMax: Math.min(limits.batchItemsMax, encoder.itemsMax, limits.queueItemsMax),
    batchBytesMax: BATCH_BYTES_MAX,
    delayMs: limits.delayMs,
  }
}

/** Calls `turn` in a turn of the event loop of its own, and again as long as it says true. */
function createPump(turn: () => boolean): () => void {
  // Otherwise the request that happened to fill a batch would lend its AsyncLocalStorage stores to all that follows, and keep them alive.
  const outside = AsyncLocalStorage.snapshot()
  let scheduled = false

  function run(): void {
    scheduled = false
    if (turn()) schedule()
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    outside(setImmediate, run)
  }

  return schedule
}

type Stretch<T> = {
  readonly queue: Queue<T>
  readonly encoder: Encoder<T>
  readonly ledger: Ledger
  readonly outbox: Outbox
  readonly chunkBytesMax: number
}

/** Moves one batch from the queue to the outbox; false when there is none, or no room. */
function moveBatch<T>({ queue, encoder, ledger, outbox, chunkBytesMax }: Stretch<T>): boolean {
  if (outbox.bytes() >= chunkBytesMax) return false
  const from = queue.taken()
  const items = queue.take()
  if (items === undefined) return false
  const chunks = encodeEach(encoder, items, (item, error) => ledger.dropped('encode', encoder.count(item), error))
  for (const chunk of chunks) outbox.add({ chunk, itemsLeft: chunk.items, refusals: 0, from })
  return true
}
