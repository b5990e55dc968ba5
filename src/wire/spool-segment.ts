import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Signal } from './signal.ts'
import { decodeHeader, findHeader, frameEnd } from './spool-frame.ts'

export type SpoolDropReason = 'spool_full' | 'expired' | 'corrupt' | 'io'

/** A chunk on disk. Who got it from `append` or `next` holds it, and gives it back with `ack` or `release`. */
export type Entry = {
  readonly segment: Segment
  /** Of its frame in the segment's file, in bytes. */
  readonly offset: number
  /** Frame with its header, on disk. */
  readonly bytes: number
  readonly signal: Signal
  readonly items: number
  /** When the chunk was handed to the spool, in ms since 1970. */
  readonly timeMs: number
}

/** One append-only file of frames, and what became of them. */
export type Segment = {
  readonly path: string
  /** Written completely, in bytes. */
  bytes: number
  /** Nothing will be added. */
  sealed: boolean
  /** Times of the oldest and the newest frame, in ms since 1970. */
  firstMs: number
  lastMs: number
  /** Items of frames that are not done, held ones included. */
  readonly waiting: Record<Signal, number>
  waitingBytes: number
  /** Where reading goes on. */
  cursor: number
  /** Given out, by offset. */
  readonly held: Map<number, Entry>
  /** Released after the cursor had passed them, oldest first. */
  readonly returned: Entry[]
  /** Done before the cursor came to them. */
  readonly done: Set<number>
  /** Set when the file does not count any more; then only held entries are left. */
  gone: SpoolDropReason | 'taken' | undefined
}

/** What a file of an earlier process holds. */
export type Scanned = {
  readonly segment: Segment
  /** Items of frames that were cut off. */
  readonly corrupt: Readonly<Record<Signal, number>>
  /** Bytes that no header speaks for. */
  readonly strayBytes: number
}

const SUFFIX = '.seg'

/** Eight digits, so that names sort as they were made. */
export function segmentPath(dir: string, count: number): string {
  return join(dir, String(count).padStart(8, '0') + SUFFIX)
}

export function segmentDir({ path }: Segment): string {
  return dirname(path)
}

export function createSegment(path: string, timeMs: number): Segment {
  return {
    path,
    bytes: 0,
    sealed: false,
    firstMs: timeMs,
    lastMs: timeMs,
    waiting: { traces: 0, metrics: 0, logs: 0 },
    waitingBytes: 0,
    cursor: 0,
    held: new Map(),
    returned: [],
    done: new Set(),
    gone: undefined,
  }
}

/** The segments of a directory that has been claimed, in the order in which they were written. Never rejects. */
export async function scanDirectory(dir: string, fingerprint: string): Promise<readonly Scanned[]> {
  const names = await readdir(dir).catch(() => [])
  const scanned: Scanned[] = []
  for (const name of names.filter((each) => each.endsWith(SUFFIX)).sort()) scanned.push(await scanFile(join(dir, name), fingerprint))
  return scanned
}

async function scanFile(path: string, fingerprint: string): Promise<Scanned> {
  try {
    return scanBytes(path, await readFile(path), fingerprint)
  } catch {
    const { size } = await stat(path).catch(() => ({ size: 0 }))
    return { segment: { ...createSegment(path, 0), bytes: size, cursor: size, sealed: true }, corrupt: noItems(), strayBytes: size }
  }
}

function scanBytes(path: string, bytes: Buffer, fingerprint: string): Scanned {
  const segment = { ...createSegment(path, 0), bytes: bytes.length, sealed: true }
  const corrupt = noItems()
  let strayBytes = 0
  let times: readonly [number, number] | undefined
  for (let at = 0; at < bytes.length; ) {
    const frame = decodeHeader(bytes, at)
    const end = frame === undefined ? bytes.length + 1 : frameEnd(frame, at)
    if (frame !== undefined && end <= bytes.length && frame.fingerprint === fingerprint) {
      times = [Math.min(times?.[0] ?? frame.timeMs, frame.timeMs), Math.max(times?.[1] ?? frame.timeMs, frame.timeMs)]
      if (!frame.done) addWaiting(segment, frame, end - at)
      at = end
      continue
    }
    const next = findHeader(bytes, at + 1)
    if (frame === undefined) strayBytes += next - at
    else if (!frame.done) corrupt[frame.signal] += frame.items
    at = next
  }
  const [firstMs, lastMs] = times ?? [0, 0]
  return { segment: { ...segment, firstMs, lastMs }, corrupt, strayBytes }
}

export function addWaiting(segment: Segment, { signal, items }: { signal: Signal; items: number }, frameBytes: number): void {
  segment.waiting[signal] += items
  segment.waitingBytes += frameBytes
}

export function noItems(): Record<Signal, number> {
  return { traces: 0, metrics: 0, logs: 0 }
}
