const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** Milliseconds of `30s`, `5m`, `1h30m`, as Prometheus writes durations; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:ms|[smhdw]))+$/.test(text)) return text === '0' ? 0 : undefined
  const parts = [...text.matchAll(/(\d+)(ms|[smhdw])/g)]
  const totalMs = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS_MS[unit!]!, 0)
  return Number.isSafeInteger(totalMs) ? totalMs : undefined
}

/** The shortest text that {@link parseDuration} reads as `ms`: `1h30m`. */
export function formatDuration(ms: number): string {
  const parts: string[] = []
  let left = Math.round(ms)
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const unitMs = UNITS_MS[unit]!
    const count = Math.floor(left / unitMs)
    if (count > 0) parts.push(`${count}${unit}`)
    left -= count * unitMs
  }
  return parts.join('') || '0s'
}
