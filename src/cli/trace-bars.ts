import type { StoredSpan } from '../reading/get-trace.ts'
import type { Bar } from './waterfall.ts'

type Drawn = Pick<StoredSpan, 'span_id' | 'parent_span_id' | 'name' | 'start' | 'duration_ms' | 'attributes'> & { readonly status: string }

/** A stored span as a line of a waterfall. */
export function toBar(span: Drawn): Bar {
  return {
    id: span.span_id,
    parentId: span.parent_span_id ?? '',
    name: span.name,
    note: noteOf(span),
    failed: span.status === 'error',
    startMs: toMs(span.start),
    durationMs: span.duration_ms,
  }
}

/** The one thing to know about a span: how it came out, and whether that took more than one attempt. */
function noteOf({ attributes }: Drawn): string {
  const known = attributes['tts.outcome'] ?? attributes['http.response.status_code'] ?? attributes['error.type']
  const finish = attributes['gen_ai.response.finish_reasons']
  const attempts = Number(attributes['tts.attempts'] ?? 1)
  return `${known ?? (Array.isArray(finish) ? finish.join(', ') : '')}${attempts > 1 ? `, ${attempts} attempts` : ''}`
}

/** `2026-11-22T10:00:00.123456Z` in ms with the µs kept, which Date would drop. */
function toMs(timestamp: string): number {
  return Date.parse(`${timestamp.slice(0, 23)}Z`) + Number(timestamp.slice(23, 26)) / 1_000
}
