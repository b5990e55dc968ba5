import type { SpanRow } from './rows.ts'
import { toMs } from './time.ts'

/** A span as a line of the waterfall. */
export type Line = {
  readonly span: SpanRow
  readonly depth: number
  /** Share of the whole trace before the span begins, and that it takes; 0 to 1. */
  readonly left: number
  readonly width: number
  /** Where its events are, 0 to 1 of the whole trace. */
  readonly marks: readonly { readonly at: number; readonly name: string }[]
}

export type Layout = { readonly lines: readonly Line[]; readonly startMs: number; readonly durationMs: number }

/** Depth first, children by their start. A span whose parent is not among them stands at the left; one in a circle is shown once. */
export function layOut(spans: readonly SpanRow[]): Layout {
  const startMs = Math.min(...spans.map(({ start }) => toMs(start)))
  const durationMs = Math.max(...spans.map(({ start, duration_ms }) => toMs(start) + duration_ms)) - startMs
  const ids = new Set(spans.map(({ span_id }) => span_id))
  const parentOf = ({ parent_span_id }: SpanRow) => (parent_span_id !== null && ids.has(parent_span_id) ? parent_span_id : '')
  const children = Map.groupBy(spans, parentOf)
  const seen = new Set<string>()
  const lines: Line[] = []

  /** With a stack of its own: a trace may be as deep as it has spans, and the engine's stack is not. */
  function add(top: SpanRow): void {
    const waiting = [{ span: top, depth: 0 }]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { span, depth } = next
      if (seen.has(span.span_id)) continue
      seen.add(span.span_id)
      lines.push({ ...place(span), depth })
      const below = sorted(children.get(span.span_id)).map((child) => ({ span: child, depth: depth + 1 }))
      waiting.push(...below.reverse())
    }
  }

  function place(span: SpanRow): Omit<Line, 'depth'> {
    const share = (ms: number) => (durationMs > 0 ? Math.min(1, Math.max(0, ms / durationMs)) : 0)
    const marks = span.events.map(({ time, name }) => ({ at: share(toMs(time) - startMs), name }))
    return { span, left: share(toMs(span.start) - startMs), width: share(span.duration_ms), marks }
  }

  for (const root of sorted(children.get(''))) add(root)
  for (const rest of sorted(spans)) add(rest)
  return { lines, startMs, durationMs }
}

function sorted(spans: readonly SpanRow[] = []): readonly SpanRow[] {
  return spans.toSorted((a, b) => toMs(a.start) - toMs(b.start))
}
