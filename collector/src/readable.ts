/** Six digits are what a person compares; `0.08`, not `0.08000000000000002`. */
export function readable(value: number): string {
  return String(Number(value.toPrecision(6)))
}

/** `2026-11-22T10:00:00.000Z`; what is no time comes back as the number it is. */
export function isoTime(timeMs: number): string {
  const date = new Date(timeMs)
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString()
}
