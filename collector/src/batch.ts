import type { Send } from '../../src/wire/outcome.ts'
import type { Chunk, Signal } from '../../src/wire/signal.ts'

/** An OTLP AnyValue as plain JavaScript. Bytes become a base64 string, int64 beyond 2^53 a decimal string. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value }

export type Attributes = { readonly [key: string]: Value }

/** The process that a record came from; one object is shared by all records of a ResourceLogs, ResourceSpans or ResourceMetrics. */
export type Resource = {
  readonly attributes: Attributes
  /** `service.name`, or `unknown_service`. */
  readonly service: string
  /** `service.instance.id`, or ''. */
  readonly instanceId: string
}

/** Instrumentation scope; shared by its records. */
export type Scope = { readonly name: string; readonly version: string; readonly attributes: Attributes }

/** One log record, flat. Times are µs since 1970 (exact in a double until 2255). */
export type LogRecord = {
  readonly resource: Resource
  readonly scope: Scope
  /** `log.record.uid` in canonical UUID form, or a UUIDv8 derived from the record when it came without one. */
  readonly uid: string
  /** `time_unix_nano`; 0 when the sender gave none. */
  readonly timeUs: number
  readonly observedUs: number
  /** OpenTelemetry severity number 0–24. */
  readonly severity: number
  readonly severityText: string
  readonly body: Value
  readonly attributes: Attributes
  /** 32 lower-case hex digits, or ''. */
  readonly traceId: string
  /** 16 lower-case hex digits, or ''. */
  readonly spanId: string
  readonly eventName: string
}

export type SpanEvent = { readonly timeUs: number; readonly name: string; readonly attributes: Attributes }
export type SpanLink = { readonly traceId: string; readonly spanId: string; readonly attributes: Attributes }

export type SpanRecord = {
  readonly resource: Resource
  readonly scope: Scope
  readonly traceId: string
  readonly spanId: string
  /** '' for a root span. */
  readonly parentSpanId: string
  readonly name: string
  /** OTLP SpanKind 0–5 (1 INTERNAL, 2 SERVER, 3 CLIENT, 4 PRODUCER, 5 CONSUMER). */
  readonly kind: number
  readonly startUs: number
  readonly durationNs: number
  /** OTLP status code: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number
  readonly statusMessage: string
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
}

/** One metric data point with what identifies its series. */
export type MetricPoint = {
  readonly resource: Resource
  readonly scope: Scope
  readonly name: string
  readonly unit: string
  readonly type: 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary'
  readonly temporality: 'unspecified' | 'delta' | 'cumulative'
  readonly monotonic: boolean
  readonly attributes: Attributes
  /** 0 when the sender gave none. */
  readonly startUs: number
  readonly timeUs: number
  /** Gauge and sum; null for the others. */
  readonly value: number | null
  /** Histogram kinds and summary; null for gauge and sum. */
  readonly distribution: Distribution | null
}

export type Distribution = {
  readonly count: number
  readonly sum: number | null
  readonly min: number | null
  readonly max: number | null
  /** Explicit histogram: upper bounds and one count more than bounds. Empty otherwise. */
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  /** Exponential histogram buckets and summary quantiles, as decoded, for storage only. */
  readonly detail: Value
}

/** The request that a batch was decoded from, as it came. */
export type Source = Omit<Chunk, 'signal'>

/** A batch of log records. */
export type Logs = Extract<Batch, { readonly signal: 'logs' }>

/** What flows through the collector: one decoded export request. */
export type Batch = BatchOf<'logs', LogRecord> | BatchOf<'traces', SpanRecord> | BatchOf<'metrics', MetricPoint>

type BatchOf<S extends Signal, R> = {
  readonly signal: S
  readonly records: readonly R[]
  /** For a queue that keeps it on disk. */
  readonly source?: Source
  /**
   * For a sink that has its own form of the records and waits with it: they take several times the bytes of `source`. Whoever
   * asks for `records` after this has them decoded again.
   */
  readonly release?: () => void
}

/** A sink of the collector: stateless and idempotent, so that sending again is always safe. */
export type Sink = Send<Batch>
