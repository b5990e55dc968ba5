import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Collector, createCollector } from '../../../collector/src/app.ts'
import { parseCollectorConfig } from '../../../collector/src/config.ts'

const READ = { authorization: 'Bearer read-me' }
const START_NS = BigInt(Date.now()) * 1_000_000n

const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-api-'))
let collector: Collector
let url: string
beforeAll(async () => {
  const { config, problems } = parseCollectorConfig({
    COLLECTOR_LISTEN: '127.0.0.1:0',
    COLLECTOR_DATA_DIR: dataDir,
    READ_TOKEN: 'read-me',
    INGEST_TOKEN: 'send-me',
  })
  expect(problems).toEqual([])
  collector = createCollector(config)
  url = (await collector.start()).url
})
afterAll(async () => {
  expect(await collector.stop()).toBe(true)
  rmSync(dataDir, { recursive: true, force: true })
})

type Attributes = Record<string, string | number>
const keyValues = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }))
const resource = (instance: string) => ({ attributes: keyValues({ 'service.name': 'tts-api', 'service.instance.id': instance }) })
const at = (us: number) => String(START_NS + BigInt(us) * 1_000n)

async function send(signal: 'logs' | 'traces' | 'metrics', body: object): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer send-me' }
  const response = await fetch(`${url}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect([response.status, await response.json()]).toEqual([200, {}])
}
const sendLogs = (instance: string, logRecords: object[]) =>
  send('logs', { resourceLogs: [{ resource: resource(instance), scopeLogs: [{ scope: { name: 'app.tts' }, logRecords }] }] })
const sendSpans = (instance: string, spans: object[]) =>
  send('traces', { resourceSpans: [{ resource: resource(instance), scopeSpans: [{ spans }] }] })
const sendMetrics = (instance: string, metrics: object[]) =>
  send('metrics', { resourceMetrics: [{ resource: resource(instance), scopeMetrics: [{ metrics }] }] })

async function get(path: string, init: RequestInit = {}) {
  const response = await fetch(url + path, { headers: READ, ...init })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

describe('GET /api/logs', () => {
  test('gives what was sent, newest first, with microseconds', async () => {
    const instance = randomUUID()
    await sendLogs(instance, [
      {
        timeUnixNano: at(1),
        severityNumber: 9,
        body: { stringValue: 'first' },
        attributes: keyValues({ request_id: 'r-1', user_id: 'u-1', attempt: 2 }),
      },
      { timeUnixNano: at(2), severityNumber: 17, body: { stringValue: 'second' }, traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) },
    ])
    const { status, body } = await get(`/api/logs?instance_id=${instance}`)
    expect(status).toBe(200)
    expect(body.next_cursor).toBeNull()
    expect(body.logs).toMatchObject([
      { level: 'ERROR', message: 'second', source: 'app.tts', trace_id: 'ab'.repeat(16), span_id: 'cd'.repeat(8), request_id: null },
      {
        level: 'INFO',
        message: 'first',
        request_id: 'r-1',
        user_id: 'u-1',
        metadata: { attempt: 2 },
        service: 'tts-api',
        instance_id: instance,
      },
    ])
    expect(body.logs[1].timestamp).toBe(`${new Date(Number(START_NS / 1_000_000n)).toISOString().slice(0, -1)}001Z`)
  })

  test('every filter finds the record and only it', async () => {
    const instance = randomUUID()
    const [request, user, trace] = [randomUUID(), randomUUID(), randomUUID().replaceAll('-', '')]
    await sendLogs(instance, [
      {
        timeUnixNano: at(10),
        severityNumber: 13,
        body: { stringValue: '100% of Quota_used' },
        traceId: trace,
        attributes: keyValues({ request_id: request, user_id: user }),
      },
      { timeUnixNano: at(20), severityNumber: 9, body: { stringValue: '100 per cent of QuotaXused' } },
    ])
    const since = new Date(Number(START_NS / 1_000_000n)).toISOString().slice(0, -1)
    const filters = [
      `request_id=${request}`,
      `user_id=${user}`,
      'level=warn',
      `trace_id=${trace.toUpperCase()}`,
      'q=0%25%20OF',
      'q=quota_used',
      `until=${since}011Z`,
    ]
    for (const filter of filters) {
      const { body } = await get(`/api/logs?instance_id=${instance}&${filter}`)
      expect([filter, body.logs.map((entry: { level: string }) => entry.level)]).toEqual([filter, ['WARNING']])
    }
    expect((await get(`/api/logs?instance_id=${instance}&since=${since}011%2B00:00`)).body.logs).toHaveLength(1)
  })

  test('pages join without a gap or a repeat, also among equal times', async () => {
    const instance = randomUUID()
    await sendLogs(
      instance,
      Array.from({ length: 45 }, (_, index) => ({ timeUnixNano: at(index % 2), body: { stringValue: String(index) } })),
    )
    const read: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await get(`/api/logs?instance_id=${instance}&limit=7${cursor && `&cursor=${cursor}`}`)
      read.push(...body.logs.map((entry: { message: string }) => entry.message))
      cursor = body.next_cursor
    }
    expect(read.toSorted()).toEqual(Array.from({ length: 45 }, (_, index) => String(index)).toSorted())
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=1e2', 'limit'],
    ['level=loud', 'level'],
    ['since=yesterday', 'since'],
    ['until=2026-13-01', 'until'],
    ['trace_id=xyz', 'trace_id'],
    ['cursor=abc', 'cursor'],
    [`cursor=${Buffer.from(`1 ${'-'.repeat(36)}`).toString('base64url')}`, 'cursor'],
    ['since=0000-01-01', 'since'],
    ['until=9999-12-31T23:59:59-23:00', 'until'],
    [`cursor=${Buffer.from("1 '; DROP TABLE logs; --").toString('base64url')}`, 'cursor'],
    ['q=%00', 'q'],
    [`user_id=${'x'.repeat(1_001)}`, 'user_id'],
    ['request_id=', 'request_id'],
    ['level=INFO&level=ERROR', 'level'],
    ['requestid=1', 'requestid'],
  ])('?%s is a 400 that names the parameter', async (query, name) => {
    const { status, body } = await get(`/api/logs?${query}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ error: 'invalid_parameter', message: expect.stringContaining(`"${name}"`) })
  })

  test.each(["'; DROP TABLE logs; --", "' OR '1'='1", '\\', '%', '_', '$1', '"'])('q=%s is only text', async (text) => {
    const instance = randomUUID()
    await sendLogs(instance, [{ timeUnixNano: at(0), body: { stringValue: 'harmless' } }])
    for (const name of ['q', 'request_id', 'user_id']) {
      const { status, body } = await get(`/api/logs?instance_id=${instance}&${name}=${encodeURIComponent(text)}`)
      expect([status, body.logs]).toEqual([200, []])
    }
    expect((await get(`/api/logs?instance_id=${encodeURIComponent(text)}`)).body.logs).toEqual([])
    expect((await get(`/api/logs?instance_id=${instance}`)).body.logs).toHaveLength(1)
  })
})

describe('GET /api/traces', () => {
  const instance = randomUUID()
  const trace = randomUUID().replaceAll('-', '')
  beforeAll(async () => {
    await sendSpans(instance, [
      {
        traceId: trace,
        spanId: 'b'.repeat(16),
        parentSpanId: 'a'.repeat(16),
        name: 'tts_request',
        kind: 1,
        startTimeUnixNano: at(100),
        endTimeUnixNano: at(900),
        attributes: keyValues({ request_id: 'r-7' }),
        status: { code: 2, message: 'no audio' },
        events: [{ timeUnixNano: at(150), name: 'Request queued' }],
      },
      {
        traceId: trace,
        spanId: 'a'.repeat(16),
        name: 'POST /api/v1/tts/generate',
        kind: 2,
        startTimeUnixNano: at(0),
        endTimeUnixNano: at(1_000),
        status: {},
      },
    ])
  })

  test('lists traces with what one looks for', async () => {
    const { body } = await get(`/api/traces?instance_id=${instance}`)
    expect(body).toMatchObject({
      next_cursor: null,
      traces: [
        {
          trace_id: trace,
          name: 'POST /api/v1/tts/generate',
          service: 'tts-api',
          duration_ms: 1,
          span_count: 2,
          error: true,
          request_id: 'r-7',
        },
      ],
    })
    expect((await get(`/api/traces?instance_id=${instance}&error=false`)).body.traces).toEqual([])
    expect((await get('/api/traces?error=maybe')).body.message).toContain('"error"')
  })

  test('gives one trace with its spans by start', async () => {
    const { body } = await get(`/api/traces/${trace.toUpperCase()}`)
    expect(body).toMatchObject({
      trace_id: trace,
      truncated: false,
      spans: [
        { span_id: 'a'.repeat(16), parent_span_id: null, kind: 'SERVER', status: 'unset', duration_ms: 1 },
        {
          span_id: 'b'.repeat(16),
          parent_span_id: 'a'.repeat(16),
          kind: 'INTERNAL',
          status: 'error',
          status_message: 'no audio',
          attributes: { request_id: 'r-7' },
        },
      ],
    })
    expect(body.spans[1].events).toEqual([{ time: expect.stringMatching(/150Z$/), name: 'Request queued', attributes: {} }])
  })

  test('an unknown trace is a 404, a broken id a 400', async () => {
    expect(await get(`/api/traces/${'0'.repeat(32)}`)).toMatchObject({ status: 404, body: { error: 'not_found' } })
    expect(await get('/api/traces/1%27--')).toMatchObject({ status: 400, body: { message: expect.stringContaining('32 hex digits') } })
  })
})

describe('GET /api/metrics/summary', () => {
  test('sums up the newest points of one process', async () => {
    const instance = randomUUID()
    const histogram = (name: string, count: number, sum: number, attributes: Attributes = {}) => ({
      name,
      unit: 's',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [1, 2].map((round) => ({
          startTimeUnixNano: at(0),
          timeUnixNano: at(round),
          count: String(count * round),
          sum: sum * round,
          explicitBounds: [1, 10],
          bucketCounts: [String(count * round), '0', '0'],
          attributes: keyValues(attributes),
        })),
      },
    })
    await sendMetrics(instance, [
      histogram('http.server.request.duration', 3, 1.5, { 'http.response.status_code': 200 }),
      histogram('http.server.request.duration', 1, 0.5, { 'http.response.status_code': 500 }),
      histogram('tts.audio.duration', 3, 9),
      {
        name: 'tts.requests',
        sum: {
          aggregationTemporality: 2,
          isMonotonic: true,
          dataPoints: [
            {
              startTimeUnixNano: at(0),
              timeUnixNano: at(1),
              asInt: '3',
              attributes: keyValues({ 'tts.outcome': 'ok', 'tts.voice': 'Kore' }),
            },
          ],
        },
      },
    ])
    expect((await get(`/api/metrics/summary?instance_id=${instance}`)).body).toMatchObject({
      total_requests: 8,
      failed_requests: 2,
      error_rate: 0.25,
      avg_request_duration: 0.5,
      audio_seconds: 18,
      by_outcome: { ok: 3 },
      by_voice: { Kore: 3 },
    })
    expect((await get('/api/metrics/summary?limit=1')).body.message).toContain('"limit"')
  })

  test('without since sums up the 24 hours before now, or before until, and says so', async () => {
    const instance = randomUUID()
    const hoursAgo = (hours: number) => `${Date.now() - hours * 3_600_000}000000`
    const startTimeUnixNano = hoursAgo(72)
    const counted = [
      [50, 2],
      [30, 5],
      [1, 8],
    ] as const
    const dataPoints = counted.map(([hours, asInt]) => ({
      startTimeUnixNano,
      timeUnixNano: hoursAgo(hours),
      asInt,
      attributes: keyValues({ 'tts.outcome': 'ok' }),
    }))
    await sendMetrics(instance, [{ name: 'tts.requests', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }])
    const summary = async (query: string) => (await get(`/api/metrics/summary?instance_id=${instance}${query}`)).body
    const since = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

    const day = await summary('')
    expect(day).toMatchObject({ by_outcome: { ok: 3 }, until: null })
    expect(Math.abs(Date.now() - 86_400_000 - Date.parse(day.since))).toBeLessThan(60_000)
    const until = since(20)
    expect(await summary(`&until=${until}`)).toMatchObject({ by_outcome: { ok: 3 }, until: until.replace('Z', '000Z') })
    expect(await summary(`&since=${since(80)}`)).toMatchObject({ by_outcome: { ok: 8 } })
  })
})

describe('the rest', () => {
  test('without the READ_TOKEN nobody reads, and health stays open', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer send-me' }]) {
      expect(await get('/api/logs', { headers })).toMatchObject({ status: 401, body: { error: 'unauthorized' } })
      expect((await get('/readyz', { headers })).status).toBe(200)
    }
    expect((await get('/api/logs', { headers: { authorization: 'bearer read-me' } })).status).toBe(200)
  })

  test('health endpoints say that it is well', async () => {
    expect((await get('/livez')).body).toEqual({ status: 'ok' })
    expect((await get('/readyz')).body).toEqual({ status: 'ok' })
    expect((await get('/health')).body).toMatchObject({ status: 'healthy', checks: { store: { kind: 'pglite', status: 'healthy' } } })
    const metrics = await fetch(`${url}/metrics`)
    expect(metrics.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    expect(await metrics.text()).toMatch(/^tts_otel_collector_records_stored_total\{signal="logs"\} \d+$/m)
  })

  test('GET / lists the endpoints, and each of them exists', async () => {
    const { body } = await get('/')
    const endpoints = Object.keys(body.endpoints).map((endpoint) => endpoint.replace(/:\w+/, '0'.repeat(32)).split(' '))
    expect(endpoints).toContainEqual(['GET', '/api/logs'])
    expect(endpoints).toContainEqual(['POST', '/api/alerts/silences'])
    for (const [method = '', path = ''] of endpoints)
      expect((await fetch(url + path, { method, headers: READ })).status).not.toBe(
        path.includes('traces/000') ? 400 : path.includes('000') ? 405 : 404,
      )
  })

  test('HEAD has no body, other methods and paths are refused', async () => {
    expect(await get('/readyz', { method: 'HEAD' })).toMatchObject({ status: 200, body: undefined })
    const post = await get('/api/logs', { method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await get('/api/nothing')).toMatchObject({ status: 404, body: { message: expect.stringContaining('GET / lists') } })
  })
})
