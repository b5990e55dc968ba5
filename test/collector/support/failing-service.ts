import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

/** A service that answers requests, some of them badly, and tells of it as the SDK does: cumulative, again and again. */
export type FailingService = {
  /** Share of the requests that fail from now on. */
  failing: number
  /** Where its metrics go; another base while it runs means that it was told a new address. */
  url: string
  /** Statuses of its exports; 0 where nobody answered. */
  readonly statuses: number[]
  stop(): Promise<void>
}

const REQUESTS_EACH = 20

/** Sends to `<url>/v1/metrics` every `intervalMs`. What was not taken is in the next report, as all before it. */
export function startService(url: string, intervalMs = 250): FailingService {
  const [instance, startMs] = [randomUUID(), Date.now()]
  const counts = { ok: 0, failed: 0 }
  const stopping = new AbortController()
  const service: FailingService = {
    failing: 0,
    url,
    statuses: [],
    async stop() {
      stopping.abort()
      await running
    },
  }
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      counts.failed += REQUESTS_EACH * service.failing
      counts.ok += REQUESTS_EACH * (1 - service.failing)
      service.statuses.push(await send(`${service.url}/v1/metrics`, report({ instance, startMs, counts })))
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }
  const running = run()
  return service
}

async function send(url: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  try {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(5_000) })
    await response.arrayBuffer()
    return response.status
  } catch {
    return 0
  }
}

type Reported = { readonly instance: string; readonly startMs: number; readonly counts: { readonly ok: number; readonly failed: number } }

function report({ instance, startMs, counts }: Reported): object {
  const point = (count: number, status: number) => ({
    startTimeUnixNano: `${startMs}000000`,
    timeUnixNano: `${Date.now()}000000`,
    count: String(Math.round(count)),
    sum: count * 0.2,
    explicitBounds: [0.5],
    bucketCounts: [String(Math.round(count)), '0'],
    attributes: [
      { key: 'http.route', value: { stringValue: '/v1/speak' } },
      { key: 'http.response.status_code', value: { intValue: String(status) } },
    ],
  })
  const dataPoints = [point(counts.ok, 200), ...(counts.failed > 0 ? [point(counts.failed, 500)] : [])]
  const metric = { name: 'http.server.request.duration', unit: 's', histogram: { aggregationTemporality: 2, dataPoints } }
  const attributes = Object.entries({ 'service.name': 'tts-api', 'service.instance.id': instance })
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes.map(([key, stringValue]) => ({ key, value: { stringValue } })) },
        scopeMetrics: [{ scope: { name: 'test' }, metrics: [metric] }],
      },
    ],
  }
}

/** Sends one log record; gives the status. */
export async function sendRecord(
  url: string,
  severityNumber: number,
  body: string,
  attributes: Readonly<Record<string, string>> = {},
): Promise<number> {
  const record = {
    timeUnixNano: `${Date.now()}000000`,
    severityNumber,
    body: { stringValue: body },
    attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
    traceId: '0af7651916cd43dd8448eb211c80319c',
  }
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'tts-api' } }] }
  return await send(`${url}/v1/logs`, { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'app.tts' }, logRecords: [record] }] }] })
}
