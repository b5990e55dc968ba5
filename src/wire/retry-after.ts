/** Longest `Retry-After` that is believed: a wrong clock or a wrong unit must not silence a process for days. */
const RETRY_AFTER_MS_MAX = 60 * 60_000

/**
 * The wait that a `Retry-After` header asks for, in ms: whole seconds or an HTTP date. Undefined when it is missing or neither.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  const afterMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs
  return Number.isNaN(afterMs) ? undefined : Math.min(Math.max(afterMs, 0), RETRY_AFTER_MS_MAX)
}
