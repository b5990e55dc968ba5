import type { Value } from '../batch.ts'

/** JSON nested deeper is cut off with a note: the server's parser recurses and gives up at a depth that depends on its stack. */
const DEPTH_MAX = 64

/** `text` as PostgreSQL can store it: NUL is no character there, and half a surrogate pair is no Unicode. */
export function storableText(text: string): string {
  return isStorableText(text) ? text : text.replaceAll('\0', '').toWellFormed()
}

/** `value` as JSON for a `jsonb` column: text made storable, numbers that JSON lacks as text, depth bounded. */
export function storableJson(value: Value): string {
  return JSON.stringify(isStorable(value, DEPTH_MAX) ? value : storable(value, DEPTH_MAX))
}

/** The text form of an array, which both drivers pass on untouched; building it once is cheaper than what either of them does. */
export function arrayLiteral(cells: readonly (string | number | boolean | null)[]): string {
  let literal = '{'
  for (let index = 0; index < cells.length; index++) {
    const cell = cells[index]
    if (index > 0) literal += ','
    literal += typeof cell === 'string' ? quote(cell) : cell === null ? 'NULL' : String(cell)
  }
  return `${literal}}`
}

function quote(text: string): string {
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`
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
