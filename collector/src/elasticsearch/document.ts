import type { Attributes, LogRecord, Resource, Value } from '../batch.ts'
import { levelOf, severityOf } from '../level.ts'
import { eventTimeUs, idOf, messageOf, metadataOf, sourceOf } from '../log-fields.ts'
import { storableJson, storableText } from '../storable.ts'
import { timestamp } from '../time.ts'

/** A log record on its way into an index. */
export type Document = {
  readonly index: string
  /** The record's uid: sent again, it meets itself. */
  readonly id: string
  /** JSON in one line. */
  readonly text: string
  /** What it was made of, for the dead letter if it comes to that. */
  readonly record: LogRecord
}

/** `{@timestamp, level, message, request_id, user_id, source, metadata, host, trace_id, span_id, service}`; what is not known is left out. */
export function toDocument(record: LogRecord, index: string): Document {
  const { attributes, resource, traceId, spanId } = record
  const fields = {
    '@timestamp': timestamp(eventTimeUs(record)),
    level: levelOf(severityOf(record)),
    message: messageOf(record.body),
    request_id: idOf(attributes.request_id) ?? undefined,
    user_id: idOf(attributes.user_id) ?? undefined,
    source: sourceOf(record),
    host: hostOf(resource),
    trace_id: traceId || undefined,
    span_id: spanId || undefined,
    service: storableText(resource.service),
  }
  const text = `${JSON.stringify(fields).slice(0, -1)},"metadata":${storableJson(withEventName(metadataOf(attributes), record.eventName))}}`
  return { index, id: record.uid, text, record }
}

/** The name of an event has no field of its own here; this is the attribute that it was before. */
function withEventName(metadata: Attributes, eventName: string): Attributes {
  return eventName === '' ? metadata : { ...metadata, 'event.name': eventName }
}

function hostOf({ attributes }: Resource): string | undefined {
  const host: Value | undefined = attributes['host.name']
  return typeof host === 'string' ? storableText(host) : undefined
}
