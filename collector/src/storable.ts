import type { Value } from './batch.ts'

/** JSON nested deeper is cut off with a note: the server's parser recurses and gives up at a depth that depends on its stack. */
const DEPTH_MAX = 64

/** `text` as every store can keep it: NUL is no character in PostgreSQL, and half a surrogate pair is no Unicode. */
export function storableText(text: string): string {
  return isStorableText(text) ? text : text.replaceAll('\0', '').toWellFormed()
}

/** `value` as JSON: text made storable, numbers that JSON lacks as text, depth bounded. */
export function storableJson(value: Value): string {
  return JSON.stringify(isStorable(value, DEPTH_MAX) ? value : storable(value, DEPTH_MAX))
}

function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Almost always true; the copy below is for the rest. */
function isStorable(value: Value, depth: number): boolean {
  if (typeof value === 'string') return isStorableText(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every((item) => isStorable(item, depth - 1))
  return Object.entries(value).every(([key, item]) => isStorableText(key) && isStorable(item, depth - 1))
}

function storable(value: Value, depth: number): Value {
  if (typeof value === 'string') return storableText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return `[deeper than ${DEPTH_MAX} levels]`
  if (Array.isArray(value)) return value.map((item) => storable(item, depth - 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item, depth - 1)]))
}
