import type { Attributes, LogRecord, Value } from './batch.ts'
import { storableJson, storableNameJson, storableText } from './storable.ts'
import { timestamp } from './time.ts'

/** An entry of a B-tree holds 2,704 bytes; an id that is longer than this is none, and stays whole in the metadata. */
export const ID_CHARACTERS_MAX = 256

/** Further from the moment it was observed, a time is that of a clock that is wrong; an old file that is read late stays below. 7 days. */
const OBSERVED_LATE_US_MAX = 7 * 86_400_000_000

/**
 * When it happened, µs since 1970; 0 when the record tells no time at all. A record without a time, or with one that is far from
 * when it was observed, happened when it was observed: nobody would find it elsewhere, and days without end would be made for it.
 * From the record alone, so that one that is sent again meets its own key.
 */
export function eventTimeUs(record: LogRecord): number {
  return isTimeReplaced(record) ? record.observedUs : record.timeUs
}

function isTimeReplaced({ timeUs, observedUs }: LogRecord): boolean {
  return observedUs !== 0 && Math.abs(timeUs - observedUs) > OBSERVED_LATE_US_MAX
}

/** The text of a log record; a body that is no text as JSON. */
export function messageOf(body: Value): string {
  if (typeof body === 'string') return storableText(body)
  return body === null ? '' : storableJson(body)
}

/** The logger's name: what the record says, else its scope. */
export function sourceOf({ attributes, scope }: LogRecord): string {
  return textOf(attributes.source) ?? storableText(scope.name)
}

/** In the metadata of a record whose time was replaced: the time it came with, null when it came without. */
export const ORIGINAL_TIME = 'tts_otel.original_time'

/**
 * The attributes that have no field of their own, whole, as JSON; with `added`, which wins, and {@link ORIGINAL_TIME} where it is
 * needed.
 */
export function metadataJson(record: LogRecord, added: Attributes = NOTHING): string {
  const { attributes } = record
  const extra = isTimeReplaced(record) ? { ...added, [ORIGINAL_TIME]: originalTime(record) } : added
  // As text at once: an object of the rest, stringified afterwards, takes twice the time.
  let json = ''
  let separator = ''
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]!
    if (hasField(name, value) || (extra !== NOTHING && Object.hasOwn(extra, name))) continue
    const text = storableNameJson(name)
    // Names that cannot stay as they are may become equal.
    if (text === undefined) return storableJson({ ...restOf(attributes), ...extra })
    json += separator + text + storableJson(value)
    separator = ','
  }
  for (const name of Object.keys(extra)) {
    json += `${separator}${JSON.stringify(name)}:${storableJson(extra[name]!)}`
    separator = ','
  }
  return `{${json}}`
}

const NOTHING: Attributes = {}

function originalTime({ timeUs }: LogRecord): string | null {
  return timeUs === 0 ? null : timestamp(timeUs)
}

function restOf(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name, value]) => !hasField(name, value)))
}

function hasField(name: string, value: Value): boolean {
  switch (name) {
    case 'source':
      return textOf(value) !== null
    case 'request_id':
    case 'user_id':
      return idOf(value) !== null
    default:
      return false
  }
}

/** An id to look up by: text, or a whole number as text; anything else is no id. */
export function idOf(value: Value | undefined): string | null {
  if (Number.isSafeInteger(value)) return String(value)
  const found = textOf(value)
  return found === null || found === '' || found.length > ID_CHARACTERS_MAX ? null : found
}

function textOf(value: Value | undefined): string | null {
  return typeof value === 'string' ? storableText(value) : null
}
