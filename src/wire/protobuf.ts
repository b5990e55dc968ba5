import type { Signal } from './signal.ts'

/**
 * A position in a protobuf message. The functions below move `pos` and never read at or behind `end`.
 *
 * 64-bit numbers are left in `low` and `high` (unsigned 32-bit halves): a double cannot hold them all and a BigInt for each would cost more than the rest.
 */
export type Cursor = {
  readonly bytes: Buffer
  pos: number
  end: number
  depth: number
  /** Nested messages that may still be entered. */
  messagesLeft: number
  low: number
  high: number
}

/** The bytes break the protobuf wire format at `position` (in bytes from the start). */
export class ProtobufError extends Error {
  readonly position: number
  constructor(message: string, position: number) {
    super(`${message} at byte ${position}`)
    this.name = 'ProtobufError'
    this.position = position
  }
}

/** Wire types: the low three bits of a tag. Groups (3 and 4) left the language before OTLP was made and are refused. */
const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** Deepest nesting of messages; the limit of the C++ and Java protobuf parsers, far above what telemetry needs, far below our stack. */
export const MESSAGE_DEPTH_MAX = 100

/** More messages than fit a buffer: no limit. */
const MESSAGES_UNLIMITED = 2 ** 30 - 1

/** Opens `bytes` without copying them. A reader that makes an object of each message should say how many it can afford: an empty one has two bytes. */
export function openCursor(bytes: Uint8Array, messagesMax = MESSAGES_UNLIMITED): Cursor {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { bytes: buffer, pos: 0, end: buffer.length, depth: 0, messagesLeft: messagesMax, low: 0, high: 0 }
}

/** Reads a field's tag: `field number << 3 | wire type`. Compare it whole, so that a known field of a wrong wire type counts as unknown. */
export function readTag(cursor: Cursor): number {
  const start = cursor.pos
  const tag = readUint32(cursor)
  if (tag >>> 3 === 0) throw new ProtobufError('field number 0 does not exist: these are not protobuf bytes', start)
  return tag
}

/** Reads a varint and keeps its low 32 bits, unsigned: enough for tags, lengths, enums, booleans and 32-bit numbers. */
export function readUint32(cursor: Cursor): number {
  const byte = cursor.bytes[cursor.pos]!
  if (byte < 0x80 && cursor.pos < cursor.end) {
    cursor.pos++
    return byte
  }
  readVarint(cursor)
  return cursor.low
}

/** Reads a varint of up to 64 bits into `low` and `high`. */
export function readVarint(cursor: Cursor): void {
  const { bytes, end, pos: start } = cursor
  let low = 0
  let high = 0
  for (let shift = 0; shift < 70; shift += 7) {
    if (cursor.pos >= end) throw new ProtobufError('a number is cut off', start)
    const byte = bytes[cursor.pos++]!
    const bits = byte & 0x7f
    if (shift < 28) low |= bits << shift
    else if (shift === 28) {
      low |= bits << 28
      high = bits >>> 4
    } else high |= bits << (shift - 32)
    if (byte < 0x80) {
      cursor.low = low >>> 0
      cursor.high = high >>> 0
      return
    }
  }
  throw new ProtobufError('a number has more than ten bytes', start)
}

/** Reads a fixed64 or sfixed64 into `low` and `high`. */
export function readFixed64(cursor: Cursor): void {
  const { bytes } = cursor
  const at = advance(cursor, 8)
  cursor.low = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  cursor.high = (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24)) >>> 0
}

/** Reads a double. */
export function readDouble(cursor: Cursor): number {
  return cursor.bytes.readDoubleLE(advance(cursor, 8))
}

/** Steps over the content of a length-delimited field and returns where it starts; it ends at `pos`. */
export function readBytes(cursor: Cursor): number {
  return advance(cursor, readUint32(cursor))
}

/** Enters a nested message: `end` becomes its end. Returns the outer end, for {@link leave}. */
export function enter(cursor: Cursor): number {
  const outer = cursor.end
  const start = readBytes(cursor)
  cursor.end = cursor.pos
  cursor.pos = start
  if (++cursor.depth > MESSAGE_DEPTH_MAX) throw new ProtobufError(`messages are nested deeper than ${MESSAGE_DEPTH_MAX}`, start)
  if (--cursor.messagesLeft < 0) throw new ProtobufError('there are too many messages (send smaller batches)', start)
  return outer
}

/** Leaves a nested message that was read to its end. */
export function leave(cursor: Cursor, outerEnd: number): void {
  cursor.end = outerEnd
  cursor.depth--
}

/** Steps over a field that the reader does not know, as protobuf asks. */
export function skip(cursor: Cursor, tag: number): void {
  const wireType = tag & 7
  if (wireType === VARINT) readVarint(cursor)
  else if (wireType === FIXED64) advance(cursor, 8)
  else if (wireType === LENGTH_DELIMITED) readBytes(cursor)
  else if (wireType === FIXED32) advance(cursor, 4)
  else throw new ProtobufError(`wire type ${wireType} is not allowed`, cursor.pos)
}

function advance(cursor: Cursor, byteCount: number): number {
  const start = cursor.pos
  const next = start + byteCount
  if (next > cursor.end) throw new ProtobufError(`a field of ${byteCount} bytes ends behind its message`, start)
  cursor.pos = next
  return start
}

/**
 * The way from an export request down to its items, as tags of the containers at each level. A metric's points sit two levels deeper,
 * in its gauge, sum, histogram, exponential histogram or summary.
 * https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto
 */
const RECORD_PATH = [[0x0a], [0x12], [0x12]] as const
type Path = readonly (readonly number[])[]
const PATHS: Record<Signal, Path> = {
  traces: RECORD_PATH,
  logs: RECORD_PATH,
  metrics: [...RECORD_PATH, [0x2a, 0x3a, 0x4a, 0x52, 0x5a], [0x0a]],
}

/** Counts the spans, log records or metric points of a request. Throws {@link ProtobufError} where it is broken. */
export function countItems(signal: Signal, bytes: Uint8Array): number {
  return countBelow(openCursor(bytes), PATHS[signal], 0)
}

/**
 * Cuts an Export{Trace,Logs,Metrics}ServiceRequest, or a concatenation of such, into two valid requests: the first gets
 * `floor(n / 2)` of its n items (spans, log records, metric points), the second the rest. Resource, scope and metric are copied into both; items are not decoded.
 *
 * Undefined when it cannot be cut: it holds fewer than two items, or is no valid protobuf down to its items.
 */
export function splitRequest(signal: Signal, bytes: Uint8Array): [Uint8Array, Uint8Array] | undefined {
  try {
    const items = countItems(signal, bytes)
    if (items < 2) return undefined
    const middle = items >> 1
    return [selectItems(signal, bytes, 0, middle), selectItems(signal, bytes, middle, items)]
  } catch (error) {
    if (error instanceof ProtobufError) return undefined
    throw error
  }
}

function countBelow(cursor: Cursor, path: Path, level: number): number {
  const containers = path[level]!
  let items = 0
  while (cursor.pos < cursor.end) {
    const tag = readTag(cursor)
    items += containers.includes(tag) ? countContainer(cursor, path, level) : 0
    if (!containers.includes(tag)) skip(cursor, tag)
  }
  return items
}

function countContainer(cursor: Cursor, path: Path, level: number): number {
  if (level === path.length - 1) {
    readBytes(cursor)
    return 1
  }
  const outer = enter(cursor)
  const items = countBelow(cursor, path, level + 1)
  leave(cursor, outer)
  return items
}

function selectItems(signal: Signal, bytes: Uint8Array, from: number, to: number): Uint8Array {
  return Buffer.concat(selectBelow(openCursor(bytes), PATHS[signal], 0, from, to))
}

/** Keeps items `from` to `to` (counted from this message's first) and every field that is not a container; containers left empty go. */
function selectBelow(cursor: Cursor, path: Path, level: number, from: number, to: number): Uint8Array[] {
  const kept: Uint8Array[] = []
  let runStart = cursor.pos // of the stretch not yet copied: neighbours go together
  let next = 0
  while (cursor.pos < cursor.end) {
    const start = cursor.pos
    const tag = readTag(cursor)
    const content = cursor.pos
    const first = next
    const isContainer = path[level]!.includes(tag)
    if (isContainer) next += countContainer(cursor, path, level)
    else skip(cursor, tag)
    if (!isContainer || (first < next && first >= from && next <= to)) continue
    if (start > runStart) kept.push(cursor.bytes.subarray(runStart, start))
    if (first < to && next > from && first < next) {
      cursor.pos = content
      const outer = enter(cursor)
      const inner = selectBelow(cursor, path, level + 1, from - first, to - first)
      leave(cursor, outer)
      kept.push(header(tag, inner))
      for (const part of inner) kept.push(part)
    }
    runStart = cursor.pos
  }
  if (cursor.pos > runStart) kept.push(cursor.bytes.subarray(runStart, cursor.pos))
  return kept
}

function header(tag: number, content: readonly Uint8Array[]): Uint8Array {
  let byteCount = 0
  for (const part of content) byteCount += part.length
  const bytes = [tag] // all container tags are below 0x80
  for (; byteCount >= 0x80; byteCount = Math.floor(byteCount / 0x80)) bytes.push((byteCount & 0x7f) | 0x80)
  bytes.push(byteCount)
  return Uint8Array.from(bytes)
}
