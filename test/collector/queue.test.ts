/** Log records that wait on disk for a sink that is slow or away. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Batch, Sink } from '../../collector/src/batch.ts'
import { createQueue, type Queue, type QueueOptions } from '../../collector/src/queue.ts'
import { openBatch } from '../../collector/src/receive/decode.ts'
import type { Outcome } from '../../src/wire/outcome.ts'
import { metrics, point, sender } from './postgres/records.ts'

const { signal } = new AbortController()
const OK: Outcome = { kind: 'ok' }
const AWAY: Outcome = { kind: 'retry', error: new Error('away') }

/** A request with these messages, as the receiver hands it on. */
function request(...messages: readonly string[]): Batch {
  const logRecords = messages.map((stringValue) => ({ timeUnixNano: '1700000000000000000', body: { stringValue } }))
  const bytes = Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))
  return openBatch('logs', { encoding: 'json', bytes })
}

/** A sink that says what `say` says, and keeps what it took by the record's uid. */
function recordingSink(): { sink: Sink; say: () => Outcome; taken: Map<string, string>; sizes: number[] } {
  const recording = {
    say: () => OK,
    taken: new Map<string, string>(),
    sizes: [] as number[],
    async sink(batch: Batch): Promise<Outcome> {
      const outcome = recording.say()
      recording.sizes.push(batch.records.length)
      if (outcome.kind === 'ok' && batch.signal === 'logs')
        for (const { uid, body } of batch.records) recording.taken.set(uid, String(body))
      return outcome
    },
  }
  return recording
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'tts-otel-queue-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function open(options: Partial<QueueOptions> & Pick<QueueOptions, 'sink'>): Queue & { warnings: string[] } {
  const warnings: string[] = []
  const queue = createQueue({
    name: 'elasticsearch',
    dir: folder(),
    bytesMax: 2 ** 24,
    open: (chunk) => openBatch('logs', chunk),
    now: Date.now,
    warn: (message) => void warnings.push(message),
    ...options,
  })
  onTestFinished(() => queue.stop())
  return { ...queue, warnings }
}

const NONE = { spool_full: 0, expired: 0, corrupt: 0, io: 0, undecodable: 0 }

test('while the sink is away requests are taken, and when it is back it gets each record once', async () => {
  const far = recordingSink()
  far.say = () => AWAY
  const queue = open({ sink: far.sink })
  queue.start()
  const messages = Array.from({ length: 40 }, (_, index) => `message ${index}`)
  for (const message of messages) expect(await queue.sink(request(message), signal)).toEqual(OK)
  await expect.poll(() => queue.stats()).toMatchObject({ waiting: 40 })
  expect(queue.stats().waitingBytes).toBeGreaterThan(0)
  far.say = () => OK
  await expect.poll(() => queue.stats(), { timeout: 15_000 }).toEqual({ waiting: 0, waitingBytes: 0, dropped: NONE })
  expect([...far.taken.values()].toSorted()).toEqual(messages.toSorted())
})

test('many small requests that wait become few large batches', async () => {
  const far = recordingSink()
  const queue = open({ sink: far.sink })
  for (let index = 0; index < 300; index++) await queue.sink(request(`message ${index}`), signal)
  queue.start()
  await expect.poll(() => queue.stats().waiting).toBe(0)
  expect(far.taken.size).toBe(300)
  expect(far.sizes.length).toBeLessThanOrEqual(3)
})

test('what waits when the collector stops is delivered by the next one', async () => {
  const dir = folder()
  const away = open({ sink: async () => AWAY, dir })
  away.start()
  for (let index = 0; index < 20; index++) await away.sink(request(`message ${index}`), signal)
  await away.stop()
  const far = recordingSink()
  const next = open({ sink: far.sink, dir })
  next.start()
  await expect.poll(() => far.taken.size).toBe(20)
  await expect.poll(() => next.stats().waiting).toBe(0)
})

test('above its size the oldest are dropped, counted and told', async () => {
  const far = recordingSink()
  far.say = () => AWAY
  const queue = open({ sink: far.sink, bytesMax: 64 * 1024 })
  const noise = () => Array.from({ length: 400 }, () => Math.random().toString(36)).join('')
  for (let index = 0; index < 40; index++) expect(await queue.sink(request(`${index} ${noise()}`), signal)).toEqual(OK)
  const { waiting, waitingBytes, dropped } = queue.stats()
  expect(waitingBytes).toBeLessThanOrEqual(64 * 1024)
  expect(dropped.spool_full).toBeGreaterThan(0)
  expect(waiting + dropped.spool_full).toBe(40)
  far.say = () => OK
  queue.start()
  await expect.poll(() => far.taken.size).toBe(waiting)
  // The newest are those that are left.
  expect([...far.taken.values()].some((message) => message.startsWith('39 '))).toBe(true)
  expect([...far.taken.values()].some((message) => message.startsWith('0 '))).toBe(false)
  await queue.stop()
  expect(queue.warnings).toEqual([expect.stringContaining('no room for more')])
})

test('what the disk does not take goes to the sink at once, and is lost and counted only when the sink is away as well', async () => {
  const far = recordingSink()
  const queue = open({ sink: far.sink, bytesMax: 10 })
  expect(await queue.sink(request('now'), signal)).toEqual(OK)
  expect([...far.taken.values()]).toEqual(['now'])
  expect(queue.stats().dropped).toEqual(NONE)
  far.say = () => AWAY
  expect(await queue.sink(request('lost', 'too'), signal)).toEqual(OK)
  expect(queue.stats().dropped).toEqual({ ...NONE, spool_full: 2 })
})

test('records that the sink rejects are done, and so is a batch that it drops', async () => {
  const far = recordingSink()
  const answers: Outcome[] = [
    { kind: 'ok', rejected: { count: 1, message: 'poison' } },
    { kind: 'drop', reason: 'poison', error: new Error('poison') },
  ]
  far.say = () => answers.shift() ?? OK
  const queue = open({ sink: far.sink })
  queue.start()
  for (const message of ['a', 'b', 'c']) {
    await queue.sink(request(message), signal)
    await expect.poll(() => queue.stats().waiting).toBe(0)
  }
  expect(far.sizes).toEqual([1, 1, 1])
})

test('a sink that throws costs nothing but a retry', async () => {
  let failures = 2
  const far = recordingSink()
  far.say = () => {
    if (failures-- > 0) throw new TypeError('a bug')
    return OK
  }
  const queue = open({ sink: far.sink })
  queue.start()
  await queue.sink(request('message'), signal)
  await expect.poll(() => [...far.taken.values()], { timeout: 10_000 }).toEqual(['message'])
})

test('what cannot be read any more is dropped, counted and told, and holds up nothing', async () => {
  const far = recordingSink()
  const queue = open({
    sink: far.sink,
    open(chunk) {
      if (String(chunk.bytes).includes('unreadable')) throw new Error('unknown wire type 7')
      return openBatch('logs', chunk)
    },
  })
  await queue.sink(request('unreadable', 'unreadable too'), signal)
  await queue.sink(request('message'), signal)
  queue.start()
  await expect.poll(() => [...far.taken.values()]).toEqual(['message'])
  expect(queue.stats()).toMatchObject({ waiting: 0, dropped: { ...NONE, undecodable: 2 } })
  expect(queue.warnings).toEqual([expect.stringContaining('2 log records of the queue for elasticsearch cannot be read')])
})

test('other signals are none of its business', async () => {
  const far = recordingSink()
  const queue = open({ sink: far.sink })
  queue.start()
  expect(await queue.sink(metrics([point(sender())]), signal)).toEqual(OK)
  expect(far.sizes).toEqual([])
})

test('a folder that cannot be used is told with what to do', () => {
  const file = join(folder(), 'file')
  writeFileSync(file, '')
  const queue = open({ sink: async () => OK, dir: join(file, 'queue') })
  expect(() => queue.start()).toThrow(/The folder .*file\/queue cannot hold the queue for elasticsearch: .*COLLECTOR_DATA_DIR/)
})
