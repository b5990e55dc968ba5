/** A span as far as a waterfall shows it. */
export type Bar = {
  readonly id: string
  /** '' for the first, and for one whose parent is not among the others. */
  readonly parentId: string
  readonly name: string
  /** Status code, outcome or the kind of error. */
  readonly note: string
  readonly failed: boolean
  readonly startMs: number
  readonly durationMs: number
}

/** Colours a text, or leaves it as it is. */
export type Paint = (colour: 'red' | 'green', text: string) => string

/** Nothing useful is told by a longer line. */
const WIDTH_MAX = 110
const BAR_WIDTH_MIN = 12

type Row = { readonly bar: Bar; readonly label: string }

/** Draws a trace: an indented line for each span, with its time and a bar that shows when it ran. Lines are at most `width` wide. */
export function drawWaterfall(bars: readonly Bar[], width: number, paint: Paint): readonly string[] {
  const rows = indent(bars)
  if (rows.length === 0) return []
  const labelWidth = Math.max(...rows.map((row) => row.label.length))
  const noteWidth = Math.max(...bars.map((bar) => bar.note.length))
  const timeWidth = Math.max(...bars.map((bar) => formatMs(bar.durationMs).length))
  const barWidth = Math.max(BAR_WIDTH_MIN, Math.min(width, WIDTH_MAX) - labelWidth - noteWidth - timeWidth - 6)
  const startMs = Math.min(...bars.map((bar) => bar.startMs))
  const spanMs = Math.max(...bars.map((bar) => bar.startMs + bar.durationMs)) - startMs
  return rows.map(({ bar, label }) => {
    const colour = bar.failed ? 'red' : 'green'
    const from = spanMs > 0 ? Math.round(((bar.startMs - startMs) / spanMs) * barWidth) : 0
    const length = spanMs > 0 ? Math.max(1, Math.round((bar.durationMs / spanMs) * barWidth)) : 1
    const drawn = ' '.repeat(Math.min(from, barWidth - 1)) + paint(colour, '━'.repeat(Math.min(length, Math.max(1, barWidth - from))))
    const note = bar.failed ? paint('red', bar.note.padEnd(noteWidth)) : bar.note.padEnd(noteWidth)
    return `${label.padEnd(labelWidth)}  ${note}  ${formatMs(bar.durationMs).padStart(timeWidth)}  ${drawn}`
  })
}

/** Of the branches that lead to a span the nearest are shown; without a limit a trace that recurs makes lines of any length. */
const TRUNK_MAX = 60

/** Depth first, children by their start, each with the branches that lead to it. */
function indent(bars: readonly Bar[]): readonly Row[] {
  const ids = new Set(bars.map((bar) => bar.id))
  const children = Map.groupBy(bars, ({ parentId }) => (ids.has(parentId) ? parentId : ''))
  const below = (id: string, trunk: string) =>
    (children.get(id) ?? [])
      .toSorted((a, b) => a.startMs - b.startMs)
      .map((bar, index, all) => ({ bar, trunk, isLast: index === all.length - 1 }))
      .reverse()
  const seen = new Set<Bar>()
  const rows: Row[] = []
  // A stack of its own: a trace may be as deep as it has spans, and the engine's stack is not.
  const waiting = below('', '')
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { bar, trunk, isLast } = next
    // Two spans of one id would be below one another for ever.
    if (seen.has(bar)) continue
    seen.add(bar)
    const isTop = !ids.has(bar.parentId)
    rows.push({ bar, label: `${trunk}${isTop ? '' : isLast ? '└─ ' : '├─ '}${bar.name}` })
    const longer = `${trunk}${isTop ? '' : isLast ? '   ' : '│  '}`
    waiting.push(...below(bar.id, longer.length > TRUNK_MAX ? `…${longer.slice(1 - TRUNK_MAX)}` : longer))
  }
  return rows
}

/** `0.4 ms`, `118 ms`, `2.10 s`: three figures, whatever the size. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${ms.toFixed(0)} ms`
  return `${(ms / 1_000).toFixed(2)} s`
}
