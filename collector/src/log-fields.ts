import type { Attributes, LogRecord, Value } from './batch.ts'
import { storableJson, storableNameJson, storableText } from './storable.ts'

/** An entry of a B-tree holds 2,704 bytes; an id that is longer than this is none, and stays whole in the metadata. */
export const ID_CHARACTERS_MAX = 256

/** When it happened, µs since 1970; 0 when the record tells no time at all. From the record alone, so that one that is sent again meets its own key. */
export function eventTimeUs({ timeUs, observedUs }: LogRecord): number {
  return timeUs || observedUs
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

/**
 * The attributes that have no field of their own, whole, as JSON. The name of an event, where it has no field of its own either,
 * is the attribute that it was before.
 */
export function metadataJson(attributes: Attributes, eventName = ''): string {
  // As text at once: an object of the rest, stringified afterwards, takes twice the time.
  let json = eventName === '' ? '' : `"event.name":${storableJson(eventName)}`
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]!
    if (hasField(name, value) || (name === 'event.name' && eventName !== '')) continue
    const text = storableNameJson(name)
    if (text === undefined) return storableJson(restOf(attributes, eventName))
    json += `${json === '' ? '' : ','}${text}:${storableJson(value)}`
  }
  return `{${json}}`
}

/** The same as an object; names that are not storable as they are may then be equal. */
function restOf(attributes: Attributes, eventName: string): Attributes {
  const rest = Object.fromEntries(Object.entries(attributes).filter(([name, value]) => !hasField(name, value)))
  return eventName === '' ? rest : { ...rest, 'event.name': eventName }
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
