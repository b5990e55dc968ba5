import type { DropReason } from '../wire/outcome.ts'
import type { Chunk } from '../wire/signal.ts'
import { createJob, type Job, type Outbox } from './outbox.ts'
import type { Shelf } from './shelf.ts'
import type { Slip } from './shelf-account.ts'
import type { Counters } from './stats.ts'

/** The one rule of the spool. With as long in the queue, a crash takes the last two seconds at most. */
const UNACKNOWLEDGED_MS_MAX = 1_000

/** A timer may fire that much before its time. */
const TIMER_EARLY_MS = 2

/** A refusal is usually repaired by a person, so the tries are far apart; after the third nobody is coming. */
export const REFUSALS_MAX = 3

export type RescueOptions = {
  /** Undefined: everything stays in memory. */
  readonly shelf: Shelf | undefined
  readonly outbox: Outbox
  readonly counters: Pick<Counters, 'spooled'>
  /** Time between two tries of a refused chunk. */
  readonly parkMs: number
  readonly onDropped: (reason: DropReason, items: number, error: Error) => void
}

export type Rescue = {
  /** To be called when a job has come: puts each on disk that is still there after its second. */
  readonly watch: () => void
  /** Puts the job on disk; false when it has to stay in memory. */
  readonly rescue: (job: Job) => boolean
  /** Keeps a part of a job that a lane gives up, on disk where that is possible; false when it cannot be kept. */
  readonly keep: (job: Job, part: Chunk, isRefused: boolean) => boolean
  readonly canRescue: (job: Job) => boolean
}

/**
 * What is not acknowledged after one second is on disk.
 *
 *     job ──► a second passes, or an attempt fails ──► written ──► no request under way: memory lets it go, replay has it
 *                                                         └──────► a request under way: its answer decides
 */
export function createRescue({ shelf, outbox, counters, parkMs, onDropped }: RescueOptions): Rescue {
  let timer: NodeJS.Timeout | undefined

  function canRescue({ slip, isUnfit }: Job): boolean {
    return slip !== undefined || (!isUnfit && shelf !== undefined && shelf.usable())
  }

  function watch(): void {
    if (shelf !== undefined && timer === undefined) timer = setTimeout(rescueDue, UNACKNOWLEDGED_MS_MAX).unref()
  }

  function rescueDue(): void {
    timer = undefined
    const bornMsMax = performance.now() - UNACKNOWLEDGED_MS_MAX + TIMER_EARLY_MS
    let oldestMs = Number.POSITIVE_INFINITY
    for (const job of outbox.jobs()) {
      if (job.slip !== undefined || job.isUnfit || job.itemsLeft === 0) continue
      if (job.bornMs <= bornMsMax) rescue(job)
      else oldestMs = Math.min(oldestMs, job.bornMs)
    }
    if (oldestMs < Number.POSITIVE_INFINITY) timer = setTimeout(rescueDue, Math.max(1, oldestMs - bornMsMax)).unref()
  }

  function rescue(job: Job): boolean {
    if (!canRescue(job)) return false
    if (job.slip?.entry !== undefined) leave(job, job.slip)
    if (job.slip !== undefined || shelf === undefined) return true
    const slip = shelf.put(job.chunk, job.chunk.items - job.itemsLeft)
    job.slip = slip
    void slip.stored.then((reason) => {
      if (reason === undefined) {
        counters.spooled += slip.items
        leave(job, slip)
      } else {
        job.slip = undefined
        job.isUnfit = true
        outbox.resume()
      }
    })
    return true
  }

  /** Memory lets the job go, unless it is in a request: then its answer comes first. */
  function leave(job: Job, slip: Slip): void {
    if (outbox.withdraw(job)) {
      job.itemsLeft = 0
      shelf?.release(slip)
    } else if (!job.isInRequest) job.stop.abort(new Error('it is on disk'))
  }

  function keep(job: Job, part: Chunk, isRefused: boolean): boolean {
    if (shelf === undefined || !canRescue(job)) return isRefused && parkInMemory(job, part)
    const isWhole = part === job.chunk
    if (isRefused && isWhole && job.isReplay && job.slip && shelf.countRefusal(job.slip) > REFUSALS_MAX) return false
    if (!isWhole && job.slip) shelf.settle(job.slip, part.items)
    const slip = (isWhole && job.slip) || shelf.put(part, 0)
    const isNew = slip !== job.slip
    void slip.stored.then((reason) => {
      if (reason === undefined) {
        if (isNew) counters.spooled += slip.items
        if (isRefused) park(job, slip)
        else shelf.release(slip)
      } else if (!isRefused || !parkInMemory(job, part)) onDropped(reason, part.items, new Error('the disk did not take them'))
    })
    return true
  }

  function park(job: Job, slip: Slip): void {
    if (!job.isReplay) shelf?.countRefusal(slip)
    shelf?.park(slip, parkMs)
  }

  function parkInMemory({ refusals, from }: Job, part: Chunk): boolean {
    return refusals < REFUSALS_MAX && outbox.park({ ...createJob({ chunk: part, refusals: refusals + 1, from }), isUnfit: true })
  }

  return { watch, rescue, keep, canRescue }
}
