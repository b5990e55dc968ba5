/** The ready-made checks with the real clients, on a far end that takes connections and never answers, and on one that is not there. */
import { GoogleGenAI } from '@google/genai'
import { GoogleGenAI as GoogleGenAI2 } from 'google-genai-2'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { Client, Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { type Finding, type HealthCheck, runCheck } from '../../src/health/check.ts'
import { geminiCheck } from '../../src/health/gemini.ts'
import { postgresCheck } from '../../src/health/postgres.ts'
import { redisCheck } from '../../src/health/redis.ts'
import { startPostgresLike } from './postgres-like.ts'
import { closedPort, openHealth, startSilentServer } from './support.ts'

const HOST = '127.0.0.1'

function openPool(port: number, max = 3): Pool {
  const pool = new Pool({ host: HOST, port, user: 'tts', password: 'hunter2', database: 'tts', max })
  pool.on('error', () => {})
  return pool
}

function openRedis(port: number, maxRetriesPerRequest: number | null = null): Redis {
  const redis = new Redis({ host: HOST, port, retryStrategy: () => 20, maxRetriesPerRequest })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  return redis
}

function openRedis5(port: number): Redis5 {
  const redis = new Redis5({ host: HOST, port, retryStrategy: () => 20, maxRetriesPerRequest: null })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  return redis
}

const openGemini = (port: number) => new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `http://${HOST}:${port}` } })

async function checkTimes(count: number, check: HealthCheck, timeoutMs = 5): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const never = new AbortController().signal
  for (let index = 0; index < count; index++) findings.push(await runCheck(check, { timeoutMs, stopping: never, onEnd: () => {} }))
  return findings
}

const statusesOf = (findings: readonly Finding[]) => [...new Set(findings.map(({ status }) => status))]
const activeTimers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

test('everything hangs: the report says so within the limit', async () => {
  const { port } = await startSilentServer()
  const health = openHealth({
    timeoutMs: 1_000,
    checks: {
      database: postgresCheck(openPool(port)),
      redis: redisCheck(openRedis(port)),
      redis5: redisCheck(openRedis5(port)),
      gemini_api: geminiCheck(openGemini(port)),
    },
  })
  const startMs = performance.now()
  const { services } = await health.check()
  expect(performance.now() - startMs).toBeLessThan(15_000)
  expect(Object.fromEntries(Object.entries(services).map(([name, { error }]) => [name, error]))).toEqual({
    database: 'timed out after 1000 ms',
    redis: 'not connected within 1000 ms (connect)',
    redis5: 'not connected within 1000 ms (connect)',
    gemini_api: 'timed out after 1000 ms',
  })
})

test('nobody listens: the reason is told, and no host', async () => {
  const port = await closedPort()
  const health = openHealth({
    timeoutMs: 10_000,
    checks: {
      database: postgresCheck(openPool(port)),
      redis: redisCheck(openRedis(port, 0)),
      gemini_api: geminiCheck(openGemini(port)),
    },
  })
  const { services } = await health.check()
  expect(services.database?.error).toBe('connection refused')
  expect(services.redis?.error).toContain('Reached the max retries per request limit')
  expect(services.gemini_api?.error).toBe('connection refused')
})

test('a hundred checks of a pool that cannot connect: one place taken, one connection, no timer, no listener', async () => {
  const server = await startSilentServer()
  const pool = openPool(server.port)
  const timers = activeTimers()
  expect(statusesOf(await checkTimes(100, postgresCheck(pool)))).toEqual(['unhealthy'])
  expect([pool.totalCount, pool.waitingCount, server.accepted()]).toEqual([1, 0, 1])
  expect(activeTimers()).toBeLessThanOrEqual(timers + 1)
})

test('a pool without a free client: the check waits in line once, and gives the late client back', async () => {
  const server = await startPostgresLike()
  const pool = openPool(server.port, 1)
  const taken = await pool.connect()
  expect(statusesOf(await checkTimes(100, postgresCheck(pool)))).toEqual(['unhealthy'])
  expect(pool.waitingCount).toBe(1)
  taken.release()
  await expect.poll(() => [pool.waitingCount, pool.idleCount, pool.totalCount]).toEqual([0, 1, 1])
  await pool.end()
})

test('a statement that hangs: its connection is ended, the pool is whole, and its listeners are gone', async () => {
  const server = await startPostgresLike()
  const pool = openPool(server.port, 2)
  expect(statusesOf(await checkTimes(30, postgresCheck(pool), 100))).toEqual(['unhealthy'])
  await expect.poll(() => [pool.totalCount, pool.waitingCount, server.sockets.size]).toEqual([0, 0, 0])
  expect(server.statements()).toBeGreaterThan(5) // the others did not get that far on a busy machine
  await pool.end()
})

test('a statement that hangs when the checks are stopped: its connection is ended then, not at its limit', async () => {
  const server = await startPostgresLike()
  const pool = openPool(server.port)
  const health = openHealth({ timeoutMs: 600_000, checks: { database: postgresCheck(pool) } })
  const report = health.check()
  await expect.poll(server.statements).toBe(1)
  health.stop()
  expect((await report).services.database?.status).toBe('unknown')
  await expect.poll(() => [pool.totalCount, server.sockets.size]).toEqual([0, 0])
  await pool.end()
})

test('a connection that breaks under the statement: unhealthy, and the app goes on', async () => {
  const uncaught: unknown[] = []
  const seen = (error: unknown) => uncaught.push(error)
  process.on('uncaughtExceptionMonitor', seen)
  onTestFinished(() => void process.off('uncaughtExceptionMonitor', seen))
  const server = await startPostgresLike((socket) => socket.resetAndDestroy())
  const pool = openPool(server.port)
  expect(statusesOf(await checkTimes(20, postgresCheck(pool), 15_000))).toEqual(['unhealthy'])
  await expect.poll(() => pool.totalCount).toBe(0)
  expect([server.statements(), uncaught]).toEqual([20, []])
})

test('a statement that hangs on a single client: the app keeps its connection, and nothing piles up behind it', async () => {
  const server = await startPostgresLike()
  const client = new Client({ host: HOST, port: server.port, user: 'tts', database: 'tts' })
  client.on('error', () => {})
  await client.connect()
  const listeners = client.listenerCount('error')
  expect(statusesOf(await checkTimes(100, postgresCheck(client)))).toEqual(['unhealthy'])
  expect([server.sockets.size, client.listenerCount('error')]).toEqual([1, listeners])
  expect(server.statements()).toBe(1)
  await expect.poll(() => Reflect.get(client, '_queryQueue')).toHaveLength(0)
})

test.each([
  ['ioredis 6', openRedis],
  ['ioredis 5', openRedis5],
] as const)('a hundred checks of a Redis that is gone leave one PING in the queue of %s', async (_, open) => {
  const redis = open(await closedPort())
  const listeners = redis.listenerCount('error')
  expect(statusesOf(await checkTimes(100, redisCheck(redis)))).toEqual(['unhealthy'])
  expect(Reflect.get(redis, 'offlineQueue')).toHaveLength(1)
  expect(redis.listenerCount('error')).toBe(listeners)
})

test('a hundred checks of a Gemini that hangs leave no connection', async () => {
  const server = await startSilentServer()
  const gemini = openGemini(server.port)
  expect(statusesOf(await checkTimes(100, geminiCheck(gemini), 10))).toEqual(['unhealthy'])
  await expect.poll(() => server.sockets.size).toBe(0)
})

test('a Gemini client that retries by itself: the check asks once', async () => {
  const standIn = createGeminiStandIn({ timeScale: 0.01 })
  const { url } = await standIn.listen()
  onTestFinished(() => standIn.stop())
  let asked = 0
  const counting: typeof fetch = (...request) => {
    asked += 1
    return fetch(...request)
  }
  const retryOptions = { attempts: 5, initialDelay: 0.001 }
  const headers = { 'x-stand-in-mode': 'unavailable' }
  const gemini = new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: url, retryOptions, headers, fetch: counting } })
  const { services } = await openHealth({ checks: { gemini: geminiCheck(gemini) } }).check()
  expect(services.gemini?.error).toBe('answered with status 503')
  expect(asked).toBe(1)
})

test.each([
  ['the right key', STAND_IN_KEY, 'ok', undefined],
  ['a wrong key', 'wrong', 'ok', 'authentication failed'],
  ['a key without the permission', STAND_IN_KEY, 'forbidden', 'permission denied'],
  ['a quota that is used up', STAND_IN_KEY, 'quota', 'rate limited'],
  ['an outage', STAND_IN_KEY, 'internal', 'answered with status 500'],
])('Gemini with %s', async (_, apiKey, mode, error) => {
  const standIn = createGeminiStandIn({ timeScale: 0.01 })
  const { url } = await standIn.listen()
  onTestFinished(() => standIn.stop())
  const options = { apiKey, httpOptions: { baseUrl: url, headers: { 'x-stand-in-mode': mode } } }
  const health = openHealth({ checks: { now: geminiCheck(new GoogleGenAI(options)), before: geminiCheck(new GoogleGenAI2(options)) } })
  const { services } = await health.check()
  expect([services.now?.error, services.before?.error]).toEqual([error, error])
})
