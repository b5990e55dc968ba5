/** Every query of the dashboards and of the rules for Prometheus, run where the example API's telemetry has gone through all that we ship. */
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createOtelcol, INGEST_TOKEN, type Otelcol } from './support/otelcol.ts'
import { freeHost, type Production, startProduction } from './support/production.ts'
import { createPrometheus, type Prometheus } from './support/prometheus.ts'
import { startTtsApi, type TtsApi } from './support/tts-api.ts'

type Target = { readonly expr?: string; readonly rawSql?: string; readonly datasource: { readonly uid: string } }
type Dashboard = { readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[] }

const root = join(import.meta.dirname, '../..')
const dashboards = globSync('dashboards/*.json', { cwd: root }).map((file): Dashboard => JSON.parse(readFileSync(join(root, file), 'utf8')))
const panels = dashboards.flatMap((dashboard) =>
  dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target }))),
)
/** What the rules for Prometheus compare, without the comparison. */
const compared: readonly { readonly title: string; readonly expr: string }[] = parse(
  readFileSync(join(root, 'deploy/scaled/rules.yml'), 'utf8'),
).groups.flatMap(({ rules }: { rules: { alert: string; expr: string }[] }) =>
  rules.map(({ alert, expr }) => ({ title: alert, expr: expr.replace(/ (>|==) [\d.]+$/, '') })),
)
const targets = [...panels, ...compared]

let production: Production
/** An official collector in trouble: its sinks refuse for good, and its queues are short. */
let troubled: Otelcol
let refusing: Server
let prometheus: Prometheus
let api: TtsApi
beforeAll(async () => {
  production = await startProduction()
  refusing = createServer((request, response) => void request.resume().on('end', () => response.writeHead(400).end()))
  const refusingUrl = await listen(refusing)
  const { otelcol, fanouts } = production
  troubled = createOtelcol(freeHost(), {
    env: { FANOUT_URL: refusingUrl, EVALUATOR_URL: refusingUrl, JAEGER_URL: refusingUrl, OTELCOL_QUEUE_BYTES: '1000000' },
  })
  await troubled.start()
  prometheus = await createPrometheus({
    apps: [otelcol.scraped.apps],
    otelcol: [otelcol.scraped.own, troubled.scraped.own],
    fanout: fanouts.map(({ address }) => address),
  })
  const headers = { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${INGEST_TOKEN}` }
  api = await startTtsApi({ OTEL_EXPORTER_OTLP_ENDPOINT: otelcol.url, ...headers })
  await prometheus.start()
}, 180_000)
afterAll(async () => {
  await Promise.all([api?.stop(), prometheus?.remove(), troubled?.remove()])
  await production?.remove()
  refusing?.close()
})

test('each finds something', { timeout: 240_000 }, async () => {
  // Some loses for the panels of losses: log records that are refused for good.
  const losing = await startTtsApi({
    OTEL_EXPORTER_OTLP_ENDPOINT: production.otelcol.url,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${await addressOf(refusing)}/v1/logs`,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${INGEST_TOKEN}`,
  })
  const playing = repeat(() => Promise.all([api.play(), losing.play(), trouble()]))
  const left = new Set(targets)
  const failures = new Map<string, unknown>()
  try {
    const deadlineMs = Date.now() + 180_000
    while (left.size > 0 && Date.now() < deadlineMs) {
      for (const target of left) {
        const found = await ask(target).catch((error: unknown) => void failures.set(target.title, error))
        if (found) left.delete(target)
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  } finally {
    await playing.stop()
    await losing.stop()
  }
  expect(
    [...left].map(
      ({ title, expr, rawSql }: Partial<Target> & { title: string }) => `${title}: ${expr ?? rawSql}: ${failures.get(title) ?? 'empty'}`,
    ),
  ).toEqual([])
})

test('its queries name data sources that are provisioned', () => {
  const { datasources } = parse(readFileSync(join(root, 'deploy/grafana/provisioning/datasources/tts-otel.yaml'), 'utf8'))
  const known = datasources.map(({ uid }: { uid: string }) => uid)
  expect(panels.filter(({ datasource }) => !known.includes(datasource.uid))).toEqual([])
  expect(panels.length).toBeGreaterThan(30)
})

/** Whether the query gives a number or a row. */
async function ask({ expr, rawSql }: Pick<Target, 'expr' | 'rawSql'>): Promise<boolean> {
  if (rawSql !== undefined) return (await rows(rawSql.replaceAll(/\$__timeFilter\((\w+)\)/g, "$1 > now() - interval '1 hour'"))).length > 0
  const query = expr!.replaceAll('$__rate_interval', '15s').replaceAll('$service', '.+')
  return (await prometheus.query(query)).some(({ value }) => !Number.isNaN(value))
}

async function rows(text: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: production.postgres.url })
  await client.connect()
  return await client
    .query(text)
    .then(({ rows }) => rows)
    .finally(() => client.end())
}

/** Three small records fit into the queue and are refused by the sink; one that is larger than the queue does not. */
async function trouble(): Promise<void> {
  for (const body of [bodies(3, 'span'), bodies(1, 'x'.repeat(1_000_000))])
    for (const [signal, request] of Object.entries(body))
      await fetch(`${troubled.url}/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${INGEST_TOKEN}` },
        body: JSON.stringify(request),
      })
}

function bodies(count: number, text: string): Readonly<Record<'traces' | 'logs' | 'metrics', object>> {
  const many = <T>(make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))
  const time = `${Date.now()}000000`
  const id = (index: number, length: number) => (index + 1).toString(16).padStart(length, '0')
  const spans = many((index) => ({
    traceId: id(index, 32),
    spanId: id(index, 16),
    name: text,
    startTimeUnixNano: time,
    endTimeUnixNano: time,
  }))
  const logRecords = many(() => ({ timeUnixNano: time, body: { stringValue: text } }))
  const metrics = many((index) => ({
    name: `metric${index}`,
    description: text,
    gauge: { dataPoints: [{ timeUnixNano: time, asInt: '1' }] },
  }))
  return {
    traces: { resourceSpans: [{ scopeSpans: [{ spans }] }] },
    logs: { resourceLogs: [{ scopeLogs: [{ logRecords }] }] },
    metrics: { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] },
  }
}

function repeat(work: () => Promise<unknown>): { stop(): Promise<unknown> } {
  let going = true
  const done = (async () => {
    while (going) await work()
  })()
  return {
    stop() {
      going = false
      return done
    },
  }
}

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return await addressOf(server)
}

async function addressOf(server: Server): Promise<string> {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}
