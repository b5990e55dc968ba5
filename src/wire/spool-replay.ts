import { close, open, read } from 'node:fs'
import { promisify } from 'node:util'
import type { Chunk } from './signal.ts'
import { decodeHeader, type Frame, findHeader, frameEnd, HEADER_BYTES, unpackFrame } from './spool-frame.ts'
import { isThere } from './spool-home.ts'
import { discardEntry, dropSegment, holdEntry, type Ledger, oldestSegment, settleSegment } from './spool-ledger.ts'
import { type Entry, type Segment, segmentDir } from './spool-segment.ts'

/** A chunk that waited, and the entry to acknowledge or release it with. */
export type Waiting = { readonly entry: Entry; readonly chunk: Chunk }

/** Reads what waits, one chunk at a time. */
export type Replay = {
  readonly ledger: Ledger
  /** Of the destination; 16 hex digits. */
  readonly fingerprint: string
  readonly ageMsMax: number
  readonly now: () => number
  /** The file that was read last, kept open for its next frame. */
  file: { readonly segment: Segment; readonly fd: number } | undefined
  /** The read in progress; reads follow one another. */
  last: Promise<unknown>
}

const openFile = promisify(open)
const readFile = promisify(read)

export function createReplay(options: Pick<Replay, 'ledger' | 'fingerprint' | 'ageMsMax' | 'now'>): Replay {
  return { ...options, file: undefined, last: Promise.resolve() }
}

/** The oldest chunk that nobody holds; it is then held. Undefined when none waits. Never rejects. */
export function nextWaiting(replay: Replay): Promise<Waiting | undefined> {
  const next = replay.last.then(() => findNext(replay))
  replay.last = next
  return next
}

export function closeReplay(replay: Replay): void {
  if (replay.file !== undefined) close(replay.file.fd, () => {})
  replay.file = undefined
}

async function findNext(replay: Replay): Promise<Waiting | undefined> {
  for (;;) {
    const segment = oldestSegment(replay.ledger, ({ returned, cursor, bytes }) => returned.length > 0 || cursor < bytes)
    if (segment === undefined) {
      closeReplay(replay)
      return undefined
    }
    try {
      const waiting = await readSegment(replay, segment)
      if (waiting !== undefined) return waiting
    } catch {
      // A neighbour may have claimed the directory, which is no loss.
      dropSegment(replay.ledger, segment, (await isThere(segmentDir(segment))) ? 'io' : 'taken')
    }
  }
}

/** Reads one frame; undefined when it is not to be given out. Rejects when the file cannot be read. */
async function readSegment(replay: Replay, segment: Segment): Promise<Waiting | undefined> {
  const fd = await openSegment(replay, segment)
  const returned = segment.returned[0]
  const offset = returned?.offset ?? segment.cursor
  const header = await readBytes(fd, offset, HEADER_BYTES)
  if (segment.gone !== undefined) return undefined
  if (returned !== undefined) {
    segment.returned.splice(segment.returned.indexOf(returned), 1)
    holdEntry(returned)
  }
  const frame = decodeHeader(header, 0)
  if (frame === undefined || frame.fingerprint !== replay.fingerprint || frameEnd(frame, offset) > segment.bytes) {
    if (returned !== undefined) discardEntry(replay.ledger, returned, 'corrupt')
    else await skipDamage(replay, segment, fd)
    return undefined
  }
  const entry = returned ?? passFrame(replay, segment, frame)
  return entry && readEntry(replay, entry, frame, fd)
}

/** Goes on behind the frame at the cursor; gives its entry, held, or undefined when it is done or somebody has it. */
function passFrame(replay: Replay, segment: Segment, frame: Frame): Entry | undefined {
  const { signal, items, timeMs } = frame
  const offset = segment.cursor
  segment.cursor = frameEnd(frame, offset)
  const entry = { segment, offset, bytes: segment.cursor - offset, signal, items, timeMs }
  const taken = frame.done || segment.done.delete(offset) || segment.held.has(offset)
  if (!taken) holdEntry(entry)
  else settleSegment(replay.ledger, segment)
  return taken ? undefined : entry
}

async function readEntry(replay: Replay, entry: Entry, frame: Frame, fd: number): Promise<Waiting | undefined> {
  if (replay.now() - frame.timeMs > replay.ageMsMax) {
    discardEntry(replay.ledger, entry, 'expired')
    return undefined
  }
  const payload = await readBytes(fd, entry.offset + HEADER_BYTES, frame.payloadBytes).catch(() => undefined)
  const chunk = payload && (await unpackFrame(frame, payload))
  if (chunk !== undefined) return { entry, chunk }
  discardEntry(replay.ledger, entry, payload === undefined ? 'io' : 'corrupt')
  return undefined
}

/** Moves the cursor to the next frame that can be read. What is passed over is counted when the segment ends. */
async function skipDamage(replay: Replay, segment: Segment, fd: number): Promise<void> {
  const from = segment.cursor + 1
  const rest = await readBytes(fd, from, Math.max(segment.bytes - from, 0))
  segment.cursor = from + findHeader(rest, 0)
  settleSegment(replay.ledger, segment)
}

async function openSegment(replay: Replay, segment: Segment): Promise<number> {
  if (replay.file?.segment === segment) return replay.file.fd
  closeReplay(replay)
  const fd = await openFile(segment.path, 'r')
  replay.file = { segment, fd }
  return fd
}

/** Fewer bytes than asked for when the file ends before. */
async function readBytes(fd: number, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let at = 0
  while (at < length) {
    const { bytesRead } = await readFile(fd, buffer, at, length - at, position + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return buffer.subarray(0, at)
}
