/** What the checks themselves leave in the telemetry: two metrics, and nothing else. */
import { createServer } from 'node:http'
import { GoogleGenAI } from '@google/genai'
import { context, SpanKind } from '@opentelemetry/api'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { geminiCheck } from '../../src/health/gemini.ts'
import { createHealth } from '../../src/health/health.ts'
import { postgresCheck } from '../../src/health/postgres.ts'
import { redisCheck } from '../../src/health/redis.ts'
import { serveHealth } from '../../src/health/serve.ts'
import { installInstrumentation } from '../../src/instrument/install.ts'
import { isSuppressed } from '../../src/instrument/suppress.ts'
import { currentRequest, withRequest } from '../../src/request-context.ts'
import { startRedisServer } from '../instrument/redis-server.ts'
import { listen, startTelemetry } from '../instrument/support.ts'
import { answerStatement, startPostgresLike } from './postgres-like.ts'
import { openHealth } from './support.ts'

const before = createHealth({
  intervalMs: 20,
  checks: {
    database: () => {},
    queue: () => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' })),
    hanging: () => new Promise(() => {}),
  },
  timeoutMs: 20,
})
const telemetry = startTelemetry()
const instruments = installInstrumentation({ contextManager: telemetry.contextManager })
afterAll(() => {
  before.stop()
  instruments.uninstall()
})

test('a meter provider that is registered after createHealth gets the metrics', async () => {
  await expect.poll(async () => (await telemetry.points('health.check.duration')).length, { timeout: 5_000 }).toBe(3)
  const status = await telemetry.points('health.check.status')
  expect(Object.fromEntries(status.map(({ attributes, value }) => [attributes['health.check.name'], value]))).toEqual({
    database: 1,
    queue: 0,
    hanging: 0,
  })
  const duration = await telemetry.points('health.check.duration')
  expect(duration.map(({ attributes }) => attributes)).toEqual([
    { 'health.check.name': 'database' },
    { 'health.check.name': 'queue', 'error.type': 'ECONNREFUSED' },
    { 'health.check.name': 'hanging', 'error.type': 'timeout' },
  ])
  expect(telemetry.spans).toEqual([])
})

test('a check is not traced and belongs to no request, even when a request starts it', async () => {
  const seen: unknown[] = []
  const health = openHealth({
    intervalMs: 10,
    timeoutMs: 10,
    checks: {
      mine() {
        seen.push([isSuppressed(context.active()), currentRequest()])
      },
    },
  })
  await health.check()
  await withRequest({ requestId: 'r1' }, () => {
    const startMs = performance.now()
    // Until the result is too old and no timer could renew it: now the request has to.
    while (performance.now() < startMs + 100);
    return health.check()
  })
  expect(seen.length).toBeGreaterThan(1)
  expect(seen).toEqual(seen.map(() => [true, undefined]))
})

test('the Gemini check makes no client span and no client metric, although the same client is traced otherwise', async () => {
  const standIn = createGeminiStandIn({ timeScale: 0.01 })
  const { url } = await standIn.listen()
  const gemini = new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: url } })
  const measured = (await telemetry.points('http.client.request.duration')).length
  expect((await openHealth({ checks: { gemini: geminiCheck(gemini) } }).check()).status).toBe('healthy')
  await expect.poll(() => spansOf(SpanKind.SERVER)).toEqual(['/v1/models'])
  expect(spansOf(SpanKind.CLIENT)).toEqual([])
  expect(await telemetry.points('http.client.request.duration')).toHaveLength(measured)

  await gemini.models.list()
  await expect.poll(() => spansOf(SpanKind.CLIENT)).toHaveLength(1)
  telemetry.reset()
  await standIn.stop()
})

test('the checks of PostgreSQL and Redis make no span and no duration, although the same clients are traced otherwise', async () => {
  const postgres = await startPostgresLike(answerStatement)
  const server = await startRedisServer()
  const pool = new pg.Pool({ host: '127.0.0.1', port: postgres.port, user: 'tts', database: 'tts' })
  const redis = new Redis({ host: '127.0.0.1', port: server.port, lazyConnect: true })
  const checks = { database: postgresCheck(pool), redis: redisCheck(redis) }
  expect((await openHealth({ checks }).check()).services).toMatchObject({ database: { status: 'healthy' }, redis: { status: 'healthy' } })
  expect([postgres.statements(), server.commands.includes('ping')]).toEqual([1, true])
  expect(telemetry.spans).toEqual([])
  expect(await telemetry.points('db.client.operation.duration')).toEqual([])

  // On the connection that the check has made.
  const inCallback = Promise.withResolvers<boolean>()
  pool.query('SELECT 1', () => inCallback.resolve(isSuppressed(context.active())))
  await redis.get('key')
  expect(await inCallback.promise).toBe(false)
  await expect.poll(() => telemetry.spans).toHaveLength(2)
  expect(postgres.sockets.size).toBe(1)
  telemetry.reset()
  redis.disconnect()
  await Promise.all([pool.end(), server.close()])
})

test('probes are answered by a plain server and leave no span', async () => {
  const health = openHealth({ checks: { database: () => {} } })
  await health.check()
  const serve = serveHealth(health)
  const app = await listen(
    createServer(async (request, response) => {
      if (await serve(request, response)) return
      response.writeHead(404).end('mine')
    }),
  )
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(app.url + path, init)
    return [response.status, response.headers.get('content-type'), response.headers.get('cache-control'), await response.text()]
  }
  const json = ['application/json', 'no-store']
  expect(await ask('/livez')).toEqual([200, ...json, '{"status":"ok"}'])
  expect(await ask('/readyz?verbose')).toEqual([200, ...json, '{"status":"ok"}'])
  expect(await ask('/readyz', { method: 'HEAD' })).toEqual([200, ...json, ''])
  expect(JSON.parse(String((await ask('/health'))[3]))).toMatchObject({ status: 'healthy', services: { database: { status: 'healthy' } } })
  expect((await ask('/health', { method: 'POST' }))[3]).toBe('mine')
  expect((await ask('/'))[3]).toBe('mine')
  await app.close()
  await expect.poll(() => spansOf(SpanKind.SERVER)).toEqual(['/'])
})

/** Paths of the ended spans of a kind. */
function spansOf(kind: SpanKind): unknown[] {
  return telemetry.spans.filter((span) => span.kind === kind).map(({ attributes }) => attributes['url.path'] ?? attributes['url.full'])
}
