import type { Attributes, Value } from './batch.ts'
import type { Level } from './level.ts'

/** What the HTTP API asks of a store. Each answer comes newest first unless it says otherwise; times are µs since 1970. */
export type Reader = {
  readonly logs: (filter: LogFilter) => Promise<readonly StoredLog[]>
  readonly traces: (filter: TraceFilter) => Promise<readonly StoredTrace[]>
  /** Spans of one trace by start, at most `limit`. */
  readonly spans: (traceId: string, limit: number) => Promise<readonly StoredSpan[]>
  readonly metricPoints: (filter: MetricFilter) => Promise<readonly StoredPoint[]>
}

/** The store has given up a question that took too long. */
export class ReadTimeoutError extends Error {
  constructor(cause: Error) {
    super('The answer took too long. Narrow the question: since and until, or an id', { cause })
    this.name = 'ReadTimeoutError'
  }
}

type Span = {
  /** Included. */
  readonly sinceUs?: number | undefined
  /** Excluded. */
  readonly untilUs?: number | undefined
}

/** Where a page ended: the next one holds what is older, equal times in the order of their ids. */
export type PageEnd = { readonly timeUs: number; readonly id: string }

export type LogFilter = Span & {
  readonly requestId?: string | undefined
  readonly userId?: string | undefined
  readonly level?: Level | undefined
  readonly traceId?: string | undefined
  readonly service?: string | undefined
  readonly instanceId?: string | undefined
  /** Part of the message, in any case. */
  readonly text?: string | undefined
  readonly after?: PageEnd | undefined
  readonly limit: number
}

export type StoredLog = {
  readonly id: string
  readonly time_us: number
  readonly level: Level
  readonly severity: number
  readonly message: string
  readonly metadata: Attributes
  readonly source: string
  readonly request_id: string | null
  readonly user_id: string | null
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly service: string
  readonly instance_id: string
  readonly event_name: string | null
}

/** A trace matches when any of its spans does; since and until look at its first span. */
export type TraceFilter = Span & {
  readonly requestId?: string | undefined
  readonly userId?: string | undefined
  readonly service?: string | undefined
  readonly instanceId?: string | undefined
  readonly error?: boolean | undefined
  /** `id` is a trace id. */
  readonly after?: PageEnd | undefined
  readonly limit: number
}

export type StoredTrace = {
  readonly trace_id: string
  /** Name of the first span whose parent is not stored. */
  readonly name: string
  readonly service: string
  readonly time_us: number
  /** From the first start to the last end. */
  readonly duration_ms: number
  readonly span_count: number
  /** Whether any span has failed. */
  readonly error: boolean
  readonly request_id: string | null
  readonly user_id: string | null
}

export type StoredSpan = {
  readonly trace_id: string
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  /** OTLP SpanKind. */
  readonly kind: number
  readonly time_us: number
  readonly duration_ms: number
  /** OTLP status code. */
  readonly status_code: number
  readonly status_message: string
  readonly attributes: Attributes
  readonly events: readonly Value[]
  readonly links: readonly Value[]
  readonly request_id: string | null
  readonly user_id: string | null
  readonly service: string
  readonly instance_id: string
  readonly scope: string
}

export type MetricFilter = Span & {
  readonly names: readonly string[]
  readonly service?: string | undefined
  readonly instanceId?: string | undefined
  /** Series at most; which of them is not said. */
  readonly limit: number
}

/** The growth of one cumulative series within the time asked for. */
export type StoredPoint = {
  readonly name: string
  readonly attributes: Attributes
  /** Sums; null for histograms. */
  readonly value: number | null
  /** Histograms; null for sums. */
  readonly count: number | null
  readonly sum: number | null
  readonly max: number | null
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
}
