import { createHash } from 'node:crypto'
import type { Attributes, LogRecord, MetricPoint, Resource, SpanEvent, SpanLink, SpanRecord, Value } from '../batch.ts'
import { levelOf, severityOf } from '../level.ts'
import { eventTimeUs, idOf, messageOf, metadataJson, sourceOf } from '../log-fields.ts'
import { storableJson, storableText } from '../storable.ts'
import { timestamp } from '../time.ts'

/** A value as PostgreSQL reads it from text. */
export type Cell = string | number | boolean | null

/** One column: its name, the type of its array parameter, and its value in a record. */
export type Column<R> = { readonly name: string; readonly type: string; readonly cell: (record: R) => Cell }

/** How the records of one signal become rows. The three signals differ by this and nothing else. */
export type Table<R> = {
  readonly name: string
  /** Column that the table is partitioned by. */
  readonly time: string
  /** Columns of its primary key, in their order. */
  readonly key: readonly string[]
  /** The same in a record, µs since 1970: from the record alone, so that a record sent twice meets its own key. */
  readonly timeUs: (record: R) => number
  readonly columns: readonly Column<R>[]
}

export const LOGS: Table<LogRecord> = {
  name: 'logs',
  time: 'timestamp',
  key: ['timestamp', 'id'],
  timeUs: eventTimeUs,
  columns: [
    { name: 'id', type: 'uuid', cell: (record) => record.uid },
    { name: 'timestamp', type: 'timestamptz', cell: (record) => keyTime(eventTimeUs(record)) },
    { name: 'level', type: 'text', cell: (record) => levelOf(severityOf(record)) },
    { name: 'severity', type: 'smallint', cell: severityOf },
    { name: 'message', type: 'text', cell: (record) => messageOf(record.body) },
    { name: 'metadata', type: 'jsonb', cell: (record) => metadataJson(record) },
    { name: 'source', type: 'text', cell: sourceOf },
    { name: 'request_id', type: 'text', cell: (record) => idOf(record.attributes.request_id) },
    { name: 'user_id', type: 'text', cell: (record) => idOf(record.attributes.user_id) },
    { name: 'trace_id', type: 'text', cell: (record) => record.traceId || null },
    { name: 'span_id', type: 'text', cell: (record) => record.spanId || null },
    { name: 'service', type: 'text', cell: (record) => textsOf(record.resource).service },
    { name: 'instance_id', type: 'text', cell: (record) => textsOf(record.resource).instanceId },
    { name: 'event_name', type: 'text', cell: (record) => storableText(record.eventName) || null },
    { name: 'resource', type: 'jsonb', cell: (record) => textsOf(record.resource).json },
  ],
}

export const SPANS: Table<SpanRecord> = {
  name: 'spans',
  time: 'start_time',
  key: ['start_time', 'trace_id', 'span_id'],
  timeUs: (record) => record.startUs,
  columns: [
    // NULL, which the key refuses: spans without ids would all be one row. https://opentelemetry.io/docs/specs/otel/trace/api/#isvalid
    { name: 'trace_id', type: 'text', cell: (record) => record.traceId || null },
    { name: 'span_id', type: 'text', cell: (record) => record.spanId || null },
    { name: 'parent_span_id', type: 'text', cell: (record) => record.parentSpanId || null },
    { name: 'start_time', type: 'timestamptz', cell: (record) => keyTime(record.startUs) },
    { name: 'duration_ns', type: 'bigint', cell: (record) => Math.round(record.durationNs) },
    { name: 'name', type: 'text', cell: (record) => storableText(record.name) },
    { name: 'kind', type: 'smallint', cell: (record) => record.kind },
    { name: 'status_code', type: 'smallint', cell: (record) => record.statusCode },
    { name: 'status_message', type: 'text', cell: (record) => storableText(record.statusMessage) },
    { name: 'attributes', type: 'jsonb', cell: (record) => storableJson(record.attributes) },
    { name: 'events', type: 'jsonb', cell: (record) => storableJson(record.events.map(readableEvent)) },
    { name: 'links', type: 'jsonb', cell: (record) => storableJson(record.links.map(readableLink)) },
    { name: 'request_id', type: 'text', cell: (record) => idOf(record.attributes.request_id) },
    { name: 'user_id', type: 'text', cell: (record) => idOf(record.attributes.user_id) },
    { name: 'service', type: 'text', cell: (record) => textsOf(record.resource).service },
    { name: 'instance_id', type: 'text', cell: (record) => textsOf(record.resource).instanceId },
    { name: 'scope', type: 'text', cell: (record) => storableText(record.scope.name) },
    { name: 'resource', type: 'jsonb', cell: (record) => textsOf(record.resource).json },
  ],
}

export const METRIC_POINTS: Table<MetricPoint> = {
  name: 'metric_points',
  time: 'time',
  key: ['time', 'series', 'start_time'],
  timeUs: (record) => record.timeUs,
  columns: [
    { name: 'series', type: 'uuid', cell: (record) => seriesId(record) },
    { name: 'start_time', type: 'timestamptz', cell: (record) => timestamp(record.startUs) },
    { name: 'time', type: 'timestamptz', cell: (record) => keyTime(record.timeUs) },
    { name: 'name', type: 'text', cell: (record) => storableText(record.name) },
    { name: 'unit', type: 'text', cell: (record) => storableText(record.unit) },
    { name: 'type', type: 'text', cell: (record) => record.type },
    { name: 'temporality', type: 'text', cell: (record) => record.temporality },
    { name: 'monotonic', type: 'boolean', cell: (record) => record.monotonic },
    { name: 'attributes', type: 'jsonb', cell: (record) => storableJson(record.attributes) },
    { name: 'value', type: 'float8', cell: (record) => record.value },
    { name: 'count', type: 'float8', cell: (record) => record.distribution?.count ?? null },
    { name: 'sum', type: 'float8', cell: (record) => record.distribution?.sum ?? null },
    { name: 'distribution', type: 'jsonb', cell: (record) => distributionJson(record) },
    { name: 'service', type: 'text', cell: (record) => textsOf(record.resource).service },
    { name: 'instance_id', type: 'text', cell: (record) => textsOf(record.resource).instanceId },
    { name: 'scope', type: 'text', cell: (record) => storableText(record.scope.name) },
    { name: 'resource', type: 'jsonb', cell: (record) => textsOf(record.resource).json },
  ],
}

/** NULL, which the key refuses, for a record that tells no time at all: in 1970 nobody would find it, and the time of arrival would differ at each resend. */
function keyTime(timeUs: number): string | null {
  return timeUs === 0 ? null : timestamp(timeUs)
}

type ResourceTexts = { readonly service: string; readonly instanceId: string; readonly json: string }

/** One process sends one resource with all it says, and all records of a request share the object. */
const resourceTexts = new WeakMap<Resource, ResourceTexts>()

function textsOf(resource: Resource): ResourceTexts {
  const known = resourceTexts.get(resource)
  if (known !== undefined) return known
  const { service, instanceId, attributes } = resource
  const made = { service: storableText(service), instanceId: storableText(instanceId), json: storableJson(attributes) }
  resourceTexts.set(resource, made)
  return made
}

function readableEvent({ timeUs, name, attributes }: SpanEvent): Value {
  return { time: timestamp(timeUs), name, attributes }
}

function readableLink({ traceId, spanId, attributes }: SpanLink): Value {
  return { trace_id: traceId, span_id: spanId, attributes }
}

/** Buckets, quantiles and extremes as they came: `{min, max, bounds, counts, detail}`. */
function distributionJson({ distribution }: MetricPoint): string | null {
  if (distribution === null) return null
  const { min, max, bounds, counts, detail } = distribution
  return storableJson({ min, max, bounds, counts, detail })
}

/** The same for every point of one stream of one process, whatever the order of its attributes. */
function seriesId(point: MetricPoint): string {
  const { resource, scope, name, unit, type, temporality, monotonic, attributes } = point
  const identity = [sorted(resource.attributes), scope.name, scope.version, name, unit, type, temporality, monotonic, sorted(attributes)]
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32)
}

function sorted(attributes: Attributes): [string, Value][] {
  return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))
}
