import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { hrTimeToMilliseconds, hrTimeToTimeStamp } from '@opentelemetry/core'
import type { Pipeline } from './delivery/pipeline.ts'
import type { ItemOf } from './wire/item.ts'
import type { Signal } from './wire/signal.ts'

/**
 * `OTEL_*_EXPORTER=console`: a readable JSON object per line for each span, log record and metric, in place of a collector.
 * `write` gets each line with its line end.
 */
export function createConsoleExporter<S extends Signal>(signal: S, write: (line: string) => void): Pipeline<ItemOf[S]> {
  const toLines: (item: ItemOf[S]) => readonly object[] = TO_LINES[signal]
  return {
    push(item) {
      for (const line of toLines(item)) write(`${JSON.stringify(line, toText)}\n`)
    },
    broken: () => {},
    forceFlush: async () => true,
    shutdown: async () => true,
  }
}

/** JSON has no 64-bit integers; a log body may hold one. */
function toText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

const TO_LINES: { readonly [S in Signal]: (item: ItemOf[S]) => readonly object[] } = {
  traces: (span) => [
    {
      span: span.name,
      kind: SpanKind[span.kind],
      start: hrTimeToTimeStamp(span.startTime),
      duration_ms: hrTimeToMilliseconds(span.duration),
      status: SpanStatusCode[span.status.code],
      status_message: span.status.message,
      trace_id: span.spanContext().traceId,
      span_id: span.spanContext().spanId,
      parent_span_id: span.parentSpanContext?.spanId,
      attributes: span.attributes,
      events: span.events.map(({ name, time, attributes }) => ({ name, time: hrTimeToTimeStamp(time), attributes })),
      links: span.links.map(({ context, attributes }) => ({ trace_id: context.traceId, span_id: context.spanId, attributes })),
      scope: span.instrumentationScope.name,
    },
  ],
  logs: (record) => [
    {
      log: record.body,
      level: record.severityText,
      event: record.eventName,
      time: hrTimeToTimeStamp(record.hrTime),
      trace_id: record.spanContext?.traceId,
      span_id: record.spanContext?.spanId,
      attributes: record.attributes,
      scope: record.instrumentationScope.name,
    },
  ],
  metrics: ({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ scope, metrics }) =>
      metrics.map(({ descriptor, dataPoints }) => ({
        metric: descriptor.name,
        unit: descriptor.unit,
        points: dataPoints.map(({ endTime, attributes, value }) => ({ time: hrTimeToTimeStamp(endTime), attributes, value })),
        scope: scope.name,
      })),
    ),
}
