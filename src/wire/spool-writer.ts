import { fdatasync, fdatasyncSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Chunk } from './signal.ts'
import { HEADER_BYTES, packFrame, packFrameSync, type Stamp } from './spool-frame.ts'
import { dropSegment, type Ledger, makeRoom, offerChunk, oldestSegment, refuseChunk, storeEntry } from './spool-ledger.ts'
import type { Entry, SpoolDropReason } from './spool-segment.ts'
import { borrowFile, cutTail, type OpenFile, openTail, openTailSync, type Tail } from './spool-tail.ts'

/** What became of a chunk that was handed to the spool. */
export type Appended = { readonly kind: 'stored'; readonly entry: Entry } | { readonly kind: 'dropped'; readonly reason: SpoolDropReason }

export type WriterOptions = {
  readonly ledger: Ledger
  readonly tail: Tail
  readonly bytesMax: number
  /** Called after chunks were dropped; must not throw. */
  readonly onLoss: (error?: unknown) => void
}

/**
 * Puts chunks into the active segment, in the order in which they came.
 *
 * ```
 * append ──────► pending ──► compress ──► write at the position where the segment's known bytes end ──► enter into the ledger
 * appendSync ──► the same for all that is pending, from the first on, then for its own
 * ```
 * The position makes the last breath safe: what it finds half written it writes again, the same bytes to the same place.
 */
export type Writer = WriterOptions & {
  /** Not settled yet, oldest first; the batch in work is at the head. */
  readonly pending: Pending[]
  pendingBytes: number
  draining: Promise<void> | undefined
  /** Why nothing is taken any more. */
  closed: Error | undefined
}

type Pending = {
  readonly chunk: Chunk
  readonly timeMs: number
  readonly resolve: (appended: Appended) => void
  frame: Buffer | undefined
  settled: boolean
}

/** Chunks whose callers wait for us, uncompressed: when the disk is that far behind, it does not keep up. */
const PENDING_BYTES_MAX = 32 << 20
/** Uncompressed chunks in one write. */
const BATCH_BYTES_MAX = 1 << 20
const DISK_FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT']

const writeFile = promisify(write)
const syncData = promisify(fdatasync)

export function createWriter(options: WriterOptions): Writer {
  return { ...options, pending: [], pendingBytes: 0, draining: undefined, closed: undefined }
}

/** Resolves when the chunk is on disk, and held, or dropped and counted. Never rejects. */
export function appendChunk(writer: Writer, chunk: Chunk): Promise<Appended> {
  offerChunk(writer.ledger, chunk)
  return new Promise((resolve) => {
    const item = { chunk, timeMs: writer.tail.now(), resolve, frame: undefined, settled: false }
    if (writer.closed !== undefined) return refuse(writer, [item], 'io', writer.closed)
    if (writer.pendingBytes + chunk.bytes.length > PENDING_BYTES_MAX)
      return refuse(writer, [item], 'io', new Error('the disk does not keep up'))
    enqueue(writer, item)
    writer.draining ??= drain(writer)
  })
}

/** Puts all that is pending and then `chunks` on disk before it returns. What was stored is held. Never throws. */
export function appendChunksSync(writer: Writer, chunks: readonly Chunk[]): readonly Appended[] {
  const { pending, ledger } = writer
  const results: Appended[] = []
  for (const chunk of chunks) {
    offerChunk(ledger, chunk)
    const resolve = (appended: Appended) => void results.push(appended)
    const item = { chunk, timeMs: writer.tail.now(), resolve, frame: undefined, settled: false }
    if (writer.closed !== undefined) refuse(writer, [item], 'io', writer.closed)
    else enqueue(writer, item)
  }
  // Begins with what is half done on another thread: the same bytes again, at the same position.
  while (pending.length > 0) storeSync(writer, pending[0]!)
  return results
}

function enqueue(writer: Writer, item: Pending): void {
  writer.pending.push(item)
  writer.pendingBytes += item.chunk.bytes.length
}

async function drain(writer: Writer): Promise<void> {
  // Everything that is appended in one turn of the event loop goes into one batch.
  await null
  while (writer.pending.length > 0) await store(writer, takeBatch(writer))
  writer.draining = undefined
}

/** The next chunks that together fit into one segment, so that the last breath finds room for each where the batch had it. */
function takeBatch({ pending, tail }: Writer): readonly Pending[] {
  let bytes = 0
  const end = pending.findIndex(({ chunk }, index) => {
    bytes += HEADER_BYTES + chunk.bytes.length
    return index > 0 && bytes > Math.min(BATCH_BYTES_MAX, tail.segmentBytesMax)
  })
  return pending.slice(0, end < 0 ? pending.length : end)
}

/** Writes a batch; when the disk is full, at the expense of older data. Returns when the batch is settled, by us or by the last breath. */
async function store(writer: Writer, batch: readonly Pending[]): Promise<void> {
  let freedBytes = 0
  while (!isSettled(batch)) {
    try {
      await writeBatch(writer, batch)
    } catch (error) {
      if (isSettled(batch)) return
      cutTail(writer.tail)
      const dropped = dropForRoom(writer, batch, freedBytes, error)
      freedBytes += dropped
      if (dropped === 0) refuse(writer, batch, 'io', error)
      await writer.ledger.janitor.flush()
    }
  }
}

async function writeBatch(writer: Writer, batch: readonly Pending[]): Promise<void> {
  // One after the other: the app needs the threads of the pool as well.
  for (const item of batch) item.frame ??= await packFrame(item.chunk, stampOf(writer, item))
  if (isSettled(batch)) return
  const bytes = Buffer.concat(batch.map(({ frame }) => frame!))
  if (!makeRoom(writer.ledger, bytes.length, writer.bytesMax)) return refuse(writer, batch, 'spool_full')
  const file = await openTail(writer.tail, bytes.length)
  if (isSettled(batch)) return
  const offset = file.segment.bytes
  const giveBack = borrowFile(writer.tail, file)
  try {
    for (let at = 0; at < bytes.length; ) at += (await writeFile(file.fd, bytes, at, bytes.length - at, offset + at)).bytesWritten
    if (writer.tail.fsync) await syncData(file.fd)
  } finally {
    giveBack()
  }
  if (!isSettled(batch)) commitWrite(writer, batch, file)
}

function storeSync(writer: Writer, item: Pending): void {
  let freedBytes = 0
  while (!item.settled) {
    try {
      item.frame ??= packFrameSync(item.chunk, stampOf(writer, item))
      if (!makeRoom(writer.ledger, item.frame.length, writer.bytesMax)) {
        refuse(writer, [item], 'spool_full')
        return
      }
      const file = openTailSync(writer.tail, item.frame.length)
      writeAllSync(writer, file.fd, item.frame, file.segment.bytes)
      commitWrite(writer, [item], file)
    } catch (error) {
      cutTail(writer.tail)
      const dropped = dropForRoom(writer, [item], freedBytes, error)
      freedBytes += dropped
      if (dropped === 0) refuse(writer, [item], 'io', error)
      writer.ledger.janitor.flushSync()
    }
  }
}

function writeAllSync(writer: Writer, fd: number, bytes: Buffer, offset: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, offset + at)
  if (writer.tail.fsync) fdatasyncSync(fd)
}

/** Enters what was written. A file that was dropped meanwhile does not count: its batch stays pending and is written again. */
function commitWrite(writer: Writer, batch: readonly Pending[], { segment }: OpenFile): void {
  if (segment.gone !== undefined) return
  for (const item of batch) {
    const { signal, items } = item.chunk
    const entry = { segment, offset: segment.bytes, bytes: item.frame!.length, signal, items, timeMs: item.timeMs }
    storeEntry(writer.ledger, entry)
    settle(writer, item, { kind: 'stored', entry })
  }
}

/** Gives up the oldest segment when the disk is full; 0 when that is no help. Returns the bytes that were freed. */
function dropForRoom(writer: Writer, batch: readonly Pending[], freedBytes: number, error: unknown): number {
  const neededBytes = batch.reduce((sum, { frame }) => sum + (frame?.length ?? 0), 0)
  const full = error instanceof Error && 'code' in error && DISK_FULL.includes(error.code)
  const oldest = full && freedBytes <= neededBytes ? oldestSegment(writer.ledger) : undefined
  if (oldest === undefined) return 0
  dropSegment(writer.ledger, oldest, 'spool_full')
  return oldest.bytes
}

function refuse(writer: Writer, batch: readonly Pending[], reason: SpoolDropReason, error?: unknown): void {
  for (const item of batch) {
    refuseChunk(writer.ledger, item.chunk, reason)
    settle(writer, item, { kind: 'dropped', reason })
  }
  writer.onLoss(error)
}

function settle(writer: Writer, item: Pending, appended: Appended): void {
  item.settled = true
  // A chunk that was refused at the door is not in the queue.
  const index = writer.pending.indexOf(item)
  if (index >= 0) {
    writer.pending.splice(index, 1)
    writer.pendingBytes -= item.chunk.bytes.length
  }
  item.resolve(appended)
}

function isSettled(batch: readonly Pending[]): boolean {
  return batch.every(({ settled }) => settled)
}

function stampOf({ tail }: Writer, { timeMs }: Pending): Stamp {
  return { timeMs, fingerprint: tail.home.fingerprint }
}
