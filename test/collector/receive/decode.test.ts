import { expect, test } from 'vitest'
import type { Batch, LogRecord } from '../../../collector/src/batch.ts'
import { decode, openBatch } from '../../../collector/src/receive/decode.ts'
import { seededRandom } from '../../support/random.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const UID = '0199c5a2-7b1c-7d3e-8f4a-9b5c6d7e8f90'

test('records that were let go are the same when they are asked for again, uids made of their bytes included', () => {
  const bytes = request(record(field(6, keyValue('request_id', text(1, '4711')))), record(), record())
  const batch = openBatch('logs', { encoding: 'protobuf', bytes })
  const records = batch.records
  expect(batch.records).toBe(records)
  batch.release?.()
  expect(batch.records).not.toBe(records)
  expect(batch.records).toEqual(records)
})

test('an attribute called __proto__ is an attribute and changes nothing else', () => {
  const json = logsOf({ attributes: [attribute('__proto__', { kvlistValue: { values: [attribute('admin', { boolValue: true })] } })] })
  const protobuf = request(record(field(6, keyValue('__proto__', text(1, 'polluted')))))
  for (const [encoding, bytes] of [['json', json] as const, ['protobuf', protobuf] as const]) {
    const { attributes } = logs(decode('logs', encoding, bytes))[0]!
    expect(Object.keys(attributes)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype)
    expect('admin' in attributes || 'admin' in {}).toBe(false)
  }
})

test('numbers that a double cannot hold stay exact as strings, times to the microsecond', () => {
  const integers = ['9007199254740991', '-9007199254740991', '9007199254740993', '-9223372036854775808', '9223372036854775807']
  const expected = [9007199254740991, -9007199254740991, '9007199254740993', '-9223372036854775808', '9223372036854775807']
  const times = ['1763843696123456789', '0', '999', '9007199254740991999', '4102444800000000999']
  const expectedUs = [1763843696123456, 0, 0, 9007199254740991, 4102444800000000]
  const json = integers.map((intValue, i) => ({ timeUnixNano: times[i], body: { intValue } }))
  const protobuf = integers.map((value, i) => record(fixed64(1, BigInt(times[i]!)), field(5, int64(3, BigInt(value)))))
  for (const records of [logs(decode('logs', 'json', logsOf(...json))), logs(decode('logs', 'protobuf', request(...protobuf)))]) {
    expect(records.map(({ body }) => body)).toEqual(expected)
    expect(records.map(({ timeUs }) => timeUs)).toEqual(expectedUs)
  }
})

test('OTLP/JSON as other senders write it: snake_case, numbers for int64, upper-case ids, unknown fields, nulls', () => {
  const body = JSON.stringify({
    resource_logs: [
      {
        resource: { attributes: [attribute('service.name', { string_value: 'api' })], entity_refs: [] },
        scope_logs: [
          {
            scope: null,
            log_records: [
              {
                time_unix_nano: 1763843696000000000,
                severity_number: 17,
                severityText: null,
                body: { int_value: 5 },
                trace_id: TRACE_ID.toUpperCase(),
                spanId: '0000000000000000',
                somethingNew: { deep: [1] },
                attributes: [
                  attribute('a', {}),
                  attribute('b', { doubleValue: 'NaN' }),
                  attribute('c', { bytesValue: '-_-_' }),
                  { key: 'd' },
                ],
              },
            ],
          },
        ],
      },
    ],
  })
  const records = logs(decode('logs', 'json', Buffer.from(body)))
  expect(records).toMatchObject([
    {
      resource: { service: 'api', instanceId: '' },
      scope: { name: '', version: '', attributes: {} },
      timeUs: 1763843696000000,
      severity: 17,
      severityText: '',
      body: 5,
      traceId: TRACE_ID,
      spanId: '',
      attributes: { a: null, b: Number.NaN, c: '+/+/', d: null },
    },
  ])
})

test('half a surrogate pair in JSON becomes U+FFFD', () => {
  const [record] = logs(
    decode('logs', 'json', Buffer.from('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a\\ud83d"}}]}]}]}')),
  )
  expect(record?.body).toBe('a\uFFFD')
})

test('broken UTF-8 in protobuf becomes U+FFFD', () => {
  const [record_] = logs(decode('logs', 'protobuf', request(record(field(5, field(1, Buffer.from([0x61, 0xff])))))))
  expect(record_?.body).toBe('a\uFFFD')
})

test.each([
  ['a number where an object belongs', { resourceLogs: [1] }, 'an element of resourceLogs must be an object, not 1'],
  ['a list as the body', [], 'the body must be an object, not []'],
  ['an enum by name', one({ severityNumber: 'INFO' }), `severityNumber must be the enum's number, not "INFO"`],
  ['a base64 trace id', one({ traceId: 'CvdlGRbNQ92ESOshHIAxnA==' }), 'traceId must be 32 hex digits, not "cvdlgrbnq92eso'],
  ['a time in text', one({ timeUnixNano: '2026-11-22' }), 'timeUnixNano must be nanoseconds since 1970'],
  ['a negative time', one({ timeUnixNano: -1 }), 'timeUnixNano must be nanoseconds since 1970'],
  ['a word as an integer', one({ body: { intValue: 'many' } }), 'intValue must be a whole number, or a string with one, not "many"'],
  ['a number as a string', one({ severityText: 5 }), 'severityText must be a string, not 5'],
])('JSON with %s is refused by name', (_name, body, message) => {
  expect(() => decode('logs', 'json', Buffer.from(JSON.stringify(body)))).toThrow(message)
})

test('an id of the wrong length in protobuf is refused by name', () => {
  expect(() => decode('logs', 'protobuf', request(record(field(9, Buffer.alloc(3)))))).toThrow('trace_id has 3 bytes instead of 16 at byte')
})

test.each(['json', 'protobuf'] as const)('values nested 1,000 deep are refused in %s, 40 deep are taken', (encoding) => {
  const nest = (depth: number) => {
    if (encoding === 'protobuf') {
      let value = text(1, 'x')
      for (let i = 0; i < depth; i++) value = field(5, field(1, value))
      return request(record(field(5, value)))
    }
    return Buffer.from(
      `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}}]}]}]}`,
    )
  }
  expect(() => decode('logs', encoding, nest(1_000))).toThrow('nested deeper than')
  expect(logs(decode('logs', encoding, nest(40))).length).toBe(1)
})

test.each([
  ['where an array belongs', (deep: string) => `{"resourceLogs":${deep}}`],
  ['in a field that nobody knows', (deep: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"new":${deep}}]}]}]}`],
])('JSON nested 100,000 deep %s is refused', (_where, body) => {
  const deep = `${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`
  expect(() => decode('logs', 'json', Buffer.from(body(deep)))).toThrow('nested deeper than 256')
})

test('brackets and quotes within texts are no nesting', () => {
  const body = `\\"${'[{'.repeat(1_000)}\\`
  expect(logs(decode('logs', 'json', logsOf({ body: { stringValue: body } })))[0]?.body).toBe(body)
})

test('resource, scope, name and temporality count wherever they stand in the message', () => {
  const point = field(1, Buffer.concat([fixed64(3, 5_000n), fixed64(6, 7n)]))
  const metric = field(2, Buffer.concat([field(7, Buffer.concat([point, int64(2, 2n), int64(3, 1n)])), text(3, 's'), text(1, 'late')]))
  const scope = field(2, Buffer.concat([metric, field(1, text(1, 'scope'))]))
  const resource = field(1, field(1, keyValue('service.name', text(1, 'api'))))
  const { records } = decode('metrics', 'protobuf', field(1, Buffer.concat([scope, resource])))
  const expected = { name: 'late', unit: 's', type: 'sum', temporality: 'cumulative', monotonic: true, value: 7, timeUs: 5 }
  expect(records).toMatchObject([{ ...expected, scope: { name: 'scope' }, resource: { service: 'api' } }])
})

test('summaries are kept with their quantiles, points without a value are left out', () => {
  const summary = { timeUnixNano: '5000', count: '3', sum: 6, quantileValues: [{ quantile: 0.5, value: 2 }, { quantile: 1 }] }
  const metrics = [
    { name: 'a', summary: { dataPoints: [summary] } },
    { name: 'b', gauge: { dataPoints: [{ timeUnixNano: '1' }, { asInt: '4', flags: 1 }, { asInt: '4' }] } },
  ]
  const body = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }
  const { records } = decode('metrics', 'json', Buffer.from(JSON.stringify(body)))
  const detail = {
    quantiles: [
      { quantile: 0.5, value: 2 },
      { quantile: 1, value: 0 },
    ],
  }
  expect(records).toMatchObject([
    { name: 'a', type: 'summary', value: null, distribution: { count: 3, sum: 6, min: null, max: null, bounds: [], counts: [], detail } },
    { name: 'b', type: 'gauge', value: 4, distribution: null },
  ])
})

test.each(['json', 'protobuf'] as const)(
  '%s: a uid is normalised and no attribute; other forms and missing ones get a UUIDv8',
  (encoding) => {
    const ulid = '01JD9ZQ4Y2M8K3T5V7W9X1Z3B5'
    const given = [UID.toUpperCase(), UID, ulid, ulid, '00000000-0000-0000-0000-000000000000', '', undefined]
    const uids = decodeUids(encoding, given).map(({ uid, attributes }) => {
      expect(attributes).toEqual({ kept: 'yes' })
      return uid
    })
    expect(uids.slice(0, 2)).toEqual([UID, UID])
    expect(uids[2]).toMatch(UUID_V8)
    expect(uids[3]).toBe(uids[2])
    for (const uid of uids.slice(4)) expect(uid).toMatch(UUID_V8)
    expect(new Set(uids).size).toBe(5)
  },
)

test.each(['json', 'protobuf'] as const)(
  '%s: equal records without a uid differ by ordinal, and a resend gets the same uids',
  (encoding) => {
    const first = decodeUids(encoding, [undefined, undefined, undefined]).map(({ uid }) => uid)
    expect(new Set(first).size).toBe(3)
    expect(decodeUids(encoding, [undefined, undefined, undefined]).map(({ uid }) => uid)).toEqual(first)
  },
)

test.each([
  ['log records', 'logs', () => request(Buffer.alloc(20 * 2 ** 20, Buffer.from([0x12, 0x00]))), 'more than 262144 records'],
  ['scopes', 'logs', () => field(1, Buffer.alloc(20 * 2 ** 20, Buffer.from([0x12, 0x00]))), 'too many messages'],
  ['span events', 'traces', () => request(record(Buffer.alloc(20 * 2 ** 20, Buffer.from([0x5a, 0x00])))), 'too many messages'],
] as const)('20 MiB of empty %s are refused before they fill the memory', (_name, signal, body, message) => {
  const bytes = body()
  const start = process.cpuUsage()
  expect(() => decode(signal, 'protobuf', bytes)).toThrow(message)
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(5) // seconds; about one is usual
})

test.each([
  ['span events', 'traces', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"events":[', ']}]}]}]}'],
  ['metrics', 'metrics', '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[', ']}]}]}'],
  ['objects in an unknown field', 'logs', '{"new":[', ']}'],
] as const)('20 MiB of empty %s in JSON are refused before they fill the memory', (_name, signal, head, tail) => {
  const bytes = Buffer.from(`${head}${'{},'.repeat(6_900_000)}{}${tail}`)
  const start = process.cpuUsage()
  expect(() => decode(signal, 'json', bytes)).toThrow('too many objects and arrays')
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(2) // seconds; a tenth is usual
})

test('300,000 empty log records in JSON are refused', () => {
  const body = Buffer.from(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${'{},'.repeat(3e5)}{}]}]}]}`)
  expect(() => decode('logs', 'json', body)).toThrow('more than 262144 records')
})

test('the same record of another process has another uid', () => {
  const of = (instance: string) =>
    logs(decode('logs', 'json', logsOf({}, instance)))
      .map(({ uid }) => uid)
      .join()
  expect(of('a')).not.toBe(of('b'))
})

test('what names a record has does not depend on the records before it', () => {
  const random = seededRandom(7)
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!
  // Of few lengths, alike but for one byte, not all of them whole UTF-8.
  const names = [
    '',
    'a',
    'b',
    '\xc3',
    'ab',
    '\xc3\xa9',
    'abcd',
    'abce',
    'bbcd',
    'tts.voice',
    'tts.voicf',
    'uts.voice',
    'tts.v\xc3\xb6ce',
    'n'.repeat(70),
  ]
  const records = Array.from({ length: 300 }, () => {
    const fields = Array.from({ length: pick([1, 2, 3, 80]) }, (_, index) =>
      field(6, Buffer.concat([field(1, Buffer.from(pick(names), 'latin1')), field(2, text(1, `${index}`))])),
    )
    return record(text(3, pick(['INFO', 'WARN'])), ...fields)
  })
  const alone = records.map((bytes) => logs(decode('logs', 'protobuf', request(bytes)))[0]!)
  const together = logs(decode('logs', 'protobuf', request(...records)))
  expect(together.map(({ severityText, attributes }) => [severityText, Object.entries(attributes)])).toEqual(
    alone.map(({ severityText, attributes }) => [severityText, Object.entries(attributes)]),
  )
})

test('a value that follows a UUID in one field is no UUID by that', () => {
  const uidOf = (...value: Buffer[]) =>
    logs(decode('logs', 'protobuf', request(record(field(6, keyValue('log.record.uid', Buffer.concat(value)))))))[0]?.uid
  expect(uidOf(text(1, UID), field(7, Buffer.alloc(27, 7)))).toMatch(UUID_V8)
  // A field that nobody knows, behind a text of the same length.
  expect(uidOf(text(1, 'x'.repeat(36)), text(15, UID))).toMatch(UUID_V8)
  expect(uidOf(text(1, UID), text(15, 'x'))).toBe(UID)
  expect(uidOf(text(1, UID.toUpperCase()))).toBe(UID)
  expect(uidOf(text(1, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))).toMatch(UUID_V8)
})

test('a value may stand before its key', () => {
  const pair = Buffer.concat([field(2, text(1, UID)), text(1, 'log.record.uid')])
  expect(logs(decode('logs', 'protobuf', request(record(field(6, pair)))))[0]?.uid).toBe(UID)
})

const UUID_V8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function decodeUids(encoding: 'json' | 'protobuf', uids: readonly (string | undefined)[]): readonly LogRecord[] {
  const pairs = uids.map((uid): [string, string][] => [
    ...(uid === undefined ? [] : [['log.record.uid', uid] as [string, string]]),
    ['kept', 'yes'],
  ])
  if (encoding === 'protobuf') {
    return logs(
      decode(
        'logs',
        encoding,
        request(...pairs.map((each) => record(...each.map(([key, value]) => field(6, keyValue(key, text(1, value))))))),
      ),
    )
  }
  return logs(
    decode(
      'logs',
      encoding,
      logsOf(...pairs.map((each) => ({ attributes: each.map(([key, stringValue]) => attribute(key, { stringValue })) }))),
    ),
  )
}

function logs(batch: Batch): readonly LogRecord[] {
  if (batch.signal !== 'logs') throw new Error(batch.signal)
  return batch.records
}

function one(logRecord: object) {
  return { resourceLogs: [{ scopeLogs: [{ logRecords: [logRecord] }] }] }
}

/** JSON logs; a string stands for the instance id of the process. */
function logsOf(...records: (object | string)[]): Buffer {
  const instance = records.find((each) => typeof each === 'string')
  const attributes = instance === undefined ? [] : [attribute('service.instance.id', { stringValue: instance })]
  const logRecords = records.filter((each) => typeof each === 'object')
  return Buffer.from(JSON.stringify({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }] }))
}

function attribute(key: string, value: object) {
  return { key, value }
}

/** Protobuf by hand: what the official serializers would never write. */
function request(...records: Buffer[]): Buffer {
  return field(1, field(2, Buffer.concat(records)))
}

function record(...fields: Buffer[]): Buffer {
  return field(2, Buffer.concat(fields))
}

function keyValue(key: string, value: Buffer): Buffer {
  return Buffer.concat([text(1, key), field(2, value)])
}

function text(number: number, content: string): Buffer {
  return field(number, Buffer.from(content))
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(content.length)), content])
}

function int64(number: number, value: bigint): Buffer {
  return Buffer.concat([Buffer.from([number << 3]), varint(BigInt.asUintN(64, value))])
}

function fixed64(number: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(9, (number << 3) | 1)
  bytes.writeBigUInt64LE(value, 1)
  return bytes
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}
