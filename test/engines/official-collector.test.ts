/** What we ship for production, on real servers: an app, the official collector, HAProxy, two fan-outs, both stores, Jaeger. */
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runNode } from '../support/run-node.ts'
import { counted } from './support/log-load.ts'
import { INGEST_TOKEN } from './support/otelcol.ts'
import { type Production, startProduction } from './support/production.ts'

const REQUESTS = 160
const RECORDS = 50
/** Of fixtures/app.mjs: its own call, what it answered, what it spoke. */
const SPANS = ['GET', 'GET /speak', 'tts_request']

let production: Production
beforeAll(async () => {
  production = await startProduction()
}, 180_000)
afterAll(() => production?.remove())

test('one request of an app: spans in PostgreSQL and Jaeger, its log records in both stores and with the evaluator', async () => {
  const { otelcol, jaeger, elasticsearch, evaluator } = production
  const app = await runNode(['--import', join(import.meta.dirname, '../../register.js'), join(import.meta.dirname, 'fixtures/app.mjs')], {
    env: {
      OTEL_SERVICE_NAME: 'one-request',
      OTEL_EXPORTER_OTLP_ENDPOINT: otelcol.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${INGEST_TOKEN}`,
    },
  })
  expect(app).toMatchObject({ code: 0, stderr: '' })

  const spans = () =>
    ask<{ name: string; trace_id: string }>("SELECT name, trace_id FROM spans WHERE service = 'one-request' ORDER BY name")
  await expect.poll(async () => (await spans()).map(({ name }) => name), { timeout: 30_000 }).toEqual(SPANS)
  const [{ trace_id: traceId } = { trace_id: '' }] = await spans()
  await expect.poll(async () => (await jaeger.spansOf(traceId)).toSorted(), { timeout: 30_000 }).toEqual(SPANS)

  const logs = () => ask<{ id: string; message: string }>("SELECT id, message FROM logs WHERE service = 'one-request' ORDER BY message")
  await expect.poll(async () => (await logs()).map(({ message }) => message), { timeout: 30_000 }).toContain('Speech requested')
  const ids = (await logs()).map(({ id }) => id).toSorted()
  await expect
    .poll(async () => (await elasticsearch.elastic.all('tts-api-2*')).map(({ id }) => id).toSorted(), { timeout: 30_000 })
    .toEqual(ids)
  await expect.poll(() => [...evaluator.arrivals].toSorted(), { timeout: 30_000 }).toEqual(ids.map((id) => [id, 1]))

  // Its own metrics, and those that the official collector makes of its spans.
  const metrics = () => ask<{ name: string }>('SELECT DISTINCT name FROM metric_points')
  const both = expect.arrayContaining(['http.server.request.duration', 'traces.span.metrics.calls', 'traces.span.metrics.duration'])
  await expect.poll(async () => (await metrics()).map(({ name }) => name), { timeout: 60_000 }).toEqual(both)
  await expect.poll(() => [...evaluator.metrics], { timeout: 30_000 }).toEqual(both)
})

test('each part killed or stopped in turn while senders go on: both stores have every record once, alerts have heard of each, and nobody has counted a loss', {
  timeout: 300_000,
}, async () => {
  const { otelcol, postgres, elasticsearch, evaluator, fanouts, jaeger } = production
  const uids: string[] = []
  let left = REQUESTS

  async function deliver(): Promise<void> {
    const own = Array.from({ length: RECORDS }, () => randomUUID())
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${INGEST_TOKEN}` }
    for (let attempt = 0; attempt < 600; attempt++) {
      const response = await fetch(`${otelcol.url}/v1/logs`, { method: 'POST', headers, body: requestOf(own) }).catch(() => undefined)
      await response?.arrayBuffer().catch(() => {})
      if (response?.status === 200) return void uids.push(...own)
      await sleep(100)
    }
    throw new Error(`a request was never taken: ${otelcol.output()}`)
  }
  const senders = Array.from({ length: 3 }, async () => {
    while (left-- > 0) {
      await deliver()
      await sleep(50)
    }
  })
  const reach = (requests: number) => expect.poll(() => uids.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(requests * RECORDS)

  await reach(10)
  await Promise.all([elasticsearch.killHard(), jaeger.end('SIGKILL')])
  await reach(30)
  const losses = [await lossesOf(otelcol)]
  expect(await otelcol.end('SIGTERM')).toBe(0)
  await otelcol.start()
  await reach(50)
  await fanouts[0].end('SIGKILL')
  await reach(70)
  await Promise.all([fanouts[0].start(), elasticsearch.start()])
  await postgres.killHard()
  await reach(90)
  losses.push(await lossesOf(otelcol))
  await otelcol.end('SIGKILL')
  await otelcol.start()
  await reach(110)
  await fanouts[1].end('SIGTERM')
  await postgres.start()
  await reach(130)
  await fanouts[1].start()
  await Promise.all(senders)
  expect(uids).toHaveLength(REQUESTS * RECORDS)

  const expected = uids.toSorted()
  const stored = () => ask<{ id: string }>("SELECT id FROM logs WHERE service = 'faults'")
  await expect.poll(async () => (await stored()).length, { timeout: 120_000, interval: 500 }).toBeGreaterThanOrEqual(uids.length)
  expect((await stored()).map(({ id }) => id).toSorted()).toEqual(expected)
  const found = async () => (await elasticsearch.elastic.all('tts-api-2*')).filter(({ source }) => source.service === 'faults')
  await expect.poll(async () => (await found()).length, { timeout: 120_000, interval: 500 }).toBeGreaterThanOrEqual(uids.length)
  expect((await found()).map(({ id }) => id).toSorted()).toEqual(expected)
  // What was between an answer and the queue for alerts when it was killed: what one pipeline holds in hand.
  const unheard = () => uids.filter((uid) => !evaluator.arrivals.has(uid)).length
  await expect.poll(unheard, { timeout: 120_000, interval: 500 }).toBeLessThanOrEqual((availableParallelism() + 1) * RECORDS)

  losses.push(await lossesOf(otelcol))
  expect(losses).toEqual(losses.map(() => [0, 0]))
  const rejected = fanouts.map(({ address }) => counted(`http://${address}`, 'records_rejected_total{signal="logs"}'))
  expect(await Promise.all(rejected)).toEqual([0, 0])
  expect(await ask('SELECT id FROM dead_letters')).toEqual([])
  expect(await elasticsearch.elastic.count('tts-api-dead-letters')).toBe(0)
})

/** Log records that its queues have not taken and that it has given up since it started. */
async function lossesOf({ counted: count }: Production['otelcol']): Promise<readonly number[]> {
  return await Promise.all(['enqueue_failed', 'send_failed'].map((what) => count(`otelcol_exporter_${what}_log_records`)))
}

async function ask<Row>(text: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: production.postgres.url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

function requestOf(uids: readonly string[]): string {
  const logRecords = uids.map((uid) => ({
    timeUnixNano: `${Date.now()}000000`,
    body: { stringValue: 'Speech generated' },
    attributes: [{ key: 'log.record.uid', value: { stringValue: uid } }],
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'faults' } }] }
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] })
}
