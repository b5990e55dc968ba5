import type { Attributes, LogRecord, Value } from './batch.ts'
import { storableJson, storableText } from './storable.ts'

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

/** The attributes that have no field of their own, whole. */
export function metadataOf({ source, request_id, user_id, ...rest }: Attributes): Attributes {
  const metadata: Record<string, Value> = rest
  if (source !== undefined && textOf(source) === null) metadata.source = source
  if (request_id !== undefined && idOf(request_id) === null) metadata.request_id = request_id
  if (user_id !== undefined && idOf(user_id) === null) metadata.user_id = user_id
  return metadata
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
