import { type Chunk, SIGNALS, type Signal } from './signal.ts'
import type { Janitor } from './spool-janitor.ts'
import { addWaiting, type Entry, noItems, type Scanned, type Segment, type SpoolDropReason } from './spool-segment.ts'

export type BySignal = Readonly<Record<Signal, number>>

/** Items, counted since the spool was opened. Always: appended + found = acked + taken + waiting + dropped. */
export type SpoolStats = {
  /** Handed to `append` and `appendSync`. */
  readonly appended: BySignal
  /** In directories that were claimed from others. */
  readonly found: BySignal
  /** Acknowledged, or given up by the caller, who counts them. */
  readonly acked: BySignal
  /** In a directory that a neighbour claimed because we gave no sign of life; it delivers them. */
  readonly taken: BySignal
  readonly waiting: BySignal
  readonly dropped: Readonly<Record<SpoolDropReason, BySignal>>
  /** Of the frames that wait, on disk. */
  readonly waitingBytes: number
  /** Of all our files. */
  readonly diskBytes: number
  /** Found in claimed directories without a header that says how many items they were. */
  readonly strayBytes: number
}

/** Who got what, in numbers. Only the functions of this file change it, and the accounts of its segments. */
export type Ledger = {
  readonly janitor: Janitor
  readonly segments: Set<Segment>
  readonly appended: Record<Signal, number>
  readonly found: Record<Signal, number>
  readonly acked: Record<Signal, number>
  readonly taken: Record<Signal, number>
  readonly waiting: Record<Signal, number>
  readonly dropped: Readonly<Record<SpoolDropReason, Record<Signal, number>>>
  diskBytes: number
  strayBytes: number
}

export function createLedger(janitor: Janitor): Ledger {
  return {
    janitor,
    segments: new Set(),
    appended: noItems(),
    found: noItems(),
    acked: noItems(),
    taken: noItems(),
    waiting: noItems(),
    dropped: { spool_full: noItems(), expired: noItems(), corrupt: noItems(), io: noItems() },
    diskBytes: 0,
    strayBytes: 0,
  }
}

/** Counts a chunk as waiting that is not on disk yet. */
export function offerChunk(ledger: Ledger, { signal, items }: Chunk): void {
  ledger.appended[signal] += items
  ledger.waiting[signal] += items
}

/** Counts an offered chunk as dropped. */
export function refuseChunk(ledger: Ledger, { signal, items }: Chunk, reason: SpoolDropReason): void {
  ledger.waiting[signal] -= items
  ledger.dropped[reason][signal] += items
}

/** Enters a segment of our own, still empty. */
export function openSegment(ledger: Ledger, segment: Segment): void {
  ledger.segments.add(segment)
}

/** Enters an offered chunk that is now on disk; it is held. */
export function storeEntry(ledger: Ledger, entry: Entry): void {
  const { segment, offset, bytes, timeMs } = entry
  addWaiting(segment, entry, bytes)
  segment.bytes = offset + bytes
  ledger.diskBytes += bytes
  if (offset === 0) segment.firstMs = timeMs
  segment.lastMs = timeMs
  segment.held.set(offset, entry)
}

/** Enters a segment that an earlier process left. */
export function adoptSegment(ledger: Ledger, { segment, corrupt, strayBytes }: Scanned): void {
  for (const signal of SIGNALS) {
    ledger.found[signal] += segment.waiting[signal] + corrupt[signal]
    ledger.waiting[signal] += segment.waiting[signal]
    ledger.dropped.corrupt[signal] += corrupt[signal]
  }
  ledger.strayBytes += strayBytes
  ledger.diskBytes += segment.bytes
  ledger.segments.add(segment)
  settleSegment(ledger, segment)
}

/** Counts a held entry as delivered, once. */
export function ackEntry(ledger: Ledger, entry: Entry): void {
  finishEntry(ledger, entry, ledger.acked)
}

/** Gives up a held entry. */
export function discardEntry(ledger: Ledger, entry: Entry, reason: SpoolDropReason): void {
  finishEntry(ledger, entry, ledger.dropped[reason])
}

/** Gives out an entry that waits. */
export function holdEntry(entry: Entry): void {
  entry.segment.held.set(entry.offset, entry)
}

/** Lets a held entry wait again; one whose segment was dropped meanwhile is now dropped with it. */
export function releaseEntry(ledger: Ledger, entry: Entry): void {
  const { segment, offset } = entry
  if (segment.gone !== undefined) {
    finishEntry(ledger, entry, accountOf(ledger, segment.gone))
    return
  }
  if (!segment.held.delete(offset) || offset >= segment.cursor) return
  segment.returned.push(entry)
  segment.returned.sort((a, b) => a.offset - b.offset)
}

function finishEntry(ledger: Ledger, entry: Entry, account: Record<Signal, number>): void {
  const { segment, offset, bytes, signal, items } = entry
  if (!segment.held.delete(offset)) return
  segment.waiting[signal] -= items
  segment.waitingBytes -= bytes
  ledger.waiting[signal] -= items
  account[signal] += items
  if (segment.gone !== undefined) return
  if (offset >= segment.cursor) segment.done.add(offset)
  settleSegment(ledger, segment)
  if (segment.gone === undefined) ledger.janitor.mark(segment.path, offset)
}

/** Nothing will be added to this segment. */
export function sealSegment(ledger: Ledger, segment: Segment): void {
  segment.sealed = true
  settleSegment(ledger, segment)
}

/** Ends a segment that has nothing more to wait for. */
export function settleSegment(ledger: Ledger, segment: Segment): void {
  if (!segment.sealed || segment.held.size > 0 || segment.returned.length > 0) return
  // Whatever still waits at the end of a segment that was read could not be read.
  if (segment.waitingBytes === 0 || segment.cursor >= segment.bytes) dropSegment(ledger, segment, 'corrupt')
}

/** Gives up a whole segment. What is held of it still counts as waiting, and ends as its holder says. */
export function dropSegment(ledger: Ledger, segment: Segment, reason: SpoolDropReason | 'taken'): void {
  if (segment.gone !== undefined) return
  const kept = noItems()
  segment.gone = reason
  for (const { signal, items, bytes } of segment.held.values()) {
    kept[signal] += items
    segment.waitingBytes -= bytes
  }
  for (const signal of SIGNALS) {
    const lost = segment.waiting[signal] - kept[signal]
    segment.waiting[signal] = kept[signal]
    ledger.waiting[signal] -= lost
    accountOf(ledger, reason)[signal] += lost
  }
  segment.returned.length = 0
  segment.done.clear()
  ledger.segments.delete(segment)
  ledger.diskBytes -= segment.bytes
  if (reason !== 'taken') ledger.janitor.remove(segment.path)
}

function accountOf(ledger: Ledger, reason: SpoolDropReason | 'taken'): Record<Signal, number> {
  return reason === 'taken' ? ledger.taken : ledger.dropped[reason]
}

/** The segment whose first frame is the oldest among those that `fits`. */
export function oldestSegment(ledger: Ledger, fits: (segment: Segment) => boolean = () => true): Segment | undefined {
  let oldest: Segment | undefined
  // Segments of one directory are in the order of writing; `<` keeps it when the clock stood still.
  for (const segment of ledger.segments)
    if (fits(segment) && segment.firstMs < (oldest?.firstMs ?? Number.POSITIVE_INFINITY)) oldest = segment
  return oldest
}

/** Drops the oldest segments until `bytes` more find room below `bytesMax`; false when they never will. */
export function makeRoom(ledger: Ledger, bytes: number, bytesMax: number): boolean {
  if (bytes > bytesMax) return false
  while (ledger.diskBytes + bytes > bytesMax) {
    const oldest = oldestSegment(ledger)
    if (oldest === undefined) return true
    dropSegment(ledger, oldest, 'spool_full')
  }
  return true
}

export function readStats(ledger: Ledger): SpoolStats {
  const { appended, found, acked, taken, waiting, dropped, diskBytes, strayBytes } = ledger
  const { spool_full, expired, corrupt, io } = dropped
  return {
    appended: { ...appended },
    found: { ...found },
    acked: { ...acked },
    taken: { ...taken },
    waiting: { ...waiting },
    dropped: { spool_full: { ...spool_full }, expired: { ...expired }, corrupt: { ...corrupt }, io: { ...io } },
    waitingBytes: [...ledger.segments].reduce((sum, segment) => sum + segment.waitingBytes, 0),
    diskBytes,
    strayBytes,
  }
}
