import type { CollectorClient } from './collector.ts'
import { CollectorError } from './collector-error.ts'
import { at } from './json.ts'

/** A span as the collector has it. */
export type StoredSpan = {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  /** `SERVER`, `CLIENT`, `INTERNAL`, … */
  readonly kind: string
  /** ISO 8601 in UTC with microseconds. */
  readonly start: string
  readonly duration_ms: number
  readonly status: 'unset' | 'ok' | 'error'
  readonly status_message: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly request_id: string | null
  readonly user_id: string | null
  readonly service: string
}

export type StoredTrace = {
  readonly trace_id: string
  /** The trace has more spans than the answer. */
  readonly truncated: boolean
  /** By start. */
  readonly spans: readonly StoredSpan[]
}

const TRACE_ID = /^[0-9a-f]{32}$/i

/** The trace with this id, or the newest one of the request with this id; undefined when nothing of it is stored. Rejects with {@link CollectorError}. */
export async function findTrace(collector: CollectorClient, id: string): Promise<StoredTrace | undefined> {
  const byTraceId = TRACE_ID.test(id) ? await readTrace(collector, id) : undefined
  if (byTraceId !== undefined) return byTraceId
  const answer = await collector.get('/api/traces', { request_id: id, limit: 1 })
  const traces = at(answer, 'traces')
  const traceId = Array.isArray(traces) ? at(traces[0], 'trace_id') : undefined
  return typeof traceId === 'string' ? await readTrace(collector, traceId) : undefined
}

async function readTrace(collector: CollectorClient, traceId: string): Promise<StoredTrace | undefined> {
  try {
    const answer = await collector.get(`/api/traces/${traceId}`)
    if (!Array.isArray(at(answer, 'spans')))
      throw new CollectorError('NOT_A_COLLECTOR', `${collector.origin} answered without spans: it is no tts-otel-collector`)
    // Its own API, of the same release or a later one, which only adds fields.
    return answer as StoredTrace
  } catch (error) {
    if (error instanceof CollectorError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}
