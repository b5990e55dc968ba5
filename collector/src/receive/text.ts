import { type Cursor, enter, openCursor, ProtobufError, readBytes } from '../../../src/wire/protobuf.ts'

/**
 * A cursor that also knows how to make strings cheaply. Each call into native code costs about 90 ns, whatever the length, and a record holds a dozen
 * strings. So a record's bytes are made one string, once, and its short ASCII strings are cut from that one. A string that somebody keeps
 * holds its record's bytes in memory with it, never the request's.
 */
export type Reader = Cursor & {
  readonly view: DataView
  recordText: string
  recordStart: number
  /** Set by `readKeyValue`. */
  key: string
  /** Set by `readString`: where its text ends. */
  textEnd: number
  /** The names of the record before in their order, as far as this one has not replaced them, and where they start. */
  readonly lastNames: string[]
  readonly lastNameStarts: number[]
  /** How many names of this record have been read. */
  nameCount: number
}

/** Above this many bytes one native call is faster than looking at them and cutting. [measured: 57 and 53 ns for 256 bytes] */
const CUT_BYTES_MAX = 256

/**
 * Nested messages in one request, each of which becomes an object of some 100 bytes. 4 million: a body of 20 MiB with an attribute every ten bytes;
 * without it a body of empty messages would fill the memory.
 */
const MESSAGES_MAX = 2 ** 22

export function openReader(bytes: Uint8Array): Reader {
  const cursor = openCursor(bytes, MESSAGES_MAX)
  const view = new DataView(cursor.bytes.buffer, cursor.bytes.byteOffset, cursor.bytes.length)
  return { ...cursor, view, recordText: '', recordStart: 0, key: '', textEnd: -1, lastNames: [], lastNameStarts: [], nameCount: 0 }
}

/** Enters a record (span, log record, metric point). Returns the outer end, for `leave`. */
export function enterRecord(reader: Reader): number {
  const outer = enter(reader)
  reader.nameCount = 0
  reader.recordStart = reader.pos
  reader.recordText = reader.bytes.toString('latin1', reader.pos, reader.end)
  return outer
}

/** Reads a string that is mostly different from record to record. Broken UTF-8 becomes U+FFFD. */
export function readString(reader: Reader): string {
  const start = readBytes(reader)
  const { bytes, pos: end } = reader
  reader.textEnd = end
  const from = start - reader.recordStart
  const to = end - reader.recordStart
  if (end - start > CUT_BYTES_MAX || to > reader.recordText.length || !isAscii(reader.view, start, end))
    return bytes.toString('utf8', start, end)
  return reader.recordText.substring(from, to)
}

/** Reads a trace id (16 bytes) or span id (8 bytes) as lower-case hex; '' when absent or all zero, which the specification calls invalid. */
export function readId(reader: Reader, byteCount: 8 | 16, name: string): string {
  const start = readBytes(reader)
  const length = reader.pos - start
  if (length === 0) return ''
  if (length !== byteCount) throw new ProtobufError(`${name} has ${length} bytes instead of ${byteCount}`, start)
  const low = hexOf8(reader.bytes, start + byteCount - 8)
  const id = byteCount === 16 ? hexOf8(reader.bytes, start) + low : low
  return isZero(reader.bytes, start, reader.pos) ? '' : id
}

/** Four bytes at a time: a third of the time. */
export function isAscii(view: DataView, start: number, end: number): boolean {
  let bits = 0
  let at = start
  for (; at + 4 <= end; at += 4) bits |= view.getInt32(at)
  for (; at < end; at++) bits |= view.getInt8(at)
  return (bits & 0x80808080) === 0
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false
  return true
}

const DIGITS = Buffer.from('0123456789abcdef')
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => DIGITS[byte >> 4]!)
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => DIGITS[byte & 15]!)

/** One flat string by table: a third faster than a native call, and half of it for the shorter id. */
function hexOf8(b: Buffer, at: number): string {
  // biome-ignore format: one byte a line
  return String.fromCharCode(
    HIGH[b[at]!]!, LOW[b[at]!]!,
    HIGH[b[at + 1]!]!, LOW[b[at + 1]!]!,
    HIGH[b[at + 2]!]!, LOW[b[at + 2]!]!,
    HIGH[b[at + 3]!]!, LOW[b[at + 3]!]!,
    HIGH[b[at + 4]!]!, LOW[b[at + 4]!]!,
    HIGH[b[at + 5]!]!, LOW[b[at + 5]!]!,
    HIGH[b[at + 6]!]!, LOW[b[at + 6]!]!,
    HIGH[b[at + 7]!]!, LOW[b[at + 7]!]!,
  )
}
