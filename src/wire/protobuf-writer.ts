/**
 * A protobuf message in the making. The functions below write at `pos`, move it, and make room themselves.
 *
 * A `tag` is `field number << 3 | wire type`. It must fit one byte, as those of fields 1 to 15 do, except in {@link writeFixed32}.
 */
export type Writer = {
  bytes: Buffer
  /** The same memory, for numbers of a fixed size. */
  view: DataView
  pos: number
}

/** Lengths below this have one byte. */
const SHORT = 0x80

/** Up to here a loop over the characters is faster than the call into native code. */
const LOOP_CHARACTERS_MAX = 64

/** UTF-8 needs no more for one UTF-16 unit; a lone surrogate becomes U+FFFD, of three bytes. */
const BYTES_PER_CHARACTER_MAX = 3

/** A 64-bit varint. */
const VARINT_BYTES_MAX = 10

const TWO_TO_32 = 2 ** 32

/** A writer with room for `capacityBytes`; it grows by doubling. */
export function createWriter(capacityBytes: number): Writer {
  const bytes = Buffer.allocUnsafeSlow(capacityBytes) // of its own: only what was written is ever copied out
  return { bytes, view: viewOf(bytes), pos: 0 }
}

/** What was written from `start` on, as a copy that holds no more memory than it needs. */
export function copyWritten({ bytes, pos }: Writer, start = 0): Uint8Array {
  return new Uint8Array(bytes.subarray(start, pos))
}

/**
 * Begins a nested message and returns where its content starts, for {@link closeMessage}. `lengthBytes` is a guess
 * of how many bytes its length will have (1: below 128, 2: below 16 KiB, 3: below 2 MiB); a wrong one costs a move.
 */
export function openMessage(writer: Writer, tag: number, lengthBytes = 1): number {
  reserve(writer, 1 + lengthBytes)
  writer.bytes[writer.pos] = tag
  writer.pos += 1 + lengthBytes
  return writer.pos
}

/** Ends the message whose content starts at `start`. */
export function closeMessage(writer: Writer, start: number, lengthBytes = 1): void {
  const size = writer.pos - start
  if (lengthBytes === 1 && size < SHORT) writer.bytes[start - 1] = size
  else insertLength(writer, start, lengthBytes)
}

/** Writes a string as UTF-8. A value of another type, which plain JavaScript can pass, becomes its text; throws for null and undefined. */
export function writeString(writer: Writer, tag: number, text: string): void {
  if (!(text.length <= LOOP_CHARACTERS_MAX && writeAscii(writer, tag, text))) writeAnyString(writer, tag, String(text))
}

/** Writes bytes. */
export function writeBytes(writer: Writer, tag: number, bytes: Uint8Array): void {
  reserve(writer, 1 + VARINT_BYTES_MAX + bytes.length)
  writer.bytes[writer.pos++] = tag
  putVarint(writer, bytes.length)
  writer.bytes.set(bytes, writer.pos)
  writer.pos += bytes.length
}

/** Writes a trace or span id, given in hexadecimal, as bytes. */
export function writeHex(writer: Writer, tag: number, hex: string): void {
  const length = hex.length >>> 1
  reserve(writer, 1 + VARINT_BYTES_MAX + length)
  writer.bytes[writer.pos++] = tag
  putVarint(writer, length)
  const { bytes, pos } = writer
  for (let i = 0; i < length; i++) bytes[pos + i] = (hexDigit(hex.charCodeAt(2 * i)) << 4) | hexDigit(hex.charCodeAt(2 * i + 1))
  writer.pos = pos + length
}

/** Writes a whole number, negative ones in two's complement of 64 bits. What is no number becomes 0. */
export function writeVarint(writer: Writer, tag: number, value: number): void {
  reserve(writer, 1 + VARINT_BYTES_MAX)
  writer.bytes[writer.pos++] = tag
  putVarint(writer, value)
}

/** Writes a double. */
export function writeDouble(writer: Writer, tag: number, value: number): void {
  reserve(writer, 9)
  writer.bytes[writer.pos] = tag
  writer.view.setFloat64(writer.pos + 1, value, true)
  writer.pos += 9
}

/** Writes doubles as one packed field. */
export function writeDoubles(writer: Writer, tag: number, values: readonly number[]): void {
  const at = beginPacked(writer, tag, values.length)
  for (let i = 0; i < values.length; i++) writer.view.setFloat64(at + 8 * i, values[i]!, true)
}

/** Writes a whole number of 64 bits and fixed size, negative ones in two's complement. What is no number becomes 0. */
export function writeFixed64(writer: Writer, tag: number, value: number): void {
  reserve(writer, 9)
  writer.bytes[writer.pos] = tag
  setFixed64(writer.view, writer.pos + 1, value)
  writer.pos += 9
}

/** Writes such numbers as one packed field. */
export function writeFixed64s(writer: Writer, tag: number, values: readonly number[]): void {
  const at = beginPacked(writer, tag, values.length)
  for (let i = 0; i < values.length; i++) setFixed64(writer.view, at + 8 * i, values[i]!)
}

/** Writes whole numbers as one packed field. */
export function writeVarints(writer: Writer, tag: number, values: readonly number[]): void {
  const start = openMessage(writer, tag)
  for (const value of values) {
    reserve(writer, VARINT_BYTES_MAX)
    putVarint(writer, value)
  }
  closeMessage(writer, start)
}

/** Writes an unsigned 32-bit number of fixed size, under a tag of any size. */
export function writeFixed32(writer: Writer, tag: number, value: number): void {
  reserve(writer, VARINT_BYTES_MAX + 4)
  putVarint32(writer, tag)
  writer.view.setUint32(writer.pos, value, true)
  writer.pos += 4
}

/**
 * Writes `[seconds, nanoseconds]` as nanoseconds in a fixed64. The product is made in two halves that a double can hold,
 * because a BigInt for each time would be slow.
 */
export function writeTime(writer: Writer, tag: number, time: readonly [number, number]): void {
  reserve(writer, 9)
  const lower = (time[0] & 0xffff) * 1e9
  const upper = ((time[0] / 0x10000) >>> 0) * 1e9 // in units of 65,536 ns
  const low = (lower >>> 0) + (upper & 0xffff) * 0x10000 + time[1]
  const high = Math.floor(lower / TWO_TO_32) + Math.floor(upper / 0x10000) + Math.floor(low / TWO_TO_32)
  const { bytes, view, pos } = writer
  bytes[pos] = tag
  view.setUint32(pos + 1, low, true)
  view.setUint32(pos + 5, high, true)
  writer.pos = pos + 9
}

/** Writes fields that were encoded before, tags included. */
export function writeEncoded(writer: Writer, encoded: Uint8Array): void {
  reserve(writer, encoded.length)
  writer.bytes.set(encoded, writer.pos)
  writer.pos += encoded.length
}

/** False when there is a character beyond ASCII; nothing is written then. */
function writeAscii(writer: Writer, tag: number, text: string): boolean {
  const { length } = text
  reserve(writer, 2 + length)
  const { bytes, pos } = writer
  bytes[pos] = tag
  bytes[pos + 1] = length
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    bytes[pos + 2 + i] = code
  }
  writer.pos = pos + 2 + length
  return true
}

function writeAnyString(writer: Writer, tag: number, text: string): void {
  const lengthBytes = varintBytes(text.length) // right for ASCII, the most frequent
  const start = openMessage(writer, tag, lengthBytes)
  reserve(writer, BYTES_PER_CHARACTER_MAX * text.length)
  writer.pos += writer.bytes.write(text, start)
  closeMessage(writer, start, lengthBytes)
}

/** Needs room for `VARINT_BYTES_MAX`. */
function putVarint(writer: Writer, value: number): void {
  if (value >= 0 && value < TWO_TO_32) putVarint32(writer, value >>> 0)
  else putVarint64(writer, value)
}

function putVarint64(writer: Writer, value: number): void {
  let low = lowWord(value)
  let high = highWord(value)
  for (; high > 0; high >>>= 7) {
    writer.bytes[writer.pos++] = (low & 0x7f) | 0x80
    low = ((low >>> 7) | (high << 25)) >>> 0
  }
  putVarint32(writer, low)
}

function setFixed64(view: DataView, at: number, value: number): void {
  view.setUint32(at, lowWord(value), true)
  view.setUint32(at + 4, highWord(value), true)
}

/** The lower half of 64 bits. */
function lowWord(value: number): number {
  const word = Math.abs(value) >>> 0
  return value < 0 ? -word >>> 0 : word
}

function highWord(value: number): number {
  const word = (Math.abs(value) / TWO_TO_32) >>> 0
  if (value < 0) return (lowWord(value) === 0 ? -word : ~word) >>> 0
  return word
}

/** Tag, length and room for `count` values of 8 bytes; moves behind them, and gives where the first belongs. */
function beginPacked(writer: Writer, tag: number, count: number): number {
  reserve(writer, 1 + VARINT_BYTES_MAX + 8 * count)
  writer.bytes[writer.pos++] = tag
  putVarint(writer, 8 * count)
  const at = writer.pos
  writer.pos += 8 * count
  return at
}

function putVarint32(writer: Writer, value: number): void {
  const { bytes } = writer
  let rest = value
  for (; rest >= SHORT; rest >>>= 7) bytes[writer.pos++] = (rest & 0x7f) | 0x80
  bytes[writer.pos++] = rest
}

function hexDigit(code: number): number {
  return (code & 0xf) + 9 * (code >>> 6) // without a branch, which chance would mispredict
}

/** Moves a message so that its length fits exactly, and writes the length. */
function insertLength(writer: Writer, start: number, lengthBytes: number): void {
  const { pos: end } = writer
  const needed = varintBytes(end - start)
  const shift = needed - lengthBytes
  if (shift > 0) reserve(writer, shift)
  if (shift !== 0) writer.bytes.copyWithin(start + shift, start, end)
  writer.pos = start - lengthBytes
  putVarint32(writer, end - start)
  writer.pos = end + shift
}

function varintBytes(value: number): number {
  let count = 1
  for (let rest = value; rest >= SHORT; rest >>>= 7) count++
  return count
}

function reserve(writer: Writer, byteCount: number): void {
  if (writer.pos + byteCount > writer.bytes.length) grow(writer, writer.pos + byteCount)
}

function grow(writer: Writer, bytesMin: number): void {
  const larger = Buffer.allocUnsafeSlow(Math.max(bytesMin, 2 * writer.bytes.length))
  writer.bytes.copy(larger, 0, 0, writer.pos)
  writer.bytes = larger
  writer.view = viewOf(larger)
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
