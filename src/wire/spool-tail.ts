import { close, closeSync, fsync as fsyncFd, fsyncSync, ftruncateSync, open, openSync, unlink } from 'node:fs'
import { promisify } from 'node:util'
import { type Home, ownDirectory, ownDirectorySync } from './spool-home.ts'
import { type Ledger, openSegment, sealSegment } from './spool-ledger.ts'
import { createSegment, type Segment, segmentPath } from './spool-segment.ts'

/** The segment that is being written, and when the next one begins. */
export type Tail = {
  readonly ledger: Ledger
  readonly home: Home
  readonly segmentBytesMax: number
  readonly fsync: boolean
  readonly now: () => number
  current: OpenFile | undefined
  /** The file that another thread may be writing to: its descriptor must not be closed. */
  flying: OpenFile | undefined
  /** Number of the next segment. */
  next: number
}

export type OpenFile = { readonly segment: Segment; readonly fd: number }

const openFile = promisify(open)
const syncFd = promisify(fsyncFd)

export function createTail(options: Pick<Tail, 'ledger' | 'home' | 'segmentBytesMax' | 'fsync' | 'now'>): Tail {
  return { ...options, current: undefined, flying: undefined, next: 1 }
}

/** The file that takes `bytes` more, in a directory that is still ours. Rejects when there can be none. */
export async function openTail(tail: Tail, bytes: number): Promise<OpenFile> {
  const dir = await ownDirectory(tail.home)
  sealFull(tail, bytes)
  if (tail.current !== undefined) return tail.current
  const segment = nextSegment(tail, dir)
  const fd = await openFile(segment.path, 'wx', 0o600)
  if (tail.fsync) await syncDirectory(dir)
  if (tail.current === undefined) return enter(tail, { segment, fd })
  // The last breath has come between and opened its own.
  close(fd, ignore)
  unlink(segment.path, ignore)
  return tail.current
}

/** As {@link openTail}, at once. Throws when there can be none. */
export function openTailSync(tail: Tail, bytes: number): OpenFile {
  const dir = ownDirectorySync(tail.home)
  sealFull(tail, bytes)
  if (tail.current !== undefined) return tail.current
  const segment = nextSegment(tail, dir)
  const fd = openSync(segment.path, 'wx', 0o600)
  if (tail.fsync) syncDirectorySync(dir)
  return enter(tail, { segment, fd })
}

function nextSegment(tail: Tail, dir: string): Segment {
  return createSegment(segmentPath(dir, tail.next++), tail.now())
}

function enter(tail: Tail, file: OpenFile): OpenFile {
  openSegment(tail.ledger, file.segment)
  tail.current = file
  return file
}

function sealFull(tail: Tail, bytes: number): void {
  const segment = tail.current?.segment
  if (segment === undefined) return
  const full = segment.bytes > 0 && segment.bytes + bytes > tail.segmentBytesMax
  if (full || segment.gone !== undefined) sealTail(tail)
}

/** Ends the segment, so that its file can go when all of it is done. */
export function sealTail(tail: Tail): void {
  const { current } = tail
  if (current === undefined) return
  tail.current = undefined
  if (tail.flying !== current) close(current.fd, ignore)
  sealSegment(tail.ledger, current.segment)
}

/** Cuts off what a failed write left, and does not trust the file any more. */
export function cutTail(tail: Tail): void {
  const { current } = tail
  if (current === undefined) return
  try {
    ftruncateSync(current.fd, current.segment.bytes)
  } catch {
    // Whoever scans the file later finds a torn frame.
  }
  sealTail(tail)
}

/** Says that another thread writes to `file`; the function it returns says that it does not any more. */
export function borrowFile(tail: Tail, file: OpenFile): () => void {
  tail.flying = file
  return () => {
    tail.flying = undefined
    if (tail.current !== file) close(file.fd, ignore)
  }
}

/** A new name must be on the disk as well; where directories cannot be synced, the system does it. */
async function syncDirectory(dir: string): Promise<void> {
  const fd = await openFile(dir, 'r').catch(ignore)
  if (fd === undefined) return
  await syncFd(fd).catch(ignore)
  close(fd, ignore)
}

function syncDirectorySync(dir: string): void {
  try {
    const fd = openSync(dir, 'r')
    fsyncSync(fd)
    closeSync(fd)
  } catch {
    // As in syncDirectory.
  }
}

function ignore(): void {}
