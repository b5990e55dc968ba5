import type { AnyValue } from '@opentelemetry/api'
import { EXCEPTION_MESSAGE, EXCEPTION_TYPE } from '../tts/semconv.ts'
import { describeException } from './exception.ts'

/** What a caller adds to a log record: any values under any names. */
export type Fields = Readonly<Record<string, unknown>>

/** Deeper values are replaced: no backend indexes them, and a cycle has no end. */
const DEPTH_MAX = 6
/** Values of one record; the rest is replaced. A log line of 1,000 values is a dump that belongs elsewhere. */
const NODES_MAX = 1_000
/** Names that say no more than that there is an error; `exc_info` is Python's, `err` pino's. */
const ERROR_NAMES = new Set(['error', 'err', 'exc_info', 'exception'])

/** Stands for what threw when it was looked at: a getter, a proxy, a `toJSON`. */
const UNREADABLE = '[UNREADABLE]'

type Budget = { nodesLeft: number }
type State = Budget & { hasException: boolean }

/**
 * Adds `fields` to `record` in the form that OTLP and JSON can carry. What is undefined is left out; bytes become their size, as
 * audio does not belong in a log. An Error, or the first one among the fields whatever its name, becomes the attributes of an exception;
 * further ones are described. What throws when it is looked at is replaced; nothing here throws.
 */
export function addFields(record: Record<string, AnyValue>, fields: Fields | Error): void {
  const state: State = { nodesLeft: NODES_MAX, hasException: false }
  try {
    if (fields instanceof Error) addException(record, 'error', fields)
    // Not Object.keys, which takes half as long again.
    else for (const name in fields) addField(record, fields, name, state)
  } catch {
    record.fields = UNREADABLE
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

function toPlain(value: unknown, budget: Budget, depth: number): AnyValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object') return String(value)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (depth >= DEPTH_MAX) return '[TOO DEEP]'
  if (budget.nodesLeft <= 0) return '[TOO MANY]'
  return toPlainObject(value, budget, depth + 1)
}

function toPlainObject(value: object, budget: Budget, depth: number): AnyValue {
  if (value instanceof Error) return { type: value.name, message: value.message, stack: value.stack ?? '' }
  if ('toJSON' in value && typeof value.toJSON === 'function') return toPlain(value.toJSON(), budget, depth)
  if (value instanceof Map) return toPlain(Object.fromEntries(value), budget, depth)
  if (Array.isArray(value) || value instanceof Set) return toPlainList(value, budget, depth)
  const plain: Record<string, AnyValue> = {}
  for (const name of Object.keys(value)) {
    if (budget.nodesLeft-- <= 0) break
    plain[name] = toPlain(Reflect.get(value, name), budget, depth)
  }
  return plain
}

function toPlainList(values: Iterable<unknown>, budget: Budget, depth: number): AnyValue[] {
  const plain: AnyValue[] = []
  for (const value of values) {
    if (budget.nodesLeft-- <= 0) break
    plain.push(value === undefined ? null : toPlain(value, budget, depth))
  }
  return plain
}
