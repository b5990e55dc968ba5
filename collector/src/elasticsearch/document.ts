import type { LogRecord, Resource } from '../batch.ts'
import { levelOf, severityOf } from '../level.ts'
import { eventTimeUs, idOf, messageOf, metadataJson, sourceOf } from '../log-fields.ts'
import { storableJson, storableText } from '../storable.ts'
import { timestamp } from '../time.ts'
import type { Entry } from './bulk.ts'

/**
 * A log record on its way into an index, under its uid: sent again, it meets itself.
 *
 * `{@timestamp, level, message, request_id, user_id, source, metadata, host, trace_id, span_id, service}`; what is not known
 * is left out. Written as text: an object that is stringified afterwards takes twice the time.
 */
export function toDocument(record: LogRecord, index: string): Entry {
  const { attributes, traceId, spanId } = record
  const time = timestamp(eventTimeUs(record))
  const ids = optional('request_id', idOf(attributes.request_id)) + optional('user_id', idOf(attributes.user_id))
  const trace = optional('trace_id', traceId) + optional('span_id', spanId)
  const message = `"message":${storableJson(messageOf(record.body))},"source":${storableJson(sourceOf(record))}`
  const metadata = metadataJson(record, record.eventName === '' ? undefined : { 'event.name': record.eventName })
  const text = `{"@timestamp":"${time}","level":"${levelOf(severityOf(record))}",${message}${ids}${trace}${processFields(record.resource)},"metadata":${metadata}}`
  return { index, id: record.uid, text }
}

function optional(name: string, value: string | null): string {
  return value ? `,"${name}":${storableJson(value)}` : ''
}

/** One process sends one resource with all it says, and all records of a request share the object. */
const processTexts = new WeakMap<Resource, string>()

function processFields(resource: Resource): string {
  const known = processTexts.get(resource)
  if (known !== undefined) return known
  const host = resource.attributes['host.name']
  const made = `,"service":${storableJson(resource.service)}${optional('host', typeof host === 'string' ? storableText(host) : null)}`
  processTexts.set(resource, made)
  return made
}
