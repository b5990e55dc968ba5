import type { AnyValue } from '@opentelemetry/api'
import { EXCEPTION_MESSAGE, EXCEPTION_TYPE } from '../tts/semconv.ts'
import { describeException } from './exception.ts'
import { UNREADABLE } from './redact/shown.ts'

/** What a caller adds to a log record: any values under any names. */
export type Fields = Readonly<Record<string, unknown>>

/** Deeper values are replaced: no backend indexes them, and a cycle has no end. */
const DEPTH_MAX = 6
/** Values of one record; the rest is replaced. A log line of 1,000 values is a dump that belongs elsewhere. */
const NODES_MAX = 1_000
/** Names that say no more than that there is an error; `exc_info` is Python's, `err` pino's. */
const ERROR_NAMES = new Set(['error', 'err', 'exc_info', 'exception'])

/** Stands for what is beyond that; as a name where it has none. */
const TOO_MANY = '[TOO MANY]'

type Budget = { nodesLeft: number }
type State = Budget & { hasException: boolean }

/**
 * Adds `fields` to `record` in the form that OTLP and JSON can carry. What is undefined is left out; bytes become their size, as
 * audio does not belong in a log. An Error, or the first one among the fields whatever its name, becomes the attributes of an exception;
 * further ones are described. What throws when it is looked at is replaced; nothing here throws. What is no mapping at all, as a caller
 * without types may pass it, becomes the one field `fields`.
 */
export function addFields(record: Record<string, AnyValue>, fields: Fields | Error): void {
  const state: State = { nodesLeft: NODES_MAX, hasException: false }
  try {
    if (fields instanceof Error) addException(record, 'error', fields)
    else if (typeof fields !== 'object' || Array.isArray(fields)) record.fields = toPlain(fields, state, 0)
    else addEach(record, fields, state)
  } catch {
    record.fields = UNREADABLE
  }
}

function addEach(record: Record<string, AnyValue>, fields: Fields, state: State): void {
  // Not Object.keys, which takes half as long again.
  for (const name in fields) {
    if (name === '__proto__') continue // from a JSON of anybody, and would put fields under the record that it does not show
    if (state.nodesLeft-- > 0) addField(record, fields, name, state)
    else {
      record[TOO_MANY] = true
      return
    }
  }
}

function addField(record: Record<string, AnyValue>, fields: Fields, name: string, state: State): void {
  try {
    const value = fields[name]
    if (typeof value === 'string' || typeof value === 'boolean') record[name] = value
    else if (value instanceof Error && !state.hasException) {
      addException(record, name, value)
      state.hasException = true
    } else if (value !== undefined) record[name] = toPlain(value, state, 0)
  } catch {
    record[name] = UNREADABLE
  }
}

/** A name of its own says what the error was for, so that stays. */
function addException(record: Record<string, AnyValue>, name: string, error: Error): void {
  const exception = describeException(error)
  Object.assign(record, exception)
  if (!ERROR_NAMES.has(name)) record[name] = `${exception[EXCEPTION_TYPE]}: ${exception[EXCEPTION_MESSAGE]}`
}

/** `value` as JSON would show it, within the limits of one record. Throws what it throws. */
export function showPlain(value: unknown): string {
  return JSON.stringify(toPlain(value, { nodesLeft: NODES_MAX }, 0))
}

function toPlain(value: unknown, budget: Budget, depth: number): AnyValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'function') return `[function ${value.name}]`
  if (typeof value !== 'object') return String(value)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (depth >= DEPTH_MAX) return '[TOO DEEP]'
  if (budget.nodesLeft <= 0) return TOO_MANY
  return toPlainObject(value, budget, depth + 1)
}

function toPlainObject(value: object, budget: Budget, depth: number): AnyValue {
  if (value instanceof Error) return { type: value.name, message: value.message, stack: value.stack ?? '' }
  if ('toJSON' in value && typeof value.toJSON === 'function') return toPlain(value.toJSON(), budget, depth)
  if (Array.isArray(value) || value instanceof Set) return toPlainList(value, budget, depth)
  return toPlainRecord(value instanceof Map ? value.keys() : Object.keys(value), value, budget, depth)
}

/** One by one: a map may be large, and then most of it is not looked at. */
function toPlainRecord(names: Iterable<unknown>, value: object, budget: Budget, depth: number): AnyValue {
  const plain: Record<string, AnyValue> = {}
  for (const name of names) {
    if (budget.nodesLeft-- <= 0) {
      plain[TOO_MANY] = true
      break
    }
    const inner: unknown = value instanceof Map ? value.get(name) : Reflect.get(value, String(name))
    plain[String(name)] = toPlain(inner, budget, depth)
  }
  return plain
}

function toPlainList(values: Iterable<unknown>, budget: Budget, depth: number): AnyValue[] {
  const plain: AnyValue[] = []
  for (const value of values) {
    if (budget.nodesLeft-- <= 0) {
      plain.push(TOO_MANY)
      break
    }
    plain.push(value === undefined ? null : toPlain(value, budget, depth))
  }
  return plain
}
