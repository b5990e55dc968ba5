import { closeMessage, openMessage, type Writer, writeBytes, writeDouble, writeString, writeVarint } from './protobuf-writer.ts'

/** Fields of KeyValue, and of AnyValue with its two lists. */
const KEY = 0x0a
const VALUE = 0x12
const STRING_VALUE = 0x0a
const BOOL_VALUE = 0x10
const INT_VALUE = 0x18
const DOUBLE_VALUE = 0x21
const ARRAY_VALUE = 0x2a
const KVLIST_VALUE = 0x32
const BYTES_VALUE = 0x3a
const LIST_VALUES = 0x0a

/** Whole numbers from -2^63 up to this are sent as integers, all others as doubles. */
const INT_END = 2 ** 63

/** Writes a record as repeated KeyValue under `tag`: own enumerable keys, in their order. */
export function writeAttributes(writer: Writer, tag: number, attributes: Readonly<Record<string, unknown>>): void {
  for (const key in attributes) {
    if (!Object.hasOwn(attributes, key)) continue
    const start = openMessage(writer, tag)
    writeString(writer, KEY, key)
    writeValue(writer, VALUE, attributes[key])
    closeMessage(writer, start)
  }
}

/** Writes one AnyValue under `tag`. What OTLP has no type for (null, undefined, functions, symbols, bigints) becomes an empty one. */
export function writeValue(writer: Writer, tag: number, value: unknown): void {
  const start = openMessage(writer, tag)
  if (typeof value === 'string') writeString(writer, STRING_VALUE, value)
  else if (typeof value === 'boolean') writeVarint(writer, BOOL_VALUE, value ? 1 : 0)
  else if (typeof value === 'number') writeNumber(writer, value)
  else if (value instanceof Uint8Array) writeBytes(writer, BYTES_VALUE, value)
  else if (Array.isArray(value)) writeArray(writer, value)
  else if (isRecord(value)) writeRecord(writer, value)
  closeMessage(writer, start)
}

function writeNumber(writer: Writer, value: number): void {
  if (Number.isInteger(value) && value >= -INT_END && value < INT_END) writeVarint(writer, INT_VALUE, value)
  else writeDouble(writer, DOUBLE_VALUE, value)
}

function writeArray(writer: Writer, values: readonly unknown[]): void {
  const start = openMessage(writer, ARRAY_VALUE)
  for (const value of values) writeValue(writer, LIST_VALUES, value)
  closeMessage(writer, start)
}

function writeRecord(writer: Writer, record: Readonly<Record<string, unknown>>): void {
  const start = openMessage(writer, KVLIST_VALUE)
  writeAttributes(writer, LIST_VALUES, record)
  closeMessage(writer, start)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
