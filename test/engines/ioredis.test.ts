/** What the instrumentation of `ioredis` tells of a real Redis, with both versions of the client. */
import { once } from 'node:events'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { type Cluster, Redis as Redis6 } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createGuard } from '../../src/instrument/guard.ts'
import { instrumentIoredis } from '../../src/instrument/ioredis.ts'
import { getRequestId, withRequest } from '../../src/request-context.ts'
import { startTelemetry, waitForSpans } from '../instrument/support.ts'
import { createRedis, joinCluster, type RedisServer } from './support/redis.ts'

const telemetry = startTelemetry()
instrumentIoredis({ guard: createGuard('ioredis') })

let server: RedisServer
beforeAll(async () => {
  server = await createRedis({ password: 'a secret' })
  await server.start()
  telemetry.reset()
})
afterEach(() => telemetry.reset())
afterAll(async () => {
  await server?.remove()
})

function asRequest<T>(id: string, fn: () => T): T {
  const span = trace.getTracer('test').startSpan(`job ${id}`)
  return context.with(trace.setSpan(context.active(), span), () => withRequest({ requestId: id }, fn))
}

describe.each([
  ['ioredis 6', (options: object) => new Redis6(options)],
  // The types of the two are one another's but for the options.
  ['ioredis 5', (options: object) => new Redis5(options) as unknown as Redis6],
])('%s', (_name, create) => {
  const connect = (options: object = {}) => create({ host: '127.0.0.1', port: server.port, password: 'a secret', db: 2, ...options })

  test.each([true, false])(
    'a hundred requests at once keep their ids in awaits and callbacks (automatic pipelines: %s)',
    async (enableAutoPipelining) => {
      const redis = connect({ enableAutoPipelining })
      const jobs = Array.from({ length: 100 }, (_, index) =>
        asRequest(`r${index}`, async () => {
          const heard: unknown[] = []
          await redis.set(`key ${index}`, `value ${index}`)
          heard.push(getRequestId())
          await new Promise<void>((resolve) =>
            redis.get(`key ${index}`, (_error, value) => resolve(void heard.push(getRequestId(), value))),
          )
          return heard
        }),
      )
      for (const [index, heard] of (await Promise.all(jobs)).entries()) expect(heard).toEqual([`r${index}`, `r${index}`, `value ${index}`])
      await redis.quit()
      await waitForSpans(telemetry, 201)
      for (let index = 0; index < 100; index++)
        expect(telemetry.spans.filter(({ attributes }) => attributes.request_id === `r${index}`).map(({ name }) => name)).toEqual([
          'SET',
          'GET',
        ])
      expect(JSON.stringify(telemetry.spans.map(({ attributes }) => attributes))).not.toMatch(/key |value |secret/)
    },
  )

  test('scripts, blocking commands, transactions and errors', async () => {
    const redis = connect()
    redis.defineCommand('twice', { numberOfKeys: 1, lua: 'return ARGV[1] * 2' })
    const twice = Reflect.get(redis, 'twice') as (key: string, n: number) => Promise<number>
    expect(await twice.call(redis, 'k', 21)).toBe(42)
    expect(await twice.call(redis, 'k', 4)).toBe(8)
    expect(await redis.blpop('nothing', 0.05)).toBeNull()
    await redis.set('text', 'x')
    await expect(redis.lpush('text', 'a secret')).rejects.toThrow('WRONGTYPE')
    expect(await redis.multi().incr('n').incr('n').exec()).toEqual([
      [null, expect.any(Number)],
      [null, expect.any(Number)],
    ])
    redis.disconnect()
    const names = telemetry.spans.map(({ name, attributes }) => [name, attributes['error.type']])
    expect(names.slice(-5)).toEqual([
      ['EVALSHA', undefined],
      ['BLPOP', undefined],
      ['SET', undefined],
      ['LPUSH', 'WRONGTYPE'],
      ['MULTI INCR', undefined],
    ])
  })

  test('subscribers hear what is published', async () => {
    const [subscriber, publisher] = [connect(), connect()]
    await subscriber.subscribe('news')
    const heard = once(subscriber, 'message')
    await publisher.publish('news', 'hello')
    expect(await heard).toEqual(['news', 'hello'])
    subscriber.disconnect()
    publisher.disconnect()
    const spans = await waitForSpans(telemetry, 2)
    expect(spans.map(({ name }) => name)).toEqual(['SUBSCRIBE', 'PUBLISH'])
  })

  test('commands while the server is gone are errors of their callers, and the client finds it again', async () => {
    const redis = connect({ maxRetriesPerRequest: 1, retryStrategy: () => 50 })
    redis.on('error', () => {})
    await redis.set('a', '1')
    telemetry.reset()
    await server.killHard()
    await expect(asRequest('r1', () => redis.get('a'))).rejects.toThrow()
    await server.start()
    await expect.poll(() => redis.get('a').catch(() => 'gone'), { timeout: 10_000 }).toBeNull()
    redis.disconnect()
    expect(telemetry.spans[0]).toMatchObject({ name: 'GET', status: { code: SpanStatusCode.ERROR }, attributes: { request_id: 'r1' } })
    expect(telemetry.spans.at(-1)).toMatchObject({ name: 'GET', status: { code: SpanStatusCode.UNSET } })
    expect(new Set(telemetry.spans.map(({ name }) => name))).toEqual(new Set(['GET']))
  })
})

describe('a cluster', () => {
  let servers: readonly RedisServer[] = []
  beforeAll(async () => {
    servers = await Promise.all([1, 2].map(() => createRedis({ isClustered: true })))
    await Promise.all(servers.map((node) => node.start()))
    await joinCluster(servers)
  })
  afterAll(async () => {
    for (const node of servers) await node.remove()
  })

  test.each([
    ['ioredis 6', (nodes: object[], options: object) => new Redis6.Cluster(nodes, options)],
    ['ioredis 5', (nodes: object[], options: object) => new Redis5.Cluster(nodes, options) as unknown as Cluster],
  ])('%s: each command, pipeline and transaction is one span of its caller, whatever node it ends at', async (_name, create) => {
    const cluster = create([{ host: '127.0.0.1', port: servers[0]!.port }], {})
    await once(cluster, 'ready')
    telemetry.reset()
    await asRequest('r1', async () => {
      for (const key of ['a', 'b', 'c', 'd']) await cluster.set(key, '1')
      await cluster.pipeline().set('{x}1', '1').get('{x}1').exec()
      await cluster.multi().set('{x}2', '1').get('{x}2').exec()
      await expect(cluster.mget('a', 'b')).rejects.toThrow('CROSSSLOT')
      await new Promise<void>((resolve) => cluster.get('a', () => resolve(expect(getRequestId()).toBe('r1'))))
    })
    cluster.disconnect()
    const spans = await waitForSpans(telemetry, 8)
    expect(spans.map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
      ...Array.from({ length: 4 }, () => ['SET', undefined]),
      ['PIPELINE', undefined],
      ['MULTI', undefined],
      ['MGET', 'CROSSSLOT'],
      ['GET', undefined],
    ])
    for (const { attributes } of spans) expect(attributes).toMatchObject({ 'server.port': servers[0]!.port, request_id: 'r1' })
  })
})
