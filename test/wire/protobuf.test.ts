import { expect, test } from 'vitest'
import {
  countItems,
  MESSAGE_DEPTH_MAX,
  openCursor,
  ProtobufError,
  readTag,
  readVarint,
  skip,
  splitRequest,
} from '../../src/wire/protobuf.ts'
import { SIGNALS } from '../../src/wire/signal.ts'
import { randomTelemetry, serialize } from '../collector/receive/telemetry.ts'
import { seededRandom } from '../support/random.ts'

test('a varint of the largest int64 keeps all its bits', () => {
  const cursor = openCursor(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]))
  readVarint(cursor)
  expect([cursor.high, cursor.low]).toEqual([0x7fffffff, 0xffffffff])
})

test.each([
  ['a varint without an end', [0x08, 0xff, 0xff], 'a number is cut off at byte 1'],
  ['a varint of eleven bytes', [0x08, ...Array(11).fill(0xff)], 'a number has more than ten bytes at byte 1'],
  ['a length behind the end', [0x0a, 0x05, 0x00], 'a field of 5 bytes ends behind its message at byte 2'],
  ['a length of 4 GB', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], 'a field of 4294967295 bytes ends behind its message at byte 6'],
  ['a cut fixed64', [0x09, 1, 2, 3], 'a field of 8 bytes ends behind its message at byte 1'],
  ['a cut fixed32', [0x0d, 1, 2, 3], 'a field of 4 bytes ends behind its message at byte 1'],
  ['a group', [0x0b, 0x0c], 'wire type 3 is not allowed at byte 1'],
  ['an unknown wire type', [0x0e], 'wire type 6 is not allowed at byte 1'],
  ['field number 0', [0x00], 'field number 0 does not exist: these are not protobuf bytes at byte 0'],
])('%s is refused with its position', (_name, bytes, message) => {
  const cursor = openCursor(Uint8Array.from(bytes))
  const read = () => skip(cursor, readTag(cursor))
  expect(read).toThrow(ProtobufError)
  cursor.pos = 0
  expect(read).toThrow(message)
})

test('a view into a larger buffer is not read beyond its own end', () => {
  const whole = Uint8Array.from([0x08, 0x01, 0x08, 0x01])
  const cursor = openCursor(whole.subarray(0, 3))
  skip(cursor, readTag(cursor))
  expect(() => skip(cursor, readTag(cursor))).toThrow('a number is cut off at byte 3')
})

test('the depth limit is far above what a request nests', () => {
  expect(MESSAGE_DEPTH_MAX).toBeGreaterThanOrEqual(64)
})

test.each(SIGNALS)('%s: a request is cut down to single items, none lost, none doubled, resource and scope kept', (signal) => {
  for (let seed = 1; seed <= 20; seed++) {
    const bytes = serialize(signal, 'protobuf', randomTelemetry(seededRandom(seed), 23))
    const items = countItems(signal, bytes)
    const singles = cutToSingles(signal, bytes)
    expect(singles.length).toBe(items)
    expect(singles.every((single) => countItems(signal, single) === 1)).toBe(true)
  }
})

test.each(SIGNALS)('%s: a concatenation of requests is cut in the middle of its items', (signal) => {
  const requests = [3, 40, 1].map((items, seed) => serialize(signal, 'protobuf', randomTelemetry(seededRandom(seed), items)))
  const bytes = Buffer.concat(requests)
  const halves = splitRequest(signal, bytes)!
  const items = countItems(signal, bytes)
  expect(halves.map((half) => countItems(signal, half))).toEqual([Math.floor(items / 2), Math.ceil(items / 2)])
})

test('what is no request cannot be cut', () => {
  expect(splitRequest('logs', Buffer.from('{"resourceLogs":[]}'))).toBeUndefined()
  expect(splitRequest('logs', new Uint8Array())).toBeUndefined()
})

test('cutting mutated requests ends with an answer, never with a throw', () => {
  const random = seededRandom(7)
  for (let round = 0; round < 600; round++) {
    const signal = SIGNALS[round % 3]!
    const bytes = serialize(signal, 'protobuf', randomTelemetry(random, 5))
    for (let i = 0; i < 4; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    for (const half of splitRequest(signal, bytes) ?? []) expect(countItems(signal, half)).toBeGreaterThan(0)
  }
})

function cutToSingles(signal: (typeof SIGNALS)[number], bytes: Uint8Array): Uint8Array[] {
  const halves = splitRequest(signal, bytes)
  return halves === undefined ? [bytes] : halves.flatMap((half) => cutToSingles(signal, half))
}
