import type { Chunk } from '../wire/signal.ts'
import type { Slip } from './shelf-account.ts'

/** A chunk on its way, and how much of it has no end yet. */
export type Job = {
  readonly chunk: Chunk
  /** Items of the chunk that are neither sent nor dropped. */
  itemsLeft: number
  /** How often the collector refused it (401, 403, 404, 500 …). */
  readonly refusals: number
  /** Number of the chunk's first item in the queue: what a flush waits for is older than its mark. */
  readonly from: number
  /** By `performance.now`. */
  readonly bornMs: number
  /** Ends the waits between its attempts, and its attempt. */
  readonly stop: AbortController
  /** A request with it is under way. */
  isInRequest: boolean
  /** It is on disk, or on its way there: the spool then answers for what has no end yet. */
  slip: Slip | undefined
  /** It came from the disk. */
  readonly isReplay: boolean
  /** The disk did not take it: it stays in memory. */
  isUnfit: boolean
}

export type NewJob = Pick<Job, 'chunk' | 'refusals' | 'from'>

export function createJob(job: NewJob, slip?: Slip): Job {
  return {
    ...job,
    itemsLeft: job.chunk.items,
    bornMs: performance.now(),
    stop: new AbortController(),
    isInRequest: false,
    slip,
    isReplay: slip !== undefined,
    isUnfit: false,
  }
}

/**
 * Requests at once while there is more than one to send. 10,000 spans/s to a collector that takes 150 ms for an answer: with one lane
 * 19,000 wait after three seconds, with four 2,000.
 */
const LANES_MAX = 4

export type OutboxOptions = {
  /** Ends when every item of the job has been sent, dropped or parked. Never rejects. */
  readonly deliver: (job: Job) => Promise<void>
  /** The collector does not answer as it should. Then one job at a time is tried, and only those that `mayTry`. */
  readonly isFailing: () => boolean
  readonly mayTry: (job: Job) => boolean
  /** Bytes of refused chunks that may wait for their next try. */
  readonly parkedBytesMax: number
  /** Time between two tries of a refused chunk. */
  readonly parkMs: number
  /** Called whenever a job has ended or was withdrawn: there is room, or nothing left. */
  readonly onEnd: () => void
}

export type Outbox = {
  /** As `add`, without beginning to send it. */
  readonly hold: (job: Job) => void
  readonly add: (job: Job) => void
  /** Begins to send what may be sent now. */
  readonly resume: () => void
  /** Keeps a refused job for a later try; false when there is no room for it. */
  readonly park: (job: Job) => boolean
  /** Takes back a job that no lane has taken yet; false when there is no such job. */
  readonly withdraw: (job: Job) => boolean
  /** All jobs that have no end yet. */
  readonly jobs: () => readonly Job[]
  readonly bytes: () => number
  /** Without those that the spool answers for. */
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
 *     add ──► waiting ──► active (1..4 lanes) ──► ended
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
    for (;;) {
      const isFailing = options.isFailing()
      const index = isFailing ? waiting.findIndex(options.mayTry) : 0
      const job = active.size < (isFailing ? 1 : LANES_MAX) ? waiting[index] : undefined
      if (job === undefined) return
      waiting.splice(index, 1)
      void run(job)
    }
  }

  function withdraw(job: Job): boolean {
    const index = waiting.indexOf(job)
    if (index < 0) return false
    waiting.splice(index, 1)
    options.onEnd()
    return true
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
    return [...waiting, ...active].reduce((lowest, { from }) => Math.min(lowest, from), Number.POSITIVE_INFINITY)
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
    hold: (job) => void waiting.push(job),
    add,
    resume: startLanes,
    park,
    withdraw,
    jobs: all,
    bytes: () => bytesOf(all()),
    items: () => all().reduce((sum, job) => sum + (job.slip === undefined ? job.itemsLeft : 0), 0),
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
