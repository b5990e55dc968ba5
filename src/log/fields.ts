import type { AnyValue } from '@opentelemetry/api'
import { describeException } from './exception.ts'

/** What a caller adds to a log record: any values under any names. */
export type Fields = Readonly<Record<string, unknown>>

/** Deeper values are replaced: no backend indexes them, and a cycle has no end. */
const DEPTH_MAX = 6
/** Values of one record; the rest is replaced. A log line of 1,000 values is a dump that belongs elsewhere. */
const NODES_MAX = 1_000

/**
 * Adds `fields` to `record` in the form that OTLP and JSON can carry. What is undefined is left out; bytes become their size, as
 * audio does not belong in a log; an Error in `error` becomes the attributes of an exception.
 */
export function addFields(record: Record<string, AnyValue>, fields: Fields): void {
  const budget = { nodesLeft: NODES_MAX }
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    if (name === 'error' && value instanceof Error) Object.assign(record, describeException(value))
    else if (value !== undefined) record[name] = toPlain(value, budget, 0)
  }
}

function toPlain(value: unknown, budget: { nodesLeft: number }, depth: number): AnyValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object') return String(value)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (depth >= DEPTH_MAX) return '[TOO DEEP]'
  if (budget.nodesLeft <= 0) return '[TOO MANY]'
  return toPlainObject(value, budget, depth + 1)
}

function toPlainObject(value: object, budget: { nodesLeft: number }, depth: number): AnyValue {
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

function toPlainList(values: Iterable<unknown>, budget: { nodesLeft: number }, depth: number): AnyValue[] {
  const plain: AnyValue[] = []
  for (const value of values) {
    if (budget.nodesLeft-- <= 0) break
    plain.push(value === undefined ? null : toPlain(value, budget, depth))
  }
  return plain
}
