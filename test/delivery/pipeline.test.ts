import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, expect, test } from 'vitest'
import { createPipeline } from '../../src/delivery/pipeline.ts'
import { createPost } from '../../src/delivery/post.ts'
import { createStats } from '../../src/delivery/stats.ts'
import { createEncoder } from '../../src/wire/encode.ts'
import { countItems } from '../../src/wire/protobuf.ts'
import { randomTelemetry } from '../collector/receive/telemetry.ts'
import { seededRandom } from '../support/random.ts'
import { type Collector, type CollectorOptions, itemName, OK, startCollector } from './support/collector.ts'
import { createDelivery, type Delivery, NO_DROPS, until } from './support/delivery.ts'
import { makeSpans, names } from './support/items.ts'

const running: Collector[] = []
afterEach(() => Promise.all(running.splice(0).map((collector) => collector.stop())))

async function collectorThat(options: CollectorOptions = {}): Promise<Collector> {
  const collector = await startCollector(options)
  running.push(collector)
  return collector
}

function pushAll(delivery: Delivery, count: number): void {
  for (const span of makeSpans(count)) delivery.push(span)
}

test('a healthy collector gets every span once, in requests of at most 512, over kept connections', async () => {
  const collector = await collectorThat()
  const delivery = createDelivery(collector.url, { limits: { queueItemsMax: 5_000, batchItemsMax: 4_000 } })
  pushAll(delivery, 3_000)
  expect(delivery.health()).toMatchObject({ created: 3_000, waiting: 3_000 })

  expect(await delivery.forceFlush(15_000)).toBe(true)
  expect(collector.stored.toSorted()).toEqual(names(3_000).toSorted())
  expect(Math.max(...collector.received.map((request) => request.names.length))).toBe(512)
  expect(collector.connections()).toBeLessThanOrEqual(4)
  expect(delivery.health()).toMatchObject({ created: 3_000, sampledOut: 0, sent: 3_000, retried: 0, waiting: 0, dropped: NO_DROPS })
})

test('a few spans go out by themselves after the delay', async () => {
  const collector = await collectorThat()
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 3)
  await until(() => delivery.health().sent === 3)
  expect(collector.received).toHaveLength(1)
})

test('one connection serves one request after the other', async () => {
  const collector = await collectorThat()
  const delivery = createDelivery(collector.url)
  for (let round = 0; round < 5; round++) {
    pushAll(delivery, 1)
    expect(await delivery.forceFlush(1_000)).toBe(true)
  }
  expect(collector.received).toHaveLength(5)
  expect(collector.connections()).toBe(1)
})

test('503 with Retry-After: 1 leaves the collector alone for a second, whatever is flushed meanwhile', async () => {
  const collector = await collectorThat({
    answer: (_, count) => (count === 1 ? { status: 503, headers: { 'retry-after': '1' } } : OK),
  })
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 10)
  expect(await delivery.forceFlush(300)).toBe(false)
  pushAll(delivery, 10)
  expect(delivery.health()).toMatchObject({ sent: 0, waiting: 20, retried: 1 })

  expect(await delivery.forceFlush(15_000)).toBe(true)
  const [first, second] = collector.received
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(995)
  expect(delivery.health()).toMatchObject({ sent: 20, waiting: 0, dropped: NO_DROPS })
})

test.each([429, 502, 503, 504])('%i is tried again until it passes', async (status) => {
  const collector = await collectorThat({ answer: (_, count) => (count <= 2 ? { status } : OK) })
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 5)
  expect(await delivery.forceFlush(15_000)).toBe(true)
  expect(collector.received).toHaveLength(3)
  expect(delivery.health()).toMatchObject({ sent: 5, retried: 2, dropped: NO_DROPS })
  expect(delivery.warnings).toHaveLength(1)
})

test.each([401, 403, 404, 500, 302])('%i is said at once, kept, tried three more times, then dropped as refused', async (status) => {
  const collector = await collectorThat({ answer: () => ({ status, headers: { location: 'http://127.0.0.1:1/' } }) })
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 5)
  expect(await delivery.forceFlush(15_000)).toBe(false)
  expect(delivery.health()).toMatchObject({ waiting: 5, sent: 0, dropped: NO_DROPS })
  expect(delivery.warnings[0]).toContain(`/v1/traces answered ${status}`)

  await until(() => delivery.health().dropped.refused === 5)
  expect(collector.received).toHaveLength(4)
  expect(delivery.health()).toMatchObject({ waiting: 0, sent: 0 })
})

test('a refusal that is repaired in time loses nothing', async () => {
  const collector = await collectorThat({ answer: (_, count) => (count === 1 ? { status: 401 } : OK) })
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 5)
  await until(() => delivery.health().sent === 5)
  expect(delivery.health().dropped).toEqual(NO_DROPS)
})

test('refused data never takes the room of new data', async () => {
  const collector = await collectorThat({ answer: () => ({ status: 403 }) })
  const delivery = createDelivery(collector.url, { limits: { chunkBytesMax: 20_000, batchItemsMax: 10 }, waits: { parkMs: 60_000 } })
  pushAll(delivery, 200)
  expect(await delivery.forceFlush(15_000)).toBe(false)
  const { waiting, dropped } = delivery.health()
  expect(waiting).toBeGreaterThan(0)
  expect(dropped).toEqual({ ...NO_DROPS, refused: 200 - waiting })
})

test.each(['protobuf', 'json'] as const)('one poison record among 50 costs exactly itself (%s)', async (encoding) => {
  const poison = itemName(17)
  const collector = await collectorThat({ answer: (request) => (request.names.includes(poison) ? { status: 400 } : OK) })
  const delivery = createDelivery(collector.url, { encoding })
  pushAll(delivery, 50)
  expect(await delivery.forceFlush(15_000)).toBe(false)
  expect(collector.stored.toSorted()).toEqual(
    names(50)
      .filter((name) => name !== poison)
      .toSorted(),
  )
  expect(delivery.health()).toMatchObject({ sent: 49, waiting: 0, dropped: { ...NO_DROPS, poison: 1 } })
  expect(delivery.warnings).toHaveLength(1)
})

test('a collector that calls everything unreadable is not asked a thousand times', async () => {
  const collector = await collectorThat({ answer: () => ({ status: 400 }) })
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 512)
  expect(await delivery.forceFlush(15_000)).toBe(false)
  expect(collector.received.length).toBeLessThanOrEqual(64)
  expect(delivery.health()).toMatchObject({ sent: 0, waiting: 0, dropped: { ...NO_DROPS, poison: 512 } })
})

test('413 is cut until it fits', async () => {
  const collector = await collectorThat({ answer: (request) => (request.body.length > 4_000 ? { status: 413 } : OK) })
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 100)
  expect(await delivery.forceFlush(15_000)).toBe(true)
  expect(collector.stored.toSorted()).toEqual(names(100).toSorted())
  expect(collector.received.length).toBeGreaterThan(2)
  expect(delivery.health()).toMatchObject({ sent: 100, dropped: NO_DROPS })
})

test('a single record too large for the collector is dropped as too_large', async () => {
  const collector = await collectorThat({ answer: (request) => (request.body.length > 4_000 ? { status: 413 } : OK) })
  const delivery = createDelivery(collector.url)
  const [huge] = makeSpans(1, { text: 'x'.repeat(10_000) })
  for (const span of makeSpans(5).slice(1)) delivery.push(span)
  delivery.push(huge!)
  expect(await delivery.forceFlush(15_000)).toBe(false)
  expect(collector.stored.toSorted()).toEqual(names(5).slice(1))
  expect(delivery.health()).toMatchObject({ sent: 4, dropped: { ...NO_DROPS, too_large: 1 } })
  expect(delivery.warnings[0]).toContain('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT')
})

test('a collector that is not there yet gets everything once it comes', async () => {
  const gone = await startCollector()
  await gone.stop()
  const delivery = createDelivery(gone.url)
  pushAll(delivery, 100)
  await until(() => delivery.health().retried > 0)
  expect(delivery.health()).toMatchObject({ sent: 0, waiting: 100 })
  expect(delivery.warnings[0]).toContain('ECONNREFUSED')

  const back = await collectorThat({ port: gone.port })
  expect(await delivery.forceFlush(15_000)).toBe(true)
  expect(back.stored.toSorted()).toEqual(names(100).toSorted())
  expect(delivery.health()).toMatchObject({ sent: 100, waiting: 0, dropped: NO_DROPS })
})

test('after an outage the first success ends the waits of all the others', async () => {
  const collector = await collectorThat({ answer: (_, count) => (count <= 4 ? { status: 503 } : OK) })
  const delivery = createDelivery(collector.url, { limits: { batchItemsMax: 10 }, waits: { firstDelayMs: 4_000, delayMsMax: 4_000 } })
  pushAll(delivery, 40)
  await until(() => delivery.health().retried === 4)
  await until(() => delivery.health().sent === 40)
  const [first, ...others] = collector.received.slice(4).map((request) => request.atMs)
  expect(Math.max(...others) - (first ?? 0)).toBeLessThan(1_000) // by themselves they would come within two seconds
})

test.each(['reset', 'reset mid-body', 'hang'] as const)('a connection that breaks (%s) costs no span', async (fault) => {
  const collector = await collectorThat({ answer: (_, count) => (count === 1 ? fault : OK) })
  const delivery = createDelivery(collector.url, { post: { timeoutMs: 1_000 } })
  pushAll(delivery, 10)
  expect(await delivery.forceFlush(15_000)).toBe(true)
  expect(collector.stored).toEqual(names(10))
  expect(delivery.health()).toMatchObject({ sent: 10, retried: 1, dropped: NO_DROPS })
})

test('partial_success: what the collector rejected is counted, with its reason', async () => {
  const body = JSON.stringify({ partialSuccess: { rejectedSpans: '3', errorMessage: 'no trace id' } })
  const collector = await collectorThat({ answer: () => ({ status: 200, headers: { 'content-type': 'application/json' }, body }) })
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 10)
  expect(await delivery.forceFlush(15_000)).toBe(false)
  expect(delivery.health()).toMatchObject({ sent: 7, waiting: 0, dropped: { ...NO_DROPS, rejected: 3 } })
  expect(delivery.warnings[0]).toContain('no trace id')
})

test('a queue that is full drops what comes on top, and counts it', async () => {
  const collector = await collectorThat({ answer: () => 'hang' })
  const delivery = createDelivery(collector.url, { limits: { queueItemsMax: 100, batchItemsMax: 100 } })
  pushAll(delivery, 350)
  expect(delivery.health()).toMatchObject({ waiting: 100, dropped: { ...NO_DROPS, queue_full: 250 } })
  expect(delivery.warnings).toHaveLength(1)
  await delivery.shutdown(50)
})

test('while the collector is away, encoded bytes stay below their limit and the queue overflows behind them', async () => {
  const collector = await collectorThat({ answer: () => 'hang' })
  const delivery = createDelivery(collector.url, { limits: { queueItemsMax: 100, batchItemsMax: 50, chunkBytesMax: 20_000 } })
  for (let round = 0; round < 20; round++) {
    pushAll(delivery, 50)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { waiting, dropped } = delivery.health()
  expect(waiting).toBeLessThanOrEqual(300) // 20,000 bytes and one batch more, and the queue
  expect(dropped.queue_full).toBe(1_000 - waiting)
  await delivery.shutdown(50)
})

test('a slow collector is given several requests at once, so that the queue does not overflow', async () => {
  const collector = await collectorThat({ delayMs: 500 })
  const delivery = createDelivery(collector.url, { limits: { queueItemsMax: 1_000, batchItemsMax: 100 } })
  const startMs = performance.now()
  pushAll(delivery, 1_000)
  expect(await delivery.forceFlush(15_000)).toBe(true)
  expect(performance.now() - startMs).toBeLessThan(3_500) // ten requests of 500 ms
  expect(delivery.health()).toMatchObject({ sent: 1_000, dropped: NO_DROPS })
})

test('shutdown delivers what is there and takes nothing more', async () => {
  const collector = await collectorThat()
  const delivery = createDelivery(collector.url, { limits: { delayMs: 60_000 } })
  pushAll(delivery, 10)
  expect(await delivery.shutdown(15_000)).toBe(true)
  expect(delivery.health()).toMatchObject({ sent: 10, waiting: 0, dropped: NO_DROPS })
  pushAll(delivery, 2)
  expect(delivery.health()).toMatchObject({ sent: 10, waiting: 0, dropped: { ...NO_DROPS, undelivered: 2 } })
})

test('shutdown waits no longer than it was told, and says in one line what was lost', async () => {
  const collector = await collectorThat({ answer: () => 'hang' })
  const delivery = createDelivery(collector.url)
  pushAll(delivery, 1_000)
  const startMs = performance.now()
  expect(await delivery.shutdown(300)).toBe(false)
  expect(performance.now() - startMs).toBeLessThan(5_000)
  expect(delivery.health()).toMatchObject({ sent: 0, waiting: 0, dropped: { ...NO_DROPS, undelivered: 1_000 } })
  expect(delivery.warnings).toHaveLength(1)
  expect(delivery.warnings[0]).toContain('spans not delivered before the process ended: 1000')
})

test('shutdown does not wait for a collector that is not there', async () => {
  const gone = await startCollector()
  await gone.stop()
  const delivery = createDelivery(gone.url)
  pushAll(delivery, 1_000)
  const startMs = performance.now()
  expect(await delivery.shutdown(5_000)).toBe(false)
  expect(performance.now() - startMs).toBeLessThan(1_000)
  expect(delivery.health()).toMatchObject({ waiting: 0, dropped: { ...NO_DROPS, undelivered: 1_000 } })
})

test('shutdown during an outage gives the waiting data one more try', async () => {
  let isUp = false
  const collector = await collectorThat({ answer: () => (isUp ? OK : { status: 503 }) })
  const delivery = createDelivery(collector.url, { waits: { firstDelayMs: 60_000 } })
  pushAll(delivery, 10)
  await until(() => delivery.health().retried === 1)
  isUp = true
  expect(await delivery.shutdown(15_000)).toBe(true)
  expect(delivery.health()).toMatchObject({ sent: 10, waiting: 0, dropped: NO_DROPS })
})

test('an item that breaks the serializer costs only itself', async () => {
  const collector = await collectorThat()
  const delivery = createDelivery(collector.url)
  const spans = makeSpans(20)
  const broken = {
    ...spans[7]!,
    spanContext: () => {
      throw new Error('no context')
    },
  }
  for (const span of spans.with(7, broken)) delivery.push(span)
  expect(await delivery.forceFlush(15_000)).toBe(false)
  expect(collector.stored.toSorted()).toEqual(
    names(20)
      .filter((name) => name !== itemName(7))
      .toSorted(),
  )
  expect(delivery.health()).toMatchObject({ sent: 19, dropped: { ...NO_DROPS, encode: 1 } })
})

test('the delivery does not run in the context of the request that filled the batch', async () => {
  const store = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  const collector = await collectorThat({ answer: () => ({ status: 500 }) })
  const delivery = createDelivery(collector.url, { onWarn: () => void seen.push(store.getStore()) })
  store.run('request 1', () => pushAll(delivery, 512))
  await until(() => seen.length > 0)
  expect(seen).toEqual([undefined])
})

test('metrics take the same way: one collection is one request, counted in points', async () => {
  const collector = await collectorThat()
  const stats = createStats()
  const encoder = createEncoder('metrics', 'protobuf')
  const pipeline = createPipeline({
    signal: 'metrics',
    encoder,
    send: createPost({ url: `${collector.url}/v1/metrics`, headers: {}, compression: 'gzip', timeoutMs: 2_000 }),
    limits: { queueItemsMax: 16, batchItemsMax: 512, delayMs: 60_000 },
    stats,
    warn: () => undefined,
  })
  const collections = [1, 2, 3].map((seed) => randomTelemetry(seededRandom(seed), 90).metrics)
  const points = collections.reduce((sum, metrics) => sum + encoder.count(metrics), 0)
  for (const metrics of collections) pipeline.push(metrics)
  expect(stats.snapshot().metrics).toMatchObject({ created: points, waiting: points })
  expect(await pipeline.shutdown(15_000)).toBe(true)
  const arrived = collector.received.map((request) => countItems('metrics', request.body))
  expect(arrived.toSorted()).toEqual(collections.map(encoder.count).toSorted())
  expect(collector.received.map((request) => request.path)).toEqual(Array(3).fill('/v1/metrics'))
  expect(stats.snapshot().metrics).toMatchObject({ created: points, sent: points, waiting: 0 })
})

test('a log body whose getter throws, and a warn that throws, reach neither the app nor the other records', async () => {
  const collector = await collectorThat()
  const stats = createStats()
  const pipeline = createPipeline({
    signal: 'logs',
    encoder: createEncoder('logs', 'protobuf'),
    send: createPost({ url: `${collector.url}/v1/logs`, headers: {}, compression: 'none', timeoutMs: 2_000 }),
    limits: { queueItemsMax: 100, batchItemsMax: 100, delayMs: 60_000 },
    stats,
    warn() {
      throw new Error('stderr is gone')
    },
  })
  const records = randomTelemetry(seededRandom(5), 10).logs
  const body = Object.defineProperty({}, 'text', {
    enumerable: true,
    get() {
      throw new Error('not now')
    },
  })
  for (const record of records.with(4, { ...records[4]!, body })) pipeline.push(record)
  expect(await pipeline.forceFlush(15_000)).toBe(false)
  expect(stats.snapshot().logs).toMatchObject({ created: 10, sent: 9, waiting: 0, dropped: { ...NO_DROPS, encode: 1 } })
})

test('a shutdown while refused data waits for its next try says what is lost, in one line', async () => {
  const collector = await collectorThat({ answer: () => ({ status: 401 }) })
  const delivery = createDelivery(collector.url, { waits: { parkMs: 60_000 } })
  pushAll(delivery, 5)
  expect(await delivery.forceFlush(15_000)).toBe(false)
  expect(await delivery.shutdown(15_000)).toBe(false)
  expect(delivery.health()).toMatchObject({ sent: 0, waiting: 0, dropped: { ...NO_DROPS, refused: 5 } })
  expect(delivery.warnings).toHaveLength(2)
  expect(delivery.warnings[1]).toMatch(/^spans not delivered before the process ended: 5, because .* answered 401/)
})
