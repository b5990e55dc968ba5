/** Health checks against a real PostgreSQL and a real Redis that hang, are killed and come back. */
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Health } from '../../src/health/health.ts'
import { postgresCheck } from '../../src/health/postgres.ts'
import { redisCheck } from '../../src/health/redis.ts'
import { openHealth } from '../health/support.ts'
import { freeze, parentOf } from './support/freeze.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'
import { createRedis, type RedisServer } from './support/redis.ts'

const TIMEOUT_MS = 300
const BACK_MS_MAX = 15_000

let postgres: PostgresServer
let redis: RedisServer
const warnings: Error[] = []
const warn = (warning: Error) => warnings.push(warning)

beforeAll(async () => {
  process.on('warning', warn)
  postgres = await createPostgres()
  redis = await createRedis()
  await Promise.all([postgres.start(), redis.start()])
})
afterAll(async () => {
  process.off('warning', warn)
  await Promise.all([postgres?.remove(), redis?.remove()])
})
beforeEach(() => {
  warnings.length = 0
})

function openPool(database = 'postgres'): Pool {
  const pool = new Pool({ connectionString: postgres.url.replace(/\/postgres$/, `/${database}`), max: 4 })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  return pool
}

function openRedis(port = redis.port): Redis {
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  return client
}

function openRedis5(): Redis5 {
  const client = new Redis5({ host: '127.0.0.1', port: redis.port, retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  return client
}

/** Commands that ioredis keeps for when it is connected: those that came since, and one that was under way when the server went. */
function waitingIn(client: Redis | Redis5): number {
  const queues = ['offlineQueue', 'prevCommandQueue'].map((name) => Reflect.get(client, name))
  return queues.reduce((count: number, queue) => count + (queue?.length ?? 0), 0)
}

const service = async (health: Health, name: string) => (await health.check()).services[name]

/** The server and all its connections. */
async function freezePostgres(pool: Pool): Promise<() => void> {
  const { rows } = await pool.query('SELECT pg_backend_pid() AS pid')
  const thaw = freeze(parentOf(rows[0].pid))
  onTestFinished(thaw)
  return thaw
}

test('a database that hangs: told within the limit, the pool stays whole, and no statement is left when it goes on', async () => {
  const pool = openPool()
  const single = new Client({ connectionString: postgres.url })
  single.on('error', () => {})
  await single.connect()
  onTestFinished(() => single.end())
  const checks = { database: postgresCheck(pool), single: postgresCheck(single) }
  const health = openHealth({ intervalMs: 20, timeoutMs: TIMEOUT_MS, checks })
  expect(await health.check()).toMatchObject({
    status: 'healthy',
    services: { database: { status: 'healthy' }, single: { status: 'healthy' } },
  })

  const thaw = await freezePostgres(pool)
  await expect
    .poll(() => health.check())
    .toMatchObject({
      status: 'unhealthy',
      services: { database: { error: `timed out after ${TIMEOUT_MS} ms` }, single: { status: 'unhealthy' } },
    })
  expect((await health.answer('/readyz'))?.status).toBe(503)
  expect((await health.answer('/livez'))?.status).toBe(200)
  expect((await health.answer('/health'))?.status).toBe(503)
  // Once the idle clients are used up there is the one that tries to connect, and several runs later still no other.
  await expect.poll(() => [pool.totalCount, pool.idleCount], { timeout: BACK_MS_MAX }).toEqual([1, 0])
  await new Promise((resolve) => setTimeout(resolve, 5 * TIMEOUT_MS))
  expect([pool.totalCount, pool.waitingCount]).toEqual([1, 0])

  thaw()
  await expect.poll(() => health.check(), { timeout: BACK_MS_MAX }).toMatchObject({ status: 'healthy' })
  health.stop()
  const clients = await Promise.all(Array.from({ length: 4 }, () => pool.connect()))
  const { rows } = await clients[0]!.query(
    "SELECT query FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
  )
  for (const client of clients) client.release()
  expect(rows).toEqual([])
  expect(warnings).toEqual([])
})

test('a database that is killed, with the check in the middle of it: the app lives, says so, and sees it come back', async () => {
  const pool = openPool()
  const health = openHealth({ intervalMs: 5, timeoutMs: TIMEOUT_MS, checks: { database: postgresCheck(pool) } })
  expect((await health.check()).status).toBe('healthy')
  await postgres.killHard()
  await expect.poll(() => service(health, 'database')).toMatchObject({ status: 'unhealthy', error: 'connection refused' })
  await postgres.start()
  await expect.poll(() => service(health, 'database'), { timeout: BACK_MS_MAX }).toMatchObject({ status: 'healthy' })
  expect(pool.totalCount).toBeLessThanOrEqual(1)
  expect(warnings).toEqual([])
})

test('a pool that others have used up: unhealthy, and not one place in its queue too many', async () => {
  const pool = openPool()
  const taken = await Promise.all(Array.from({ length: 4 }, () => pool.connect()))
  const health = openHealth({ intervalMs: 5, timeoutMs: TIMEOUT_MS, checks: { database: postgresCheck(pool) } })
  await health.check()
  await new Promise((resolve) => setTimeout(resolve, 3 * TIMEOUT_MS))
  expect(await service(health, 'database')).toMatchObject({ error: `timed out after ${TIMEOUT_MS} ms` })
  expect(pool.waitingCount).toBe(1)
  for (const client of taken) client.release()
  await expect.poll(() => service(health, 'database'), { timeout: BACK_MS_MAX }).toMatchObject({ status: 'healthy' })
  expect(pool.waitingCount).toBe(0)
})

test('a database that does not exist: the reason without its name', async () => {
  const health = openHealth({ checks: { database: postgresCheck(openPool('missing')) } })
  expect(await service(health, 'database')).toMatchObject({ error: 'the database does not exist' })
})

test.each([
  ['ioredis 6', openRedis],
  ['ioredis 5', openRedis5],
] as const)('a Redis that hangs and goes on, seen by %s', async (_, open) => {
  const health = openHealth({ intervalMs: 20, timeoutMs: TIMEOUT_MS, checks: { redis: redisCheck(open()) } })
  expect(await service(health, 'redis')).toMatchObject({ status: 'healthy' })
  redis.freeze()
  onTestFinished(() => redis.thaw())
  await expect.poll(() => service(health, 'redis')).toMatchObject({ status: 'unhealthy', error: `timed out after ${TIMEOUT_MS} ms` })
  expect((await health.answer('/readyz'))?.status).toBe(503)
  redis.thaw()
  await expect.poll(() => service(health, 'redis'), { timeout: BACK_MS_MAX }).toMatchObject({ status: 'healthy' })
  expect(warnings).toEqual([])
})

test.each([
  ['ioredis 6', openRedis],
  ['ioredis 5', openRedis5],
] as const)('a Redis that is gone and comes back, seen by %s: one PING waits meanwhile', async (_, open) => {
  const client = open()
  const health = openHealth({ intervalMs: 10, timeoutMs: TIMEOUT_MS, checks: { redis: redisCheck(client) } })
  expect(await service(health, 'redis')).toMatchObject({ status: 'healthy' })
  await redis.killHard()
  await expect
    .poll(() => service(health, 'redis'), { timeout: BACK_MS_MAX })
    .toMatchObject({ error: expect.stringMatching(/^not connected within \d+ ms \((?:re)?connecting\)$/) })
  // Several time limits later there is still the one that waits, and no other.
  await new Promise((resolve) => setTimeout(resolve, 5 * TIMEOUT_MS))
  await expect.poll(() => waitingIn(client), { timeout: BACK_MS_MAX }).toBe(1)
  await redis.start()
  await expect.poll(() => service(health, 'redis'), { timeout: BACK_MS_MAX }).toMatchObject({ status: 'healthy' })
  expect(warnings).toEqual([])
})

test('a Redis that wants a password: the check says so', async () => {
  const locked = await createRedis({ password: 'hunter2' })
  await locked.start()
  onTestFinished(() => locked.remove())
  const health = openHealth({ timeoutMs: 2_000, checks: { redis: redisCheck(openRedis(locked.port)) } })
  expect(await service(health, 'redis')).toMatchObject({ status: 'unhealthy', error: 'authentication failed' })
})
