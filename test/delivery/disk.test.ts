import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { tempDir } from '../support/spool.ts'
import { segmentFiles } from '../support/spool-chunks.ts'
import { type Collector, type CollectorOptions, OK, startCollector } from './support/collector.ts'
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

/** What a process does when it ends with time, without a collector. */
function end(delivery: Delivery): void {
  delivery.drainSync()
  delivery.conclude()
  delivery.disk?.closeSync()
}

const once = (stored: readonly string[]) => stored.toSorted()

test('a collector that is healthy costs no file', async () => {
  const collector = await collectorThat()
  const dir = join(tempDir(), 'spool')
  const delivery = createDelivery(collector.url, { spoolDir: dir })
  pushAll(delivery, 600)
  expect(await delivery.forceFlush(3_000)).toBe(true)
  expect(delivery.disk?.shelf.isOpen()).toBe(false)
  expect(delivery.health()).toMatchObject({ sent: 600, spooled: 0, waiting: 0 })
})

test('an outage: everything goes to disk, leaves the memory, and arrives once when the collector is back', async () => {
  let isUp = false
  const collector = await collectorThat({ answer: () => (isUp ? OK : { status: 503 }) })
  const dir = tempDir()
  const delivery = createDelivery(collector.url, { spoolDir: dir, limits: { batchItemsMax: 50, chunkBytesMax: 100_000 } })
  for (let round = 0; round < 10; round++) {
    pushAll(delivery, 100)
    await until(() => delivery.health().spooled >= (round + 1) * 100)
  }
  expect(delivery.health()).toMatchObject({ created: 1_000, waiting: 1_000, sent: 0, dropped: NO_DROPS })
  expect(delivery.disk?.shelf.waiting()).toBe(1_000)
  expect(collector.received.length).toBeLessThan(40) // one lane, with growing waits

  isUp = true
  await until(() => delivery.health().sent === 1_000)
  expect(delivery.health()).toMatchObject({ waiting: 0, dropped: NO_DROPS })
  expect(delivery.health().replayed).toBeGreaterThan(900)
  expect(collector.stored).toHaveLength(1_000)
  pushAll(delivery, 10)
  expect(await delivery.forceFlush(1_000)).toBe(true) // live again
  end(delivery)
})

test('a collector that hangs: after a second all is on disk, and a late answer takes it off again', async () => {
  const collector = await collectorThat({ delayMs: 1_600 })
  const dir = tempDir()
  const delivery = createDelivery(collector.url, { spoolDir: dir })
  pushAll(delivery, 30)
  await until(() => delivery.health().spooled === 30)
  expect(delivery.health()).toMatchObject({ waiting: 30, sent: 0 })
  await until(() => delivery.health().sent === 30)
  expect(delivery.health()).toMatchObject({ waiting: 0, replayed: 0, dropped: NO_DROPS })
  expect(collector.received).toHaveLength(1)
  end(delivery)
  expect(segmentFiles(dir)).toEqual([])
})

test('what could not be delivered is delivered by the next process, which counts it as found', async () => {
  const gone = await startCollector()
  await gone.stop()
  const dir = tempDir()
  const first = createDelivery(gone.url, { spoolDir: dir, limits: { delayMs: 60_000 } })
  pushAll(first, 700)
  end(first)
  expect(first.health()).toMatchObject({ created: 700, waiting: 700, spooled: 700, dropped: NO_DROPS })

  const collector = await collectorThat()
  const second = createDelivery(collector.url, { spoolDir: dir })
  expect(await second.disk?.flush(3_000)).toBe(true)
  expect(once(collector.stored)).toEqual(names(700).toSorted())
  expect(second.health()).toMatchObject({ created: 0, found: 700, sent: 700, replayed: 700, waiting: 0 })
  end(second)
  expect(segmentFiles(dir)).toEqual([])
})

test('the last breath: what the tail could still send is counted as sent and not sent again', async () => {
  const collector = await collectorThat({ answer: () => 'hang' })
  const dir = tempDir()
  const first = createDelivery(collector.url, { spoolDir: dir, limits: { delayMs: 60_000, batchItemsMax: 100 } })
  pushAll(first, 250)
  const tail = first.drainSync()
  expect(tail.map(({ items }) => items)).toEqual([100, 100, 50])
  expect(first.drainSync()).toEqual([])
  first.acknowledge(tail.slice(0, 1))
  first.acknowledge(tail.slice(0, 1))
  expect(first.health()).toMatchObject({ created: 250, sent: 100, waiting: 150 })
  end(first)
  expect(first.health()).toMatchObject({ created: 250, sent: 100, waiting: 150, dropped: NO_DROPS })

  const healthy = await collectorThat()
  const second = createDelivery(healthy.url, { spoolDir: dir })
  expect(await second.disk?.flush(3_000)).toBe(true)
  expect(once(healthy.stored)).toEqual(names(250).slice(100).toSorted())
  end(second)
})

test('without a disk the last breath counts what it cannot keep', async () => {
  const collector = await collectorThat({ answer: () => 'hang' })
  const delivery = createDelivery(collector.url, { limits: { delayMs: 60_000, batchItemsMax: 100 } })
  pushAll(delivery, 250)
  const tail = delivery.drainSync()
  delivery.acknowledge(tail.slice(1))
  end(delivery)
  expect(delivery.health()).toMatchObject({ sent: 150, waiting: 0, dropped: { ...NO_DROPS, undelivered: 100 } })
})

test.each([401, 404, 500])('%i: parked on disk, tried again three times, then dropped as refused', async (status) => {
  const collector = await collectorThat({ answer: () => ({ status }) })
  const delivery = createDelivery(collector.url, { spoolDir: tempDir() })
  pushAll(delivery, 5)
  await until(() => delivery.health().spooled === 5)
  expect(delivery.health()).toMatchObject({ waiting: 5, dropped: NO_DROPS })
  expect(delivery.warnings[0]).toContain(`/v1/traces answered ${status}`)
  await until(() => delivery.health().dropped.refused === 5)
  expect(collector.received).toHaveLength(4)
  expect(delivery.health()).toMatchObject({ waiting: 0, sent: 0 })
  end(delivery)
})

test('what was refused is tried at the next start', async () => {
  const refusing = await collectorThat({ answer: () => ({ status: 401 }) })
  const dir = tempDir()
  const first = createDelivery(refusing.url, { spoolDir: dir, waits: { parkMs: 60_000 } })
  pushAll(first, 5)
  await until(() => first.health().spooled === 5)
  end(first)
  const collector = await collectorThat()
  const second = createDelivery(collector.url, { spoolDir: dir })
  expect(await second.disk?.flush(3_000)).toBe(true)
  expect(second.health()).toMatchObject({ found: 5, sent: 5, waiting: 0 })
  end(second)
})

test('a poison record on disk is cut out, as a live one', async () => {
  const gone = await startCollector()
  await gone.stop()
  const dir = tempDir()
  const first = createDelivery(gone.url, { spoolDir: dir })
  pushAll(first, 50)
  end(first)
  const collector = await collectorThat({ answer: ({ names: got }) => (got.includes('item-17;') ? { status: 400 } : OK) })
  const second = createDelivery(collector.url, { spoolDir: dir })
  expect(await second.disk?.flush(3_000)).toBe(true)
  expect(second.health()).toMatchObject({ found: 50, sent: 49, waiting: 0, dropped: { ...NO_DROPS, poison: 1 } })
  end(second)
})

test('a damaged file costs the chunk that is damaged, and that is counted', async () => {
  const gone = await startCollector()
  await gone.stop()
  const dir = tempDir()
  const first = createDelivery(gone.url, { spoolDir: dir, limits: { delayMs: 60_000, batchItemsMax: 10 } })
  pushAll(first, 50)
  end(first)
  const [file = ''] = segmentFiles(dir)
  const bytes = readFileSync(file)
  bytes[100] = bytes[100]! ^ 0xff
  writeFileSync(file, bytes)

  const collector = await collectorThat()
  const second = createDelivery(collector.url, { spoolDir: dir })
  await second.disk?.flush(3_000)
  expect(second.health()).toMatchObject({ found: 50, sent: 40, waiting: 0, dropped: { ...NO_DROPS, corrupt: 10 } })
  end(second)
})

test('a disk that takes nothing: memory keeps them as without a spool, and nothing is counted as lost', async () => {
  let isUp = false
  const collector = await collectorThat({ answer: () => (isUp ? OK : { status: 503 }) })
  const dir = join(tempDir(), 'spool')
  const delivery = createDelivery(collector.url, { spoolDir: dir })
  expect(delivery.disk?.shelf.usable()).toBe(true)
  rmSync(dir, { recursive: true })
  writeFileSync(dir, 'in the way')
  pushAll(delivery, 20)
  await until(() => delivery.health().retried >= 2)
  pushAll(delivery, 20)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(delivery.health()).toMatchObject({ waiting: 40, spooled: 0, dropped: NO_DROPS })
  isUp = true
  await until(() => delivery.health().sent === 40)
  expect(delivery.health()).toMatchObject({ waiting: 0, dropped: NO_DROPS })
  end(delivery)
})

test('above its size the oldest go, counted as spool_full', async () => {
  const gone = await startCollector()
  await gone.stop()
  const delivery = createDelivery(gone.url, { spoolDir: tempDir(), spoolBytesMax: 8_000, limits: { batchItemsMax: 20 } })
  for (let round = 0; round < 40; round++) {
    pushAll(delivery, 20)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await until(() => delivery.health().spooled === 800)
  end(delivery)
  const { waiting, dropped } = delivery.health()
  expect(dropped.spool_full).toBeGreaterThan(0)
  expect(waiting).toBeGreaterThan(0)
  expect(waiting + dropped.spool_full).toBe(800)
})

test('503 with Retry-After: 1 keeps live and replayed requests away for a second', async () => {
  const collector = await collectorThat({ answer: (_, count) => (count === 1 ? { status: 503, headers: { 'retry-after': '1' } } : OK) })
  const delivery = createDelivery(collector.url, { spoolDir: tempDir() })
  for (let round = 0; round < 10; round++) {
    pushAll(delivery, 10)
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  await delivery.forceFlush(100)
  await delivery.disk?.flush(100)
  await until(() => delivery.health().sent === 100)
  const [first, second] = collector.received
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(995)
  end(delivery)
})
