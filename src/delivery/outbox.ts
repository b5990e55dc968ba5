import type { Chunk } from '../wire/signal.ts'

/** A chunk on its way, and how much of it has no end yet. */
export type Job = {
  readonly chunk: Chunk
  /** Items of the chunk that are neither sent nor dropped. */
  itemsLeft: number
  /** How often the collector refused it (401, 403, 404, 500 …). */
  readonly refusals: number
  /** Number of the chunk's first item in the queue: what a flush waits for is older than its mark. */
  readonly from: number
}

export type OutboxOptions = {
  /** Ends when every item of the job has been sent, dropped or parked. Never rejects. */
  readonly deliver: (job: Job) => Promise<void>
  /** Requests that may be under way now. */
  readonly lanes: () => number
  /** Bytes of refused chunks that may wait for their next try. */
  readonly parkedBytesMax: number
  /** Time between two tries of a refused chunk. */
  readonly parkMs: number
  /** Called whenever a job has ended: there is room, or nothing left. */
  readonly onEnd: () => void
}

export type Outbox = {
  readonly add: (job: Job) => void
  /** Keeps a refused job for a later try; false when there is no room for it. */
  readonly park: (job: Job) => boolean
  readonly bytes: () => number
  readonly items: () => number
  readonly parked: () => number
  /** Number of the oldest item that waits for or is in a request; Infinity when none is. */
  readonly oldest: () => number
  /** Forgets everything, and returns what had no end yet. */
  readonly clear: () => readonly Job[]
}

/**
 * Encoded chunks between the encoder and the collector.
 *
 *     add ──► waiting ──► active (1..n lanes) ──► ended
 *                ▲           │ refused
 *                └─ parked ◄─┘
 *            after parkMs
 */
export function createOutbox(options: OutboxOptions): Outbox {
  const waiting: Job[] = []
  const active = new Set<Job>()
  const parked = new Map<Job, NodeJS.Timeout>()

  function add(job: Job): void {
    waiting.push(job)
    startLanes()
  }

  function startLanes(): void {
    while (waiting.length > 0 && active.size < options.lanes()) void run(waiting.shift()!)
  }

  async function run(job: Job): Promise<void> {
    active.add(job)
    await options.deliver(job)
    active.delete(job)
    startLanes()
    options.onEnd()
  }

  function park(job: Job): boolean {
    if (bytesOf(parked.keys()) + job.chunk.bytes.length > options.parkedBytesMax) return false
    parked.set(
      job,
      setTimeout(() => {
        parked.delete(job)
        add(job)
      }, options.parkMs).unref(),
    )
    return true
  }

  function all(): Job[] {
    return [...waiting, ...active, ...parked.keys()]
  }

  function oldest(): number {
    return Math.min(...waiting.map((job) => job.from), ...[...active].map((job) => job.from))
  }

  function clear(): readonly Job[] {
    const jobs = all()
    for (const timer of parked.values()) clearTimeout(timer)
    waiting.length = 0
    active.clear()
    parked.clear()
    return jobs
  }

  return {
    add,
    park,
    bytes: () => bytesOf(all()),
    items: () => all().reduce((sum, job) => sum + job.itemsLeft, 0),
    parked: () => parked.size,
    oldest,
    clear,
  }
}

function bytesOf(jobs: Iterable<Job>): number {
  let bytes = 0
  for (const { chunk } of jobs) bytes += chunk.bytes.length
  return bytes
}
