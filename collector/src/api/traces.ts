import type { Reader, StoredSpan, StoredTrace } from '../reader.ts'
import { timestamp } from '../time.ts'
import { type ApiAnswer, type ApiRequest, BadRequestError, failure, json } from './answer.ts'
import { cursor, cutPage, PAGE_ROWS, pageRows, readParams, text, time, traceId, yesOrNo } from './params.ts'

const PARAMS = {
  request_id: text,
  user_id: text,
  error: yesOrNo,
  service: text,
  instance_id: text,
  since: time,
  until: time,
  limit: pageRows,
  cursor,
}

/** A trace that loops could have any number; an answer of this many is some megabytes. */
const SPANS_MAX = 10_000
/** https://opentelemetry.io/docs/specs/otel/trace/api/#spankind, by number in OTLP. */
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const STATUSES = ['unset', 'ok', 'error']

/** `GET /api/traces`: newest first, `{"traces": […], "next_cursor": "…" | null}`. A trace matches when one of its spans does. */
export async function getTraces(reader: Reader, { query }: ApiRequest): Promise<ApiAnswer> {
  const params = readParams(query, PARAMS)
  const limit = params.limit ?? PAGE_ROWS
  const rows = await reader.traces({
    requestId: params.request_id,
    userId: params.user_id,
    error: params.error,
    service: params.service,
    instanceId: params.instance_id,
    sinceUs: params.since,
    untilUs: params.until,
    after: params.cursor,
    limit: limit + 1,
  })
  const { page, next } = cutPage(rows, limit, (row) => ({ timeUs: row.time_us, id: row.trace_id }))
  return { ...json(200, { traces: page.map(readableTrace), next_cursor: next }), rows: page.length }
}

/** `GET /api/traces/:id`: `{"trace_id": "…", "truncated": false, "spans": […]}`, by start. 404 when nothing of it is stored. */
export async function getTrace(reader: Reader, { path, query }: ApiRequest): Promise<ApiAnswer> {
  readParams(query, {})
  const id = traceId.read(path.slice(path.lastIndexOf('/') + 1))
  if (id === undefined) throw new BadRequestError(`The path must end with ${traceId.expects}`)
  const spans = await reader.spans(id, SPANS_MAX + 1)
  if (spans.length === 0) return failure(404, 'not_found', `No span of trace ${id} is stored`)
  const shown = spans.slice(0, SPANS_MAX).map(readableSpan)
  return { ...json(200, { trace_id: id, truncated: spans.length > SPANS_MAX, spans: shown }), rows: shown.length }
}

function readableTrace({ trace_id, name, service, time_us, ...rest }: StoredTrace) {
  return { trace_id, name, service, start: timestamp(time_us), ...rest }
}

function readableSpan({ time_us, kind, status_code, trace_id: _, ...rest }: StoredSpan) {
  return { ...rest, start: timestamp(time_us), kind: KINDS[kind] ?? String(kind), status: STATUSES[status_code] ?? String(status_code) }
}
