import { readBytes } from '../../../src/wire/protobuf.ts'
import { isAscii, type Reader } from './text.ts'

/** Names repeat from record to record: a few hundred in a deployment. At most `NAME_BYTES_MAX` × this many bytes are kept, for the life of the process. */
const NAME_SLOTS = 2_048
const NAME_BYTES_MAX = 64
const known: string[] = new Array(NAME_SLOTS).fill('')

/** Of one record, which the next one is expected to have as well. */
const EXPECTED_MAX = 64

/**
 * Reads a string from a small vocabulary (keys, names, units): the same string object each time up to 64 bytes of ASCII, which also makes it fast as a property key.
 *
 * Most records have the names of the one before, in its order: then comparing the bytes is all (docs/decisions/decoding.md).
 */
export function readName(reader: Reader): string {
  const start = readBytes(reader)
  const length = reader.pos - start
  const at = reader.nameCount++
  const expected = reader.lastNames[at]
  if (expected !== undefined && expected.length === length && isSame(reader.view, reader.lastNameStarts[at]!, start, length))
    return expected
  const name = findName(reader, start, length)
  // Of any other length than its bytes, it would be compared with a wrong number of them.
  if (at < EXPECTED_MAX && name.length === length) {
    reader.lastNames[at] = name
    reader.lastNameStarts[at] = start
  }
  return name
}

/** Four bytes at a time, the last four perhaps in part again. */
function isSame(view: DataView, a: number, b: number, length: number): boolean {
  const last = length - 4
  if (last < 0) return isSameByByte(view, a, b, length)
  for (let i = 0; i < last; i += 4) if (view.getInt32(a + i) !== view.getInt32(b + i)) return false
  return view.getInt32(a + last) === view.getInt32(b + last)
}

function isSameByByte(view: DataView, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (view.getInt8(a + i) !== view.getInt8(b + i)) return false
  return true
}

function findName({ bytes, view }: Reader, start: number, length: number): string {
  const end = start + length
  if (length === 0) return ''
  if (length > NAME_BYTES_MAX) return bytes.toString('utf8', start, end)
  const slot = nameSlot(bytes, start, length)
  const found = known[slot]!
  if (found.length === length && equals(found, bytes, start)) return found
  const name = bytes.toString('utf8', start, end)
  if (!isAscii(view, start, end)) return name
  const interned = Object.keys({ [name]: 0 })[0]! // V8 keeps one copy of each property name
  known[slot] = interned
  return interned
}

/** Spreads by length and five bytes: a collision only costs decoding the name again. */
function nameSlot(bytes: Buffer, start: number, length: number): number {
  const last = start + length - 1
  let hash = length * 31 + bytes[start]!
  hash = hash * 31 + bytes[start + (length >> 2)]!
  hash = hash * 31 + bytes[start + (length >> 1)]!
  hash = hash * 31 + bytes[last]!
  hash = hash * 31 + bytes[last - (length > 1 ? 1 : 0)]!
  return (hash ^ (hash >>> 11)) & (NAME_SLOTS - 1)
}

function equals(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
