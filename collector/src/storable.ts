import type { Value } from './batch.ts'

/** JSON nested deeper is cut off with a note: the server's parser recurses and gives up at a depth that depends on its stack. */
const DEPTH_MAX = 64

/** `text` as every store can keep it: NUL is no character in PostgreSQL, and half a surrogate pair is no Unicode. */
export function storableText(text: string): string {
  return isStorableText(text) ? text : text.replaceAll('\0', '').toWellFormed()
}

/** Printable ASCII that JSON does not escape: nearly all of telemetry. To look takes half the time of a call of `JSON.stringify`. */
const PLAIN = /^[ !#-[\]-~]*$/

/** `value` as JSON: text made storable, numbers that JSON lacks as text, depth bounded. */
export function storableJson(value: Value): string {
  if (typeof value === 'string') return PLAIN.test(value) ? `"${value}"` : JSON.stringify(storableText(value))
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`
  if (isJson(value, DEPTH_MAX)) {
    const json = JSON.stringify(value)
    // NUL and half surrogate pairs are written with an escape; nearly nothing else is.
    if (!json.includes('\\u')) return json
  }
  return JSON.stringify(storable(value, DEPTH_MAX))
}

/** Names of attributes are few, and come again with each record. */
const nameTexts = new Map<string, string>()
/** Against a sender with new names in each record, or with names of megabytes. */
const NAMES_MAX = 2_000
const NAME_CHARACTERS_MAX = 64

/** The name of a field as JSON, with its colon; undefined when it cannot stay as it is. */
export function storableNameJson(name: string): string | undefined {
  const known = nameTexts.get(name)
  if (known !== undefined || !isStorableText(name)) return known
  const made = `${JSON.stringify(name)}:`
  if (name.length > NAME_CHARACTERS_MAX) return made
  if (nameTexts.size >= NAMES_MAX) nameTexts.clear()
  nameTexts.set(name, made)
  return made
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
