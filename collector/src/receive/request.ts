import { enter, leave, readTag, skip } from '../../../src/wire/protobuf.ts'
import type { Resource, Scope } from '../batch.ts'
import { DecodeError } from './decode-error.ts'
import { openReader, type Reader } from './text.ts'
import type { Origin } from './uid.ts'
import { readResource, readScope } from './value.ts'

/** Where the records of one scope come from. */
export type Place = Origin & { readonly resource: Resource; readonly scope: Scope }

/** Reads one record (for metrics: one metric) at the cursor and adds what is in it to `records`. */
export type ReadRecord<T> = (reader: Reader, place: Place, records: T[]) => void

/** In all three signals: request → 1 resource group → (1 resource, 2 scope group) → (1 scope, 2 record). */
const FIRST = 0x0a
const SECOND = 0x12

const NO_RESOURCE: Resource = { attributes: {}, service: 'unknown_service', instanceId: '' }
const NO_SCOPE: Scope = { name: '', version: '', attributes: {} }
const NO_BYTES = new Uint8Array()

/** Records in one request. 262,144: a body of 20 MiB with 80 bytes each; an empty record has two bytes and becomes 500. */
const RECORDS_MAX = 2 ** 18

/** Reads an export request of any signal, or a concatenation of such. Resource and scope are read once and shared by their records. */
export function readRequest<T>(bytes: Uint8Array, readRecord: ReadRecord<T>): T[] {
  const reader = openReader(bytes)
  const records: T[] = []
  const seen = new Map<string, number>()
  eachField(reader, FIRST, () => {
    const outer = enter(reader)
    const [resource, resourceBytes] = readOnce(reader, readResource, NO_RESOURCE)
    eachField(reader, SECOND, () => {
      const outer = enter(reader)
      const [scope, scopeBytes] = readOnce(reader, readScope, NO_SCOPE)
      const place: Place = { resource, scope, sources: [resourceBytes, scopeBytes], seen }
      eachField(reader, SECOND, () => readRecord(reader, place, records))
      leave(reader, outer)
    })
    leave(reader, outer)
  })
  return records
}

/** Adds a decoded record. Throws DecodeError above the limit on records. */
export function addRecord<T>(records: T[], record: T): void {
  if (records.length >= RECORDS_MAX) throw new DecodeError(`the request holds more than ${RECORDS_MAX} records. Send smaller batches.`)
  records.push(record)
}

function eachField(reader: Reader, tag: number, read: () => void): void {
  while (reader.pos < reader.end) {
    const found = readTag(reader)
    if (found === tag) read()
    else skip(reader, found)
  }
}

/** Reads field 1 of a group, wherever in it (nearly always first), and goes back to the group's start. */
function readOnce<T>(reader: Reader, read: (reader: Reader) => T, absent: T): [T, Uint8Array] {
  const start = reader.pos
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag !== FIRST) {
      skip(reader, tag)
      continue
    }
    const from = reader.pos
    const value = read(reader)
    const bytes = reader.bytes.subarray(from, reader.pos)
    reader.pos = start
    return [value, bytes]
  }
  reader.pos = start
  return [absent, NO_BYTES]
}
