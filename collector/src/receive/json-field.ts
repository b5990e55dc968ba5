import type { Value } from '../batch.ts'
import { DecodeError } from './decode-error.ts'
import { type Building, setAttribute } from './value.ts'

/** A JSON object as it came. */
export type Fields = { readonly [name: string]: unknown }

/** Deepest nesting of attribute values, as much as the protobuf reader's limit on messages leaves room for. */
const VALUE_DEPTH_MAX = 45

/** The original field name for a lowerCamelCase one; OTLP asks for the latter, some senders write the former. */
const snakeNames = new Map<string, string>()

/** `value` as an object; `what` names it in the error. */
export function toFields(value: unknown, what: string): Fields {
  if (isFields(value)) return value
  throw wrong(what, 'an object', value)
}

/** The field called `name` in lowerCamelCase, or in its original spelling; undefined where it is absent or null. */
export function field(fields: Fields, name: string): unknown {
  return fields[name] ?? fields[snakeName(name)] ?? undefined
}

/** A repeated field, each element made by `read`. */
export function listField<T>(fields: Fields, name: string, read: (element: unknown) => T): T[] {
  const value = field(fields, name)
  if (value === undefined) return []
  if (!Array.isArray(value)) throw wrong(name, 'an array', value)
  return value.map((element) => read(element))
}

/** A repeated message field. */
export function messagesField<T>(fields: Fields, name: string, read: (message: Fields) => T): T[] {
  return listField(fields, name, (element) => read(toFields(element, `an element of ${name}`)))
}

/** A string field, '' where absent. Half surrogate pairs become U+FFFD, as they would in UTF-8: databases refuse them. */
export function textField(fields: Fields, name: string): string {
  const value = field(fields, name)
  if (value === undefined) return ''
  if (typeof value !== 'string') throw wrong(name, 'a string', value)
  return value.toWellFormed()
}

/** An enum field: OTLP/JSON writes them as numbers. Unknown ones become 0 (unspecified). */
export function enumField(fields: Fields, name: string, max: number): number {
  const value = field(fields, name) ?? 0
  if (typeof value !== 'number') throw wrong(name, "the enum's number", value)
  return value >= 0 && value <= max ? Math.trunc(value) : 0
}

/** A 64-bit or 32-bit number field, 0 where absent, to the nearest double. */
export function numberField(fields: Fields, name: string): number {
  return optionalNumberField(fields, name) ?? 0
}

/** A number field with presence: a number, or a string with one (also NaN, Infinity, -Infinity). */
export function optionalNumberField(fields: Fields, name: string): number | null {
  const value = field(fields, name)
  return value === undefined ? null : toNumber(value, name)
}

export function toNumber(value: unknown, name: string): number {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.trim() === '') throw wrong(name, 'a number', value)
  const number = Number(value)
  if (Number.isNaN(number) && value !== 'NaN') throw wrong(name, 'a number', value)
  return number
}

/** ns since 1970 as a decimal string, '0' where absent. */
export function timeField(fields: Fields, name: string): string {
  const value = field(fields, name) ?? '0'
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return value
  if (typeof value === 'number' && value >= 0 && value < 2 ** 64) return BigInt(Math.trunc(value)).toString()
  throw wrong(name, 'nanoseconds since 1970 (a whole number, or a string with one)', value)
}

/** A field of ns since 1970 as whole µs. */
export function timeUsField(fields: Fields, name: string): number {
  return Number(timeField(fields, name).slice(0, -3))
}

/** A trace id (32 digits) or span id (16 digits) in lower case; '' where absent or all zero. OTLP/JSON has them in hex, not base64. */
export function idField(fields: Fields, name: string, digits: 16 | 32): string {
  const id = textField(fields, name).toLowerCase()
  if (id === '') return id
  if (id.length !== digits || !/^[0-9a-f]+$/.test(id)) throw wrong(name, `${digits} hex digits`, id)
  return /^0+$/.test(id) ? '' : id
}

/** A repeated KeyValue field. `take` may keep an attribute for itself by returning true. */
export function attributesField(fields: Fields, name: string, take?: (key: string, value: Value) => boolean): Building {
  return toAttributes(field(fields, name), name, 0, take)
}

/** An AnyValue; null where it is absent or empty. */
export function toValue(value: unknown, depth = 0): Value {
  if (value === undefined || value === null) return null
  if (depth > VALUE_DEPTH_MAX) throw new DecodeError(`attribute values are nested deeper than ${VALUE_DEPTH_MAX}`)
  const fields = toFields(value, 'a value')
  const found = (name: string) => field(fields, name) !== undefined
  if (found('stringValue')) return textField(fields, 'stringValue')
  if (found('intValue')) return toInteger(field(fields, 'intValue'))
  if (found('doubleValue')) return numberField(fields, 'doubleValue')
  if (found('boolValue')) return toBoolean(field(fields, 'boolValue'), 'boolValue')
  if (found('arrayValue'))
    return listField(toFields(field(fields, 'arrayValue'), 'arrayValue'), 'values', (each) => toValue(each, depth + 1))
  if (found('kvlistValue')) return toAttributes(toFields(field(fields, 'kvlistValue'), 'kvlistValue').values, 'values', depth + 1)
  if (found('bytesValue')) return Buffer.from(textField(fields, 'bytesValue'), 'base64').toString('base64')
  return null
}

export function toBoolean(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  throw wrong(name, 'true or false', value)
}

function toAttributes(value: unknown, name: string, depth: number, take?: (key: string, value: Value) => boolean): Building {
  const attributes: Building = {}
  messagesField({ [name]: value }, name, (pair) => {
    const key = textField(pair, 'key')
    const value = toValue(field(pair, 'value'), depth)
    if (!take?.(key, value)) setAttribute(attributes, key, value)
  })
  return attributes
}

/** A 64-bit integer: OTLP/JSON writes it as a string, many senders as a number. */
function toInteger(value: unknown): number | string {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) throw wrong('intValue', 'a whole number, or a string with one', value)
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : BigInt(value).toString()
}

function snakeName(name: string): string {
  const known = snakeNames.get(name)
  if (known !== undefined) return known
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  snakeNames.set(name, snake) // bounded: the names are literals of this folder
  return snake
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(name: string, expected: string, value: unknown): DecodeError {
  const found = JSON.stringify(value)?.slice(0, 40)
  return new DecodeError(`${name} must be ${expected}, not ${found}`)
}
