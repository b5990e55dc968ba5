import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer } from 'node:net'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { Redis as Redis6 } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createGuard } from '../../src/instrument/guard.ts'
import { instrumentIoredis } from '../../src/instrument/ioredis.ts'
import { suppress } from '../../src/instrument/suppress.ts'
import { getRequestId, withRequest } from '../../src/request-context.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'
import { startTelemetry, waitForSpans } from './support.ts'
import { listenOn } from './tcp.ts'

const telemetry = startTelemetry()
const stop = instrumentIoredis({ guard: createGuard('ioredis') })
const own = new AsyncLocalStorage<string>()

let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterEach(() => telemetry.reset())
afterAll(async () => {
  stop()
  await server.close()
})

/** Runs `fn` as request `id`, in a span. */
function asRequest<T>(id: string, fn: (where: () => object) => T): { readonly result: T; readonly spanId: string; readonly here: object } {
  const span = trace.getTracer('test').startSpan(`job ${id}`)
  const { spanId } = span.spanContext()
  const where = () => ({ request: getRequestId(), span: trace.getActiveSpan()?.spanContext().spanId, own: own.getStore() })
  const result = context.with(trace.setSpan(context.active(), span), () =>
    own.run(`own ${id}`, () => withRequest({ requestId: id }, () => fn(where))),
  )
  return { result, spanId, here: { request: id, span: spanId, own: `own ${id}` } }
}

describe.each([
  ['ioredis 6', (options: object) => new Redis6(options)],
  // The types of the two are one another's but for the options.
  ['ioredis 5', (options: object) => new Redis5(options) as unknown as Redis6],
])('%s', (_name, create) => {
  const connect = (options: object = {}) => create({ host: '127.0.0.1', port: server.port, db: 0, ...options })

  test('a command becomes a client span of the caller, without key and value', async () => {
    const redis = connect()
    const { result, spanId } = asRequest('r1', () => redis.set('user:4711', 'a secret'))
    expect(await result).toBe('OK')
    const [span] = await waitForSpans(telemetry, 1)
    expect(span).toMatchObject({ name: 'SET', kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } })
    expect(span!.parentSpanContext?.spanId).toBe(spanId)
    expect(span!.attributes).toEqual({
      'db.system.name': 'redis',
      'db.namespace': '0',
      'db.operation.name': 'SET',
      'db.query.text': 'SET ? ?',
      'server.address': '127.0.0.1',
      'server.port': server.port,
      request_id: 'r1',
    })
    redis.disconnect()
  })

  test('errors of the server are the caller’s; the span has their code and nothing that the server quoted', async () => {
    const redis = connect()
    await expect(redis.lpush('k', 'v')).rejects.toMatchObject({ name: 'ReplyError' })
    await expect(redis.call('bad', 'a secret')).rejects.toThrow('a secret')
    redis.disconnect()
    const spans = await waitForSpans(telemetry, 2)
    expect(spans.map(({ attributes }) => [attributes['error.type'], attributes['db.response.status_code']])).toEqual([
      ['WRONGTYPE', 'WRONGTYPE'],
      ['ERR', 'ERR'],
    ])
    expect(spans.map(({ status }) => status.message)).toEqual([
      'WRONGTYPE Operation against a key holding the wrong kind of value',
      'ERR unknown command ?',
    ])
  })

  test('connecting, by request or by itself, makes no spans', async () => {
    const redis = connect({ db: 3, lazyConnect: true })
    const { result } = asRequest('r1', () => redis.get('a'))
    await result
    redis.disconnect()
    expect(server.commands).toContain('select')
    expect(server.commands).toContain('info')
    const [span] = await waitForSpans(telemetry, 1)
    expect(span).toMatchObject({ name: 'GET', attributes: { 'db.namespace': '3' } })
  })

  test('a command that waits for a connection, or never gets one, belongs to its caller', async () => {
    const closed = await listenOn(createServer())
    await closed.close()
    const gone = connect({ port: closed.port, maxRetriesPerRequest: 1, retryStrategy: () => 10 })
    gone.on('error', () => {})
    const { result, spanId } = asRequest('r1', () => gone.get('a'))
    await expect(result).rejects.toThrow('max retries')
    gone.disconnect()
    const [span] = await waitForSpans(telemetry, 1)
    expect(span).toMatchObject({ name: 'GET', parentSpanContext: { spanId }, status: { code: SpanStatusCode.ERROR } })
    expect(span!.attributes).toMatchObject({ 'error.type': 'MaxRetriesPerRequestError', request_id: 'r1' })
  })

  test.each([true, false])('callbacks and awaits keep their request (automatic pipelines: %s)', async (enableAutoPipelining) => {
    const redis = connect({ enableAutoPipelining })
    await asRequest('maker', () => redis.get('a')).result
    telemetry.reset()
    const jobs = ['a', 'b', 'c'].map((id) =>
      asRequest(id, async (where) => {
        const found: object[] = []
        await redis.set(id, '1')
        found.push(where())
        await new Promise<void>((resolve) => redis.get(id, () => resolve(void found.push(where()))))
        return found
      }),
    )
    for (const { result, here } of jobs) expect(await result).toEqual([here, here])
    redis.disconnect()
    const spans = await waitForSpans(telemetry, 6)
    for (const [index, id] of ['a', 'b', 'c'].entries()) {
      const ofJob = spans.filter(({ attributes }) => attributes.request_id === id)
      expect(ofJob.map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId])).toEqual([
        ['SET', jobs[index]!.spanId],
        ['GET', jobs[index]!.spanId],
      ])
    }
  })

  test('events of a stream of keys belong to who reads it', async () => {
    const redis = connect()
    await asRequest('maker', () => redis.set('a', '1')).result
    const { result, here } = asRequest('reader', async (where) => {
      const found: object[] = []
      const keys = redis.scanStream({ count: 1 })
      keys.on('data', () => found.push(where()))
      await new Promise((resolve, reject) => keys.on('end', () => resolve(found.push(where()))).on('error', reject))
      return found
    })
    expect(await result).toEqual([here, here, here])
    redis.disconnect()
  })

  test('a pipeline and a transaction are one span each', async () => {
    const redis = connect()
    const { result } = asRequest('r1', async () => [
      await redis.pipeline().set('a', '1').get('a').exec(),
      await redis
        .pipeline([
          ['get', 'a'],
          ['get', 'nobody'],
        ])
        .exec(),
      await redis.pipeline().get('a').exec(),
      await redis.multi().set('a', '2').set('b', '3').exec(),
      await redis.pipeline().exec(),
    ])
    expect(await result).toEqual([
      [
        [null, 'OK'],
        [null, '1'],
      ],
      [
        [null, '1'],
        [null, null],
      ],
      [[null, '1']],
      [
        [null, 'OK'],
        [null, 'OK'],
      ],
      [],
    ])
    redis.disconnect()
    const spans = await waitForSpans(telemetry, 4)
    expect(spans.map(({ name, attributes }) => [name, attributes['db.operation.batch.size'], attributes['db.query.text']])).toEqual([
      ['PIPELINE', 2, 'SET ? ?; GET ?'],
      ['PIPELINE GET', 2, 'GET ?; GET ?'],
      ['GET', undefined, 'GET ?'],
      ['MULTI SET', 2, 'SET ? ?; SET ? ?'],
    ])
    expect(spans.every(({ attributes }) => attributes.request_id === 'r1')).toBe(true)
  })

  test('one failed command makes its pipeline or transaction an error', async () => {
    const redis = connect()
    await redis.pipeline().get('a').lpush('a', '1').exec()
    await redis.multi().get('a').lpush('a', '1').exec()
    redis.disconnect()
    const spans = await waitForSpans(telemetry, 2)
    expect(spans.map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
      ['PIPELINE', 'WRONGTYPE'],
      ['MULTI', 'WRONGTYPE'],
    ])
  })

  test('a deadline and a broken connection end the span', async () => {
    const redis = connect({ commandTimeout: 500, maxRetriesPerRequest: 0, retryStrategy: () => null })
    redis.on('error', () => {})
    await redis.get('a')
    server.silence(true)
    await expect(redis.get('b')).rejects.toThrow('timed out')
    const cut = redis.get('c')
    server.cut()
    await expect(cut).rejects.toThrow()
    server.silence(false)
    const spans = await waitForSpans(telemetry, 3)
    expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual([undefined, 'timeout', 'Error'])
  })

  test('a suppressed context gives no span and the same answer', async () => {
    const redis = connect()
    await context.with(suppress(context.active()), () => redis.set('quiet', 'yes'))
    expect(await redis.get('quiet')).toBe('yes')
    redis.disconnect()
    await waitForSpans(telemetry, 1)
  })

  test('names that apps make up do not become series', async () => {
    const redis = connect()
    await redis.call('no command: 4711')
    await redis.mget(Array.from({ length: 100 }, (_, index) => `k${index}`))
    redis.disconnect()
    const spans = await waitForSpans(telemetry, 2)
    expect(spans.map(({ name, attributes }) => [name, attributes['db.query.text']])).toEqual([
      ['OTHER', 'OTHER'],
      ['MGET', `MGET${' ?'.repeat(16)} …`],
    ])
  })
})

test('durations are measured by command and error', async () => {
  const redis = new Redis6({ host: '127.0.0.1', port: server.port, db: 0 })
  await redis.lpush('k', 'v').catch(() => {})
  await redis.get('k')
  redis.disconnect()
  const shared = { 'db.system.name': 'redis', 'db.namespace': '0', 'server.address': '127.0.0.1', 'server.port': server.port }
  const points = (await telemetry.points('db.client.operation.duration')).map(({ attributes }) => attributes)
  expect(points).toContainEqual({ ...shared, 'db.operation.name': 'GET' })
  expect(points).toContainEqual({
    ...shared,
    'db.operation.name': 'LPUSH',
    'error.type': 'WRONGTYPE',
    'db.response.status_code': 'WRONGTYPE',
  })
})
