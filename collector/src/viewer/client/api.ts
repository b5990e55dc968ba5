import type { LogRow, SpanRow, Summary, TraceRow } from './rows.ts'

/** The collector wants a token, or another one. */
export class TokenError extends Error {}

/** Forgotten with the tab. */
const TOKEN = 'tts-otel read token'
const TIMEOUT_MS = 15_000

export function rememberToken(token: string): void {
  sessionStorage.setItem(TOKEN, token)
}

export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN) !== null
}

export function forgetToken(): void {
  sessionStorage.removeItem(TOKEN)
}

/** Log records, newest first. */
export async function getLogs(query: Readonly<Record<string, string>>): Promise<readonly LogRow[]> {
  return ((await get('/api/logs', query)) as { readonly logs: readonly LogRow[] }).logs
}

/** Newest first. */
export async function getTraces(query: Readonly<Record<string, string>>): Promise<readonly TraceRow[]> {
  return ((await get('/api/traces', query)) as { readonly traces: readonly TraceRow[] }).traces
}

export type Trace = { readonly trace_id: string; readonly truncated: boolean; readonly spans: readonly SpanRow[] }

/** undefined when nothing of it is stored. */
export async function getTrace(traceId: string): Promise<Trace | undefined> {
  return (await get(`/api/traces/${traceId}`, {})) as Trace | undefined
}

export async function getSummary(since: Date): Promise<Summary> {
  return (await get('/api/metrics/summary', { since: since.toISOString() })) as Summary
}

/** The page is as old as the collector that has served it, so the shapes are known. */
async function get(path: string, query: Readonly<Record<string, string>>): Promise<unknown> {
  const token = sessionStorage.getItem(TOKEN)
  const response = await fetch(`${path}?${new URLSearchParams(query)}`, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (response.status === 404) return undefined
  const body = await response.json().catch(() => ({}))
  if (response.status === 401) throw new TokenError('This collector asks its readers for a token.')
  if (!response.ok) throw new Error(String(body.message ?? `The collector answered ${response.status}.`))
  return body
}
