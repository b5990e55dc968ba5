/** What the API of the collector answers, as far as the page looks at it. */

export type Attributes = Readonly<Record<string, unknown>>

export type SpanRow = {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  readonly kind: string
  /** ISO 8601 with microseconds. */
  readonly start: string
  readonly duration_ms: number
  readonly status: string
  readonly status_message: string
  readonly attributes: Attributes
  readonly events: readonly EventRow[]
  readonly request_id: string | null
  readonly user_id: string | null
  readonly service: string
  readonly instance_id: string
  readonly scope: string
}

export type EventRow = {
  /** ISO 8601 with microseconds. */
  readonly time: string
  readonly name: string
  readonly attributes: Attributes
}

export type TraceRow = {
  readonly trace_id: string
  readonly name: string
  readonly service: string
  readonly start: string
  readonly duration_ms: number
  readonly span_count: number
  readonly error: boolean
  readonly request_id: string | null
  readonly user_id: string | null
}

export type LogRow = {
  readonly id: string
  readonly timestamp: string
  readonly level: string
  readonly message: string
  readonly metadata: Attributes
  readonly source: string
  readonly request_id: string | null
  readonly user_id: string | null
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly service: string
}

export type Summary = {
  readonly total_requests: number
  readonly failed_requests: number
  readonly error_rate: number
  readonly p95: number | null
  readonly audio_seconds: number
  readonly rtf: number | null
  readonly time_to_first_audio: number | null
  readonly estimated_cost_usd: number
  readonly by_outcome: Readonly<Record<string, number>>
}
