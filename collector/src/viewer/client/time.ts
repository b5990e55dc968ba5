/** `2026-11-22T10:00:00.123456Z` in ms since 1970 with the µs kept, which Date would drop. */
export function toMs(timestamp: string): number {
  return Date.parse(`${timestamp.slice(0, 23)}Z`) + Number(timestamp.slice(23, 26)) / 1_000
}

/** `0.42 ms`, `118 ms`, `2.10 s`, `3 min 5 s`. What rounds up to the next unit is shown in that one. */
export function showMs(ms: number): string {
  if (ms < 9.995) return `${ms.toFixed(2)} ms`
  if (ms < 999.5) return `${ms.toFixed(0)} ms`
  if (ms < 59_995) return `${(ms / 1_000).toFixed(2)} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** `12 s ago`, `3 h ago`; what comes from a clock that runs ahead is `just now`. */
export function showAge(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 1) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}
