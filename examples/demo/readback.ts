import type { MetricsSummary } from '../../collector/src/api/summary.ts'

/** What the collector has stored, read over its HTTP API. The shapes are those of its documentation; this file is the only one that trusts them. */
export type StoredLog = {
  readonly id: string
  readonly timestamp: string
  readonly level: string
  readonly source: string
  readonly message: string
  readonly trace_id: string | null
}

export type StoredSpan = {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly instance_id: string
  readonly name: string
  readonly kind: string
  readonly start: string
  readonly duration_ms: number
  readonly status: string
  readonly status_message: string
  readonly attributes: Readonly<Record<string, unknown>>
}

/** `GET /api/metrics/summary`. */
export type Summary = MetricsSummary

export type AlertEvent = { readonly event: 'firing' | 'resolved'; readonly rule: string }

export type Readback = {
  /** Oldest first. */
  readonly logsOf: (requestId: string) => Promise<readonly StoredLog[]>
  /** Null until the first span of the request, which is the last to end, is stored. */
  readonly traceIdOf: (requestId: string) => Promise<string | null>
  readonly traceOf: (traceId: string) => Promise<readonly StoredSpan[]>
  readonly summary: () => Promise<Summary>
  /** What alerts did since the collector's folder was new, newest first. */
  readonly alertHistory: () => Promise<readonly AlertEvent[]>
  /** Distinct ids of everything this run has stored, all pages. */
  readonly count: () => Promise<{ readonly spans: number; readonly logs: number }>
}

/** The most that one answer may hold. */
const PAGE_ROWS = 1_000
const REQUEST_TIMEOUT_MS = 10_000

/** Reads what the API process known as `instanceId` has sent. Throws when the collector answers anything but 200. */
export function createReadback(collectorUrl: string, instanceId: string): Readback {
  const get = async (path: string, query: Record<string, string> = {}): Promise<unknown> => {
    const response = await fetch(`${collectorUrl}${path}?${new URLSearchParams(query)}`, {
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    if (!response.ok) throw new Error(`The collector answered ${response.status} to GET ${path}: ${await response.text()}`)
    return response.json()
  }
  const pages = async <Row>(path: string, name: string): Promise<readonly Row[]> => {
    const rows: Row[] = []
    let cursor: string | null = null
    do {
      const query = { instance_id: instanceId, limit: String(PAGE_ROWS), ...(cursor ? { cursor } : {}) }
      const page = (await get(path, query)) as { readonly next_cursor: string | null } & Readonly<Record<string, readonly Row[]>>
      rows.push(...(page[name] ?? []))
      cursor = page.next_cursor
    } while (cursor)
    return rows
  }
  const traceOf = async (traceId: string) => ((await get(`/api/traces/${traceId}`)) as { readonly spans: readonly StoredSpan[] }).spans

  return {
    logsOf: async (requestId) =>
      ((await get('/api/logs', { request_id: requestId })) as { readonly logs: readonly StoredLog[] }).logs.toReversed(),
    async traceIdOf(requestId) {
      const { traces } = (await get('/api/traces', { request_id: requestId })) as {
        readonly traces: readonly { readonly trace_id: string }[]
      }
      const [trace] = traces
      const isWhole = trace && (await traceOf(trace.trace_id)).some((span) => span.parent_span_id === null)
      return isWhole ? trace.trace_id : null
    },
    traceOf,
    summary: async () => (await get('/api/metrics/summary', { instance_id: instanceId })) as Summary,
    alertHistory: async () => ((await get('/api/alerts/history')) as { readonly history: readonly AlertEvent[] }).history,
    async count() {
      const logs = await pages<StoredLog>('/api/logs', 'logs')
      const spans = new Set<string>()
      for (const { trace_id } of await pages<{ readonly trace_id: string }>('/api/traces', 'traces'))
        for (const span of await traceOf(trace_id)) if (span.instance_id === instanceId) spans.add(`${trace_id} ${span.span_id}`)
      return { spans: spans.size, logs: new Set(logs.map((log) => log.id)).size }
    },
  }
}
