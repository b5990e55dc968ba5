import { enter, leave, readBytes, readDouble, readFixed64, readTag, readUint32, readVarint, skip } from '../../../src/wire/protobuf.ts'
import type { Attributes, Resource, Scope, Value } from '../batch.ts'
import { readName } from './name.ts'
import { toInteger, toMicroseconds } from './number.ts'
import { type Reader, readString } from './text.ts'

/** Attributes while they are being read. */
export type Building = { [key: string]: Value }

/** Reads an AnyValue, nested ones included. An empty one is null. */
export function readValue(reader: Reader): Value {
  const outer = enter(reader)
  let value: Value = null
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) value = readString(reader)
    else if (tag === 0x10) value = readUint32(reader) !== 0
    else if (tag === 0x18) value = readInteger(reader)
    else if (tag === 0x21) value = readDouble(reader)
    else if (tag === 0x2a) value = readArray(reader)
    else if (tag === 0x32) value = readMap(reader)
    else if (tag === 0x3a) value = readBase64(reader)
    else skip(reader, tag)
  }
  leave(reader, outer)
  return value
}

/** Reads a KeyValue: returns the value and leaves the key in `reader.key`. */
export function readKeyValue(reader: Reader): Value {
  const outer = enter(reader)
  let key = ''
  let value: Value = null
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) key = readName(reader)
    else if (tag === 0x12) value = isShortText(reader) ? readShortText(reader) : readValue(reader)
    else skip(reader, tag)
  }
  leave(reader, outer)
  reader.key = key
  return value
}

/** Whether an AnyValue is what most are, a text below 128 bytes and nothing else: then it need not be entered and left. */
function isShortText({ bytes, pos, end }: Reader): boolean {
  const length = bytes[pos]!
  return length < 0x80 && bytes[pos + 1] === 0x0a && bytes[pos + 2] === length - 2 && pos + length < end
}

function readShortText(reader: Reader): string {
  reader.pos += 2
  return readString(reader)
}

/** Reads a KeyValue into `attributes`. */
export function readAttribute(reader: Reader, attributes: Building): void {
  const value = readKeyValue(reader)
  setAttribute(attributes, reader.key, value)
}

/** Sets an attribute whose key comes from outside: assigning to `__proto__` would change the object instead of adding to it. */
export function setAttribute(attributes: Building, key: string, value: Value): void {
  if (key !== '__proto__') attributes[key] = value
  else Object.defineProperty(attributes, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Reads a Resource. */
export function readResource(reader: Reader): Resource {
  const outer = enter(reader)
  const attributes: Building = {}
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) readAttribute(reader, attributes)
    else skip(reader, tag)
  }
  leave(reader, outer)
  return toResource(attributes)
}

/** A resource with the two attributes that identify it picked out. */
export function toResource(attributes: Attributes): Resource {
  return {
    attributes,
    service: textOf(attributes, 'service.name') || 'unknown_service',
    instanceId: textOf(attributes, 'service.instance.id'),
  }
}

/** Reads an InstrumentationScope. */
export function readScope(reader: Reader): Scope {
  const outer = enter(reader)
  const attributes: Building = {}
  let name = ''
  let version = ''
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) name = readName(reader)
    else if (tag === 0x12) version = readName(reader)
    else if (tag === 0x1a) readAttribute(reader, attributes)
    else skip(reader, tag)
  }
  leave(reader, outer)
  return { name, version, attributes }
}

/** Reads a fixed64 of ns since 1970 as µs. */
export function readTimeUs(reader: Reader): number {
  readFixed64(reader)
  return toMicroseconds(reader.high, reader.low)
}

function readInteger(reader: Reader): number | string {
  readVarint(reader)
  return toInteger(reader.high, reader.low)
}

function readArray(reader: Reader): Value {
  const outer = enter(reader)
  const values: Value[] = []
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) values.push(readValue(reader))
    else skip(reader, tag)
  }
  leave(reader, outer)
  return values
}

function readMap(reader: Reader): Value {
  const outer = enter(reader)
  const map: Building = {}
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) readAttribute(reader, map)
    else skip(reader, tag)
  }
  leave(reader, outer)
  return map
}

function readBase64(reader: Reader): string {
  const start = readBytes(reader)
  return reader.bytes.toString('base64', start, reader.pos)
}

function textOf(attributes: Attributes, key: string): string {
  const value = attributes[key]
  return typeof value === 'string' ? value : ''
}
