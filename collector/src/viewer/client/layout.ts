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

  function add(span: SpanRow, depth: number): void {
    if (seen.has(span.span_id)) return
    seen.add(span.span_id)
    const share = (ms: number) => (durationMs > 0 ? Math.min(1, Math.max(0, ms / durationMs)) : 0)
    const marks = span.events.map(({ time, name }) => ({ at: share(toMs(time) - startMs), name }))
    lines.push({ span, depth, left: share(toMs(span.start) - startMs), width: share(span.duration_ms), marks })
    for (const child of sorted(children.get(span.span_id))) add(child, depth + 1)
  }

  for (const root of sorted(children.get(''))) add(root, 0)
  for (const rest of sorted(spans)) add(rest, 0)
  return { lines, startMs, durationMs }
}

function sorted(spans: readonly SpanRow[] = []): readonly SpanRow[] {
  return spans.toSorted((a, b) => toMs(a.start) - toMs(b.start))
}
