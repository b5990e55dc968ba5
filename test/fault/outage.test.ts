/**
 * A collector in every kind of trouble, in short: what an app makes meanwhile is delivered, waits or is counted by its reason, and it is
 * never more than one line a minute that says so.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, type TestContext, test } from 'vitest'
import {
  answering,
  type Behaviour,
  breaking,
  hanging,
  limitedTo,
  poisonedBy,
  resetting,
  slow,
  startCountingReceiver,
  up,
} from '../support/counting-receiver.ts'
import { lossesOf, startMaker } from './support/maker.ts'

const root = mkdtempSync(join(tmpdir(), 'tts-otel-outage-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Short waits, so that there are many small requests to go wrong. */
const ENV = { OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_BLRP_SCHEDULE_DELAY: '50', OTEL_METRICS_EXPORTER: 'none' }

type Options = { readonly behaviour?: Behaviour; readonly env?: Readonly<Record<string, string>> }

/** A receiver and an app that sends to it. */
async function open({ onTestFinished, expect }: TestContext, { behaviour = up, env = {} }: Options = {}) {
  const receiver = await startCountingReceiver({ behaviour })
  const settings = { ...ENV, ...env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, TTS_OTEL_SPOOL_DIR: mkdtempSync(join(root, 'spool-')) }
  const maker = startMaker(settings)
  onTestFinished(async () => {
    receiver.behave(up)
    await maker.end()
    await receiver.stop()
  })

  /** The account of both signals, after a check that it adds up. */
  async function account() {
    const { traces, logs } = await maker.health()
    for (const signal of [traces, logs]) {
      const dropped = Object.values(signal.dropped).reduce((sum, items) => sum + items, 0)
      expect(signal.sent + signal.waiting + dropped, 'created = delivered + waiting + dropped').toBe(signal.created)
    }
    return [
      { ...traces, losses: lossesOf(traces), stored: receiver.spans.stored.size },
      { ...logs, losses: lossesOf(logs), stored: receiver.logs.stored.size },
    ] as const
  }

  /** Waits until nothing is on its way any more, then checks that the rest has arrived, and only once in the store. */
  async function settle(created: number, losses: Readonly<Record<string, number>> = {}): Promise<void> {
    const lost = Object.values(losses).reduce((sum, items) => sum + items, 0)
    await expect.poll(async () => (await account()).map(({ waiting }) => waiting), { timeout: 15_000, interval: 50 }).toEqual([0, 0])
    for (const signal of await account()) expect(signal).toMatchObject({ created, losses, sent: created - lost, stored: created - lost })
    expect(receiver.unreadable).toEqual([])
    const said = (await maker.end()).split('\n').filter((line) => line.startsWith('tts-otel: '))
    const kinds = said.map((line) => line.replace(/\d+/g, 'n'))
    expect(new Set(kinds).size, said.join('\n')).toBe(kinds.length)
  }

  return { receiver, maker, account, settle, settings }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Times between the requests of one signal. */
function gapsMs(arrivals: readonly { readonly signal: string; readonly atMs: number }[], signal: string): readonly number[] {
  const times = arrivals.filter((arrival) => arrival.signal === signal).map(({ atMs }) => atMs)
  return times.slice(1).map((atMs, index) => atMs - times[index]!)
}

test.concurrent('down at the start: all of it waits, and arrives when the collector comes up', async (context) => {
  const { receiver, maker, account, settle } = await open(context)
  await receiver.stop()
  const created = await maker.make(100)
  await sleep(1_500)
  for (const signal of await account()) expect(signal).toMatchObject({ created, waiting: created, sent: 0, losses: {} })

  await receiver.start()
  await settle(created)
})

test.concurrent('flapping: nothing is lost', async (context) => {
  const { receiver, maker, settle } = await open(context)
  const making = maker.makeSteadily(200, 3)
  for (let round = 0; round < 5; round++) {
    await receiver.stop()
    await sleep(300)
    await receiver.start()
    await sleep(300)
  }
  await settle(await making)
})

test.concurrent('hanging: requests are given up after their timeout and sent again', async (context) => {
  const { receiver, maker, account, settle } = await open(context, { behaviour: hanging, env: { OTEL_EXPORTER_OTLP_TIMEOUT: '300' } })
  const created = await maker.make(100)
  await sleep(1_500)
  for (const signal of await account()) expect(signal).toMatchObject({ waiting: created, sent: 0, losses: {} })

  receiver.behave(up)
  await settle(created)
})

test.concurrent('slow: everything arrives, later', async (context) => {
  const { maker, settle } = await open(context, { behaviour: slow(400) })
  await settle(await maker.makeSteadily(200, 2))
})

test.concurrent('connections that break before the answer: sent again', async (context) => {
  const { receiver, maker, settle } = await open(context, { behaviour: breaking })
  const created = await maker.make(100)
  await sleep(1_000)
  receiver.behave(up)
  await settle(created)
})

test.concurrent('connections that break in the middle of the answer: what comes twice is the same twice', async (context) => {
  const { receiver, maker, settle } = await open(context, { behaviour: resetting })
  const created = await maker.make(100)
  await sleep(1_000)
  receiver.behave(up)
  await settle(created)
  expect(receiver.spans.duplicates(), 'or the connections did not break').toBeGreaterThan(0)
})

test.concurrent.for([429, 502, 503, 504])('%i for a while: sent again', async (status, context) => {
  const { receiver, maker, account, settle } = await open(context, { behaviour: answering(status) })
  const created = await maker.make(100)
  await sleep(1_000)
  for (const signal of await account()) expect(signal).toMatchObject({ waiting: created, sent: 0, losses: {} })

  receiver.behave(up)
  await settle(created)
})

test.concurrent('503 with Retry-After: the collector is left alone for so long', async (context) => {
  const { receiver, maker, settle } = await open(context, { behaviour: answering(503, { 'retry-after': '2' }) })
  const created = await maker.make(10)
  await context.expect.poll(() => receiver.arrivals.length).toBe(2)
  receiver.behave(up)
  await settle(created)
  for (const signal of ['traces', 'logs']) expect(Math.min(...gapsMs(receiver.arrivals, signal))).toBeGreaterThan(1_900)
})

const REMEDIES = {
  401: 'OTEL_EXPORTER_OTLP_HEADERS',
  403: 'OTEL_EXPORTER_OTLP_HEADERS',
  404: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  500: 'the log of the collector',
} as const

test.concurrent.for([401, 403, 404, 500] as const)('%i: parked, and said at once; the next start delivers it', async (status, context) => {
  const { receiver, maker, account, settings } = await open(context, { behaviour: answering(status) })
  const created = await maker.make(100)
  await sleep(1_500)
  for (const signal of await account()) expect(signal).toMatchObject({ waiting: created, sent: 0, losses: {} })
  expect(receiver.arrivals.length, 'a refusal is not repeated').toBe(2)
  expect(await maker.end()).toContain(REMEDIES[status])

  receiver.behave(up)
  const next = startMaker(settings)
  await context.expect.poll(() => [receiver.spans.stored.size, receiver.logs.stored.size], { timeout: 5_000 }).toEqual([created, created])
  await next.end()
})

test.concurrent('400 for one record: it is cut out of its batch and counted, the others arrive', async (context) => {
  const { receiver, maker, settle } = await open(context, { behaviour: poisonedBy('span 37', 'log 37') })
  await settle(await maker.make(100), { poison: 1 })
  expect([...receiver.spans.stored.values(), ...receiver.logs.stored.values()]).not.toContain('span 37')
})

test.concurrent('413: batches are cut to what the collector takes; what is too large alone is counted', async (context) => {
  const { maker, settle } = await open(context, { behaviour: limitedTo(16_384) })
  await maker.make(60, 'x'.repeat(1_000))
  await maker.make(1, 'x'.repeat(20_000))
  await settle(await maker.make(60, 'x'.repeat(1_000)), { too_large: 1 })
})

test.concurrent('more at once than the queue holds: counted, and the rest arrives', async (context) => {
  const env = { OTEL_BSP_MAX_QUEUE_SIZE: '30', OTEL_BLRP_MAX_QUEUE_SIZE: '30' }
  const { maker, settle } = await open(context, { env })
  await settle(await maker.make(100), { queue_full: 70 })
})
