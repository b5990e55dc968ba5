/** The collector as a program with Elasticsearch beside its database. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type StandIn, startStandIn } from '../elasticsearch/stand-in.ts'
import { countLogs, runProgram, sendLogs, startProgram } from './program.ts'

/** A first boot of PGlite takes 4 s, and several times that on a machine that has other work. */
const BOOT_MS_MAX = 60_000

const stored = ({ indexes }: StandIn) => [...indexes.values()].reduce((sum, index) => sum + index.size, 0)

async function post(url: string, path: string, body: object): Promise<{ status: number; body: unknown; retryAfter: string | null }> {
  const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return { status: response.status, body: await response.json(), retryAfter: response.headers.get('retry-after') }
}

const ONE_LOG = {
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: 'only here' } }] }] }],
}
const ONE_SPAN = {
  resourceSpans: [
    { scopeSpans: [{ spans: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), startTimeUnixNano: `${Date.now()}000000` }] }] },
  ],
}

test('an Elasticsearch that is away holds up nothing; what waits for it survives SIGKILL and arrives once', {
  timeout: 2 * BOOT_MS_MAX,
}, async () => {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-two-stores-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const env = { COLLECTOR_DATA_DIR: folder, ELASTICSEARCH_URL: `http://127.0.0.1:${port}` }
  const first = await startProgram(env)
  expect(first.output()).toContain(`log records also in Elasticsearch at http://127.0.0.1:${port} (tts-api-*)`)
  await expect.poll(first.output).toMatch(/Elasticsearch takes no log records \(.*ECONNREFUSED.*\)\. Trying goes on\./)

  expect(await sendLogs(first.url, 'queued', 100)).toBe(200)
  expect(await countLogs(first.url, 'queued')).toBe(100)
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
  const health = await fetch(`${first.url}/health`)
  expect([health.status, await health.json()]).toMatchObject([
    200,
    { status: 'degraded', checks: { store: { status: 'healthy' }, elasticsearch: { status: 'unhealthy', waiting: 100 } } },
  ])
  expect(await post(first.url, '/elasticsearch/v1/logs', ONE_LOG)).toMatchObject({ status: 503, retryAfter: '1' })
  expect(await first.end('SIGKILL')).toBe('SIGKILL')

  const standIn = await startStandIn(port)
  onTestFinished(() => standIn.close())
  const second = await startProgram(env)
  await expect.poll(() => stored(standIn), { timeout: 20_000 }).toBe(100)
  // Sent again to both: neither stores it twice.
  expect(await post(second.url, '/elasticsearch/v1/logs', ONE_LOG)).toEqual({ status: 200, body: {}, retryAfter: null })
  expect(await post(second.url, '/elasticsearch/v1/logs', ONE_LOG)).toMatchObject({ status: 200 })
  expect(stored(standIn)).toBe(101)
  expect(await post(second.url, '/elasticsearch/v1/traces', ONE_SPAN)).toMatchObject({
    status: 200,
    body: { partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('Elasticsearch stores log records only') } },
  })
  expect(await post(second.url, '/v1/traces', ONE_SPAN)).toEqual({ status: 200, body: {}, retryAfter: null })

  const metrics = await (await fetch(`${second.url}/metrics`)).text()
  expect(metrics).toContain('tts_otel_collector_sink_records_total{sink="elasticsearch",outcome="stored"} 102\n')
  expect(metrics).toContain('tts_otel_collector_sink_records_total{sink="elasticsearch",outcome="rejected"} 1\n')
  expect(metrics).toContain('tts_otel_collector_sink_records_total{sink="postgres",outcome="stored"} 1\n')
  expect(metrics).toContain('tts_otel_collector_queue_records{sink="elasticsearch"} 0\n')
  expect(metrics).toContain('tts_otel_collector_queue_dropped_total{sink="elasticsearch",reason="spool_full"} 0\n')
  expect(await second.end('SIGTERM')).toBe(0)
})

test('what the database does not take yet waits with its sender, not in copies in the queue', async () => {
  const program = await startProgram({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', ELASTICSEARCH_URL: 'http://127.0.0.1:1' })
  for (let sent = 0; sent < 3; sent++) expect(await post(program.url, '/v1/logs', ONE_LOG)).toMatchObject({ status: 503 })
  expect(await (await fetch(`${program.url}/metrics`)).text()).toContain('tts_otel_collector_queue_bytes{sink="elasticsearch"} 0\n')
  expect(await program.end('SIGTERM')).toBe(0)
})

test('a collector that only evaluates alerts leaves Elasticsearch alone', { timeout: 2 * BOOT_MS_MAX }, async () => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  const program = await startProgram({ COLLECTOR_ROLES: 'alerts', ELASTICSEARCH_URL: standIn.url })
  expect(await post(program.url, '/v1/logs', ONE_LOG)).toMatchObject({ status: 200 })
  expect(await post(program.url, '/elasticsearch/v1/logs', ONE_LOG)).toMatchObject({ status: 404 })
  expect(await program.end('SIGTERM')).toBe(0)
  expect(standIn.requests).toEqual([])
  expect(program.output()).not.toContain('Elasticsearch')
})

test('a folder that cannot hold the queue is told with what to do', async () => {
  const { code, stderr } = await runProgram({
    COLLECTOR_LISTEN: '127.0.0.1:0',
    COLLECTOR_DATA_DIR: '/dev/null/data',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    ELASTICSEARCH_URL: 'http://127.0.0.1:1',
  })
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /^tts-otel-collector: cannot start\. The folder \/dev\/null\/data\/queue\/elasticsearch cannot hold the queue.*COLLECTOR_DATA_DIR.*\n$/,
  )
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
