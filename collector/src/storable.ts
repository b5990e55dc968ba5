import type { Value } from './batch.ts'

/** JSON nested deeper is cut off with a note: the server's parser recurses and gives up at a depth that depends on its stack. */
const DEPTH_MAX = 64

/** `text` as every store can keep it: NUL is no character in PostgreSQL, and half a surrogate pair is no Unicode. */
export function storableText(text: string): string {
  return isStorableText(text) ? text : text.replaceAll('\0', '').toWellFormed()
}

/** `value` as JSON: text made storable, numbers that JSON lacks as text, depth bounded. */
export function storableJson(value: Value): string {
  if (isJson(value, DEPTH_MAX)) {
    const json = JSON.stringify(value)
    // NUL and half surrogate pairs are written with an escape; nearly nothing else is.
    if (!json.includes('\\u')) return json
  }
  return JSON.stringify(storable(value, DEPTH_MAX))
}

function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Whether JSON can say it, text aside. */
function isJson(value: Value, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((item) => isJson(item, depth - 1))
}

function storable(value: Value, depth: number): Value {
  if (typeof value === 'string') return storableText(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return `[deeper than ${DEPTH_MAX} levels]`
  if (Array.isArray(value)) return value.map((item) => storable(item, depth - 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item, depth - 1)]))
}
