import type { LogRecord, Scope, SpanEvent, SpanLink, SpanRecord, Value } from '../batch.ts'
import { SEVERITY_MAX } from '../level.ts'
import {
  attributesField,
  enumField,
  type Fields,
  field,
  idField,
  messagesField,
  textField,
  timeField,
  timeUsField,
  toFields,
  toValue,
} from './json-field.ts'
import { addRecord, type Place } from './request.ts'
import { SPAN_KIND_MAX, STATUS_CODE_MAX } from './traces.ts'
import { canonicalUid, deriveUid, UID_KEY } from './uid.ts'
import { toResource } from './value.ts'

/** Turns a parsed ExportLogsServiceRequest into records. Throws DecodeError. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export function parseLogs(request: unknown): LogRecord[] {
  const records: LogRecord[] = []
  eachScope(request, ['resourceLogs', 'scopeLogs'], (group, place) => {
    messagesField(group, 'logRecords', (record) => addRecord(records, parseLogRecord(record, place)))
  })
  return records
}

/** Turns a parsed ExportTraceServiceRequest into records. Throws DecodeError. */
export function parseTraces(request: unknown): SpanRecord[] {
  const records: SpanRecord[] = []
  eachScope(request, ['resourceSpans', 'scopeSpans'], (group, place) => {
    messagesField(group, 'spans', (span) => addRecord(records, parseSpan(span, place)))
  })
  return records
}

/** Visits each scope group of a request of any signal. */
export function eachScope(request: unknown, names: readonly [string, string], visit: (group: Fields, place: Place) => void): void {
  const seen = new Map<string, number>()
  messagesField(toFields(request, 'the body'), names[0], (resourceGroup) => {
    const resourceFields = toFields(field(resourceGroup, 'resource') ?? {}, 'resource')
    const resource = toResource(attributesField(resourceFields, 'attributes'))
    messagesField(resourceGroup, names[1], (group) => {
      const scopeFields = toFields(field(group, 'scope') ?? {}, 'scope')
      visit(group, { resource, scope: parseScope(scopeFields), sources: [toBytes(resourceFields), toBytes(scopeFields)], seen })
    })
  })
}

function parseScope(fields: Fields): Scope {
  return { name: textField(fields, 'name'), version: textField(fields, 'version'), attributes: attributesField(fields, 'attributes') }
}

function parseLogRecord(fields: Fields, place: Place): LogRecord {
  let givenUid: Value | undefined
  const attributes = attributesField(fields, 'attributes', (key, value) => {
    if (key !== UID_KEY) return false
    givenUid = value
    return true
  })
  return {
    resource: place.resource,
    scope: place.scope,
    uid: canonicalUid(givenUid) ?? deriveUid(place, toBytes(fields)),
    timeUs: timeUsField(fields, 'timeUnixNano'),
    observedUs: timeUsField(fields, 'observedTimeUnixNano'),
    severity: enumField(fields, 'severityNumber', SEVERITY_MAX),
    severityText: textField(fields, 'severityText'),
    body: toValue(field(fields, 'body')),
    attributes,
    traceId: idField(fields, 'traceId', 32),
    spanId: idField(fields, 'spanId', 16),
    eventName: textField(fields, 'eventName'),
  }
}

function parseSpan(fields: Fields, { resource, scope }: Place): SpanRecord {
  const status = toFields(field(fields, 'status') ?? {}, 'status')
  const durationNs = Number(BigInt(timeField(fields, 'endTimeUnixNano')) - BigInt(timeField(fields, 'startTimeUnixNano')))
  return {
    resource,
    scope,
    traceId: idField(fields, 'traceId', 32),
    spanId: idField(fields, 'spanId', 16),
    parentSpanId: idField(fields, 'parentSpanId', 16),
    name: textField(fields, 'name'),
    kind: enumField(fields, 'kind', SPAN_KIND_MAX),
    startUs: timeUsField(fields, 'startTimeUnixNano'),
    durationNs: Math.max(0, durationNs),
    statusCode: enumField(status, 'code', STATUS_CODE_MAX),
    statusMessage: textField(status, 'message'),
    attributes: attributesField(fields, 'attributes'),
    events: messagesField(fields, 'events', parseEvent),
    links: messagesField(fields, 'links', parseLink),
  }
}

function parseEvent(fields: Fields): SpanEvent {
  return { timeUs: timeUsField(fields, 'timeUnixNano'), name: textField(fields, 'name'), attributes: attributesField(fields, 'attributes') }
}

function parseLink(fields: Fields): SpanLink {
  return {
    traceId: idField(fields, 'traceId', 32),
    spanId: idField(fields, 'spanId', 16),
    attributes: attributesField(fields, 'attributes'),
  }
}

function toBytes(fields: Fields): Uint8Array {
  return Buffer.from(JSON.stringify(fields))
}
