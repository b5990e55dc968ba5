import type { Chunk, Signal } from '../wire/signal.ts'
import type { Spool } from '../wire/spool.ts'
import type { Entry, Segment } from '../wire/spool-segment.ts'
import { createCorrections, type DiskAccount, NO_DISK, type Slip } from './shelf-account.ts'

export type ShelfOptions = {
  /** Called once, when the spool is first needed. */
  readonly open: () => Spool | undefined
  /** Something waits that nobody holds. */
  readonly onWaiting: () => void
}

/** The spool as the delivery sees it: opened when it is needed, and able to end a chunk item by item. */
export type Shelf = {
  readonly isOpen: () => boolean
  /** Opens the spool; false when there is none. */
  readonly usable: () => boolean
  /** Puts a chunk on disk, of which `settled` items have their end already. */
  readonly put: (chunk: Chunk, settled: number) => Slip
  /** The same at once; also finishes what `put` has begun. Undefined for what could not be stored. */
  readonly putSync: (chunks: readonly Chunk[]) => readonly (Slip | undefined)[]
  /** Says that `items` more of the chunk have their end. When all have, it leaves the disk. */
  readonly settle: (slip: Slip, items: number) => void
  /** Leaves it to `next`. */
  readonly release: (slip: Slip) => void
  /** Leaves it to `next` after `parkMs`. */
  readonly park: (slip: Slip, parkMs: number) => void
  /** How often the chunk has been refused so far, this time included. */
  readonly countRefusal: (slip: Slip) => number
  /** The oldest chunk that nobody holds. */
  readonly next: () => Promise<{ readonly slip: Slip; readonly chunk: Chunk } | undefined>
  /** Takes over what ended processes have left. */
  readonly claim: () => Promise<void>
  readonly account: (signal: Signal) => DiskAccount
  /** Items of all signals on disk that have no end yet. */
  readonly waiting: () => number
  readonly closeSync: () => void
}

export function createShelf({ open, onWaiting }: ShelfOptions): Shelf {
  const corrections = createCorrections()
  const refusals = new WeakMap<Segment, Map<number, number>>()
  let spool: Spool | undefined
  let state: 'new' | 'open' | 'closed' = 'new'

  function ready(): Spool | undefined {
    if (state === 'new') {
      state = 'open'
      spool = open()
    }
    return state === 'open' ? spool : undefined
  }

  function put(chunk: Chunk, settled: number): Slip {
    const appended = ready()?.append(chunk)
    const stored = appended?.then((result) => {
      if (result.kind === 'dropped') {
        corrections.finish(slip)
        corrections.excuse(slip, result.reason)
        return result.reason
      }
      slip.entry = result.entry
      finishIfDone(slip)
      return undefined
    })
    const slip = createSlip(chunk, undefined, stored ?? Promise.resolve('io'))
    settle(slip, settled)
    return slip
  }

  function putSync(chunks: readonly Chunk[]): readonly (Slip | undefined)[] {
    const results = ready()?.appendSync(chunks) ?? []
    return chunks.map((chunk, index) => {
      const result = results[index]
      if (result?.kind === 'stored') return createSlip(chunk, result.entry)
      if (result !== undefined) corrections.excuse(chunk, result.reason)
      return undefined
    })
  }

  function settle(slip: Slip, items: number): void {
    if (slip.finished) return
    corrections.settle(slip, items)
    finishIfDone(slip)
  }

  function finishIfDone(slip: Slip): void {
    if (slip.settled < slip.items || slip.entry === undefined || slip.finished) return
    corrections.finish(slip)
    spool?.ack(slip.entry)
  }

  function release({ entry, finished }: Slip): void {
    if (entry === undefined || finished) return
    spool?.release(entry)
    onWaiting()
  }

  const account = (signal: Signal) => (spool === undefined ? NO_DISK : corrections.read(spool, signal))

  return {
    isOpen: () => state === 'open',
    usable: () => ready() !== undefined,
    put,
    putSync,
    settle,
    release,
    park: (slip, parkMs) => void setTimeout(release, parkMs, slip).unref(),
    countRefusal: ({ entry }) => (entry === undefined ? 1 : countAt(refusals, entry)),
    async next() {
      const waiting = await ready()?.next()
      return waiting && { slip: createSlip(waiting.chunk, waiting.entry), chunk: waiting.chunk }
    },
    async claim() {
      if (((await ready()?.claimOrphans()) ?? 0) > 0) onWaiting()
    },
    account,
    waiting: () => account('traces').waiting + account('metrics').waiting + account('logs').waiting,
    closeSync() {
      if (state === 'open') spool?.closeSync()
      state = 'closed'
    },
  }
}

function createSlip({ signal, items }: Chunk, entry: Entry | undefined, stored: Slip['stored'] = STORED): Slip {
  return { signal, items, settled: 0, entry, stored, finished: false }
}

const STORED = Promise.resolve(undefined)

/** An entry that is given back comes again as another object, at the same place. */
function countAt(counts: WeakMap<Segment, Map<number, number>>, { segment, offset }: Entry): number {
  const ofSegment = counts.get(segment) ?? new Map<number, number>()
  const count = (ofSegment.get(offset) ?? 0) + 1
  counts.set(segment, ofSegment.set(offset, count))
  return count
}
