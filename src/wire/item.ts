import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/** What the OpenTelemetry SDK hands out for each signal: one finished span, one log record, one collection of all metrics. */
export type ItemOf = { readonly traces: ReadableSpan; readonly logs: ReadableLogRecord; readonly metrics: ResourceMetrics }
