import { AsyncLocalStorage } from 'node:async_hooks'
import type { Encoder } from '../wire/encode.ts'
import type { Outcome, Send } from '../wire/outcome.ts'
import type { Chunk, Signal } from '../wire/signal.ts'
import { deliver } from './deliver.ts'
import { createFlushes } from './flushes.ts'
import { createLedger } from './ledger.ts'
import { createJob, createOutbox } from './outbox.ts'
import { createQueue, type QueueLimits } from './queue.ts'
import type { Failure, ReplayTarget, Waiting } from './replay.ts'
import { createRescue } from './rescue.ts'
import { createSender } from './sender.ts'
import type { Shelf } from './shelf.ts'
import { NO_DISK } from './shelf-account.ts'
import type { Stats } from './stats.ts'
import { createTail, moveBatch, type Stretch } from './tail.ts'

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
  /** The disk; without it everything stays in memory. */
  readonly shelf?: Shelf | undefined
  /** An attempt failed; `afterMs` is the wait that the collector asked for. */
  readonly onFailure?: (afterMs: number | undefined) => void
  /** The collector took something. */
  readonly onTaken?: () => void
}

export type Pipeline<T> = {
  /** Hands one item over. Never throws, never waits. */
  readonly push: (item: T) => void
  /** Counts an item that could not be made ready for `push`, because something of the app's in it throws. */
  readonly broken: (error: unknown) => void
  /** True when all that was pushed before has been acknowledged or is on disk; false when time ran out or some of it was dropped or refused. */
  readonly forceFlush: (timeoutMs: number) => Promise<boolean>
  /**
   * As `forceFlush`, then puts what is left on disk, or counts it as `undelivered`, and takes nothing more.
   * Each chunk gets one last attempt: a collector that cannot be reached costs the ending process no time.
   */
  readonly shutdown: (timeoutMs: number) => Promise<boolean>
}

/** A pipeline to a collector. */
export type Delivery<T> = Pipeline<T> &
  ReplayTarget & {
    /** Encodes all that is queued and puts on disk what is not there. Gives the chunks that were neither there nor sent. Never throws. */
    readonly drainSync: () => readonly Chunk[]
    /** Counts chunks of `drainSync` as sent; others are ignored. */
    readonly acknowledge: (chunks: readonly Chunk[]) => void
    /** Takes nothing more, and counts what is neither sent nor on disk. */
    readonly conclude: () => void
    /** From now on a chunk gets one more attempt, and another one only if the collector asks for it within `timeoutMs`. */
    readonly hurry: (timeoutMs: number) => void
    readonly hasFailed: () => boolean
  }

const MIB = 1_048_576
const QUEUE_BYTES_MAX = 16 * MIB
const CHUNK_BYTES_MAX = 16 * MIB

/** Receivers take requests of 4 MiB (gRPC gateways) to 20 MiB; this is estimated, so it keeps a distance. */
const BATCH_BYTES_MAX = 2 * MIB

/** Refused data is worth less than new data: it gets a quarter of the room. */
const PARKED_SHARE = 0.25

const WAITS: PipelineWaits = { firstDelayMs: 1_000, delayMsMax: 30_000, parkMs: 5 * 60_000 }

/**
 * The way of one signal from the SDK to the collector. Bounded at every step, and what does not arrive is counted by its reason.
 *
 *     push ──► queue ──► encode (512 a turn) ──► outbox ──► 1..4 lanes ──► cut ──► retry ──► send ◄── replay, one lane
 *              items                             bytes └──► a second passes ──► disk ────────────────────┘
 *
 * While the outbox is full nothing is encoded, so the queue is the one place that overflows (`queue_full`).
 */
export function createPipeline<T>(options: PipelineOptions<T>): Delivery<T> {
  const stretch = createStretch(options)
  const { queue, outbox, ledger, sender, flushes, encoder } = stretch
  const { drainSync, acknowledge } = createTail(stretch, options.shelf)
  const itemsIn = (items: readonly T[]) => items.reduce((sum, item) => sum + encoder.count(item), 0)
  const counters = options.stats.of(options.signal)
  counters.waiting = () => itemsIn(queue.items()) + outbox.items()
  counters.disk = () => options.shelf?.account(options.signal) ?? NO_DISK

  let closing: Promise<boolean> | undefined
  let isConcluded = false

  function push(item: T): void {
    const items = encoder.count(item)
    ledger.created(items)
    if (closing || isConcluded) ledger.dropped('undelivered', items, { message: 'telemetry was made after the shutdown' })
    else if (!queue.push(item)) ledger.dropped('queue_full', items, { message: `the queue is full at ${queue.items().length} items` })
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

  function conclude(): void {
    if (isConcluded) return
    isConcluded = true
    const jobs = outbox.clear()
    ledger.conclude(itemsIn(queue.clear()), jobs)
    for (const job of jobs) job.stop.abort(new Error('the process is ending'))
  }

  function hurry(timeoutMs: number): void {
    sender.hurry(performance.now() + timeoutMs)
  }

  async function close(timeoutMs: number): Promise<boolean> {
    hurry(timeoutMs)
    const delivered = await forceFlush(timeoutMs)
    if (options.shelf !== undefined) drainSync()
    conclude()
    return delivered
  }

  function shutdown(timeoutMs: number): Promise<boolean> {
    closing ??= close(timeoutMs)
    return closing
  }

  return {
    push,
    broken,
    forceFlush,
    shutdown,
    drainSync,
    acknowledge,
    conclude,
    hurry,
    replay: (waiting, signal) => replayChunk(stretch, waiting, signal),
    hasFailed: sender.hasFailed,
  }
}

/** The stations of the way, connected. */
function createStretch<T>(options: PipelineOptions<T>): Stretch<T> {
  const { signal, encoder, limits, stats, warn, waits = WAITS, shelf, onFailure, onTaken } = options
  const chunkBytesMax = limits.chunkBytesMax ?? CHUNK_BYTES_MAX
  const ledger = createLedger({
    signal,
    counters: stats.of(signal),
    warn,
    keep: (job, part, isRefused) => rescue.keep(job, part, isRefused),
    settled: ({ slip }, items) => slip && shelf?.settle(slip, items),
  })
  const sender = createSender({
    send: options.send,
    ...waits,
    rescue(job, { afterMs }) {
      onFailure?.(afterMs)
      return rescue.rescue(job)
    },
    onRetry: ledger.retried,
    onTaken: () => onTaken?.(),
  })
  const outbox = createOutbox({
    deliver: (job) => deliver(job.chunk, sender.trying(job), (part, outcome) => ledger.settle(job, part, outcome), job.stop.signal),
    isFailing: sender.isFailing,
    mayTry: (job) => !rescue.canRescue(job),
    parkedBytesMax: chunkBytesMax * PARKED_SHARE,
    parkMs: waits.parkMs,
    onEnd() {
      pump()
      flushes.check()
    },
  })
  const rescue = createRescue({ shelf, outbox, counters: stats.of(signal), parkMs: waits.parkMs, onDropped: ledger.dropped })
  const pump = createPump(() => outbox.bytes() < chunkBytesMax && moveBatch(stretch, outbox.add))
  const queue = createQueue<T>({ ...queueLimits(limits, encoder), estimateBytes: encoder.estimateBytes, onReady: pump })
  const flushes = createFlushes(() => Math.min(queue.taken(), outbox.oldest()))
  const stretch = { queue, encoder, ledger, outbox, sender, rescue, flushes, counters: stats.of(signal) }
  return stretch
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

/** Tries once with a chunk from disk; resolves to the failure that should slow the replay down. */
async function replayChunk<T>({ ledger, sender, outbox }: Stretch<T>, { slip, chunk }: Waiting, signal: AbortSignal) {
  let failure: Failure | undefined
  const job = createJob({ chunk, refusals: 0, from: Number.POSITIVE_INFINITY }, slip)
  function settle(part: Chunk, outcome: Outcome): void {
    if (outcome.kind === 'retry') failure = { afterMs: outcome.afterMs }
    if (outcome.kind === 'drop' && outcome.reason === 'refused') failure = { afterMs: undefined }
    ledger.settle(job, part, outcome)
  }
  await deliver(chunk, sender.once(job), settle, signal)
  outbox.resume()
  return failure
}
