/** A collector that stood by takes over: it was up all the time and was told of nothing. Time is injected; sockets, files and the loop are real. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Alerting, openAlerting } from '../../../collector/src/alerting.ts'
import type { Batch } from '../../../collector/src/batch.ts'
import type { Rank } from '../../../collector/src/leadership.ts'
import type { RecordTable } from '../../../collector/src/record.ts'
import { sender } from '../postgres/records.ts'
import { gauge, http, MINUTE, metrics, START_MS } from '../signals/telemetry.ts'
import { type Listener, startListener } from '../support/listener.ts'
import { createTable } from '../support/record-table.ts'

const RULES = `
rules:
  - { name: Errors, condition: error_rate > 0.05, by: [service], group_by: [service], channels: [webhook] }
  - { name: Queue, condition: queue_length > 100, channels: [webhook] }
`
const PATIENT = { timeout: 30_000 }

let folder: string
let listener: Listener
let running: Alerting[]
let nowMs: number
let ranks: Record<string, Rank>
let table: RecordTable

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'takeover-'))
  listener = await startListener()
  running = []
  nowMs = START_MS
  ranks = {}
  table = createTable()
})
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()))
  await listener.close()
  rmSync(folder, { recursive: true })
})

async function start(name: string): Promise<Alerting> {
  mkdirSync(join(folder, name), { recursive: true })
  const rank = (): Rank => ranks[name] ?? 'standby'
  const alerting = openAlerting({
    config: { rules: { file: 'alerts.yaml', text: RULES }, inFile: false, checkIntervalMs: 50 },
    notify: {
      slackUrl: undefined,
      webhook: { url: listener.url, format: 'alertmanager', secrets: [] },
      email: undefined,
      errorsUrl: undefined,
      allow: { ranges: [{ address: '127.0.0.0', prefix: 8 }], ports: [] },
      proxy: { https: undefined, no: undefined },
    },
    file: join(folder, name, 'memory.jsonl'),
    takeFile: () => () => {},
    leadership: { rank, look: async () => rank(), close: async () => {} },
    table,
    now: () => nowMs,
    random: () => 0.5,
    warn: () => {},
  })
  running.push(alerting)
  await alerting.start()
  return alerting
}

async function end(alerting: Alerting): Promise<void> {
  running = running.filter((one) => one !== alerting)
  await alerting.stop()
}

/** A minute later: these services tell their figures, and the rules are looked at. */
async function minute(alerting: Alerting, ...services: readonly string[]): Promise<void> {
  nowMs += MINUTE
  for (const service of services) expect(await alerting.sink(figures(service), new AbortController().signal)).toEqual({ kind: 'ok' })
  await looked(alerting)
}

async function looked(alerting: Alerting): Promise<void> {
  const { checks } = alerting.stats()
  await expect.poll(() => alerting.stats().checks, PATIENT).toBeGreaterThan(checks + 1)
}

const SENDERS = new Map(['good', 'bad'].map((service) => [service, { ...sender(service), service }]))

/** Half of the requests to `bad` have failed since an hour before the start. */
function figures(service: string): Batch {
  const count = (nowMs - START_MS) / 100
  const told = (status: number) =>
    http(SENDERS.get(service)!, [count, 0, 0, 0, 0], {
      startMs: START_MS - 60 * MINUTE,
      timeMs: nowMs,
      attributes: { 'http.response.status_code': status },
    })
  return metrics(...(service === 'bad' ? [told(200), told(500)] : [told(200)]))
}

function told(): readonly string[] {
  return listener.received
    .map(({ body }) => JSON.parse(body))
    .map(({ status, commonLabels: { alertname, service } }) => [alertname, service, status].filter(Boolean).join(' '))
}

test('what fires when it takes over fires on, also of a service whose figures come later than those of others', {
  timeout: 60_000,
}, async () => {
  ranks = { one: 'leading', two: 'standby' }
  const [one, two] = [await start('one'), await start('two')]
  for (let i = 0; i < 5; i++) await minute(one, 'bad', 'good')
  await expect.poll(told, PATIENT).toEqual(['Errors bad firing'])

  ranks = { one: 'standby', two: 'leading' }
  await end(one)
  await expect.poll(() => two.stats().isLeading, PATIENT).toBe(true)
  await minute(two, 'good')
  await minute(two, 'good')
  for (let i = 0; i < 5; i++) await minute(two, 'bad', 'good')
  expect(told()).toEqual(['Errors bad firing'])
})

test('an outage of which nobody could be told is not held against the services', { timeout: 60_000 }, async () => {
  ranks = { one: 'leading', two: 'standby' }
  const [one, two] = [await start('one'), await start('two')]
  await minute(one, 'good')
  await minute(one, 'good')
  ranks = { one: 'standby', two: 'standby' }
  await end(one)
  nowMs += 20 * MINUTE
  ranks.two = 'leading'
  await expect.poll(() => two.stats().isLeading, PATIENT).toBe(true)
  await looked(two)
  await minute(two, 'good')
  expect(told()).toEqual([])
  // One that does not come back is told of, as always: five minutes later.
  for (let i = 0; i < 6; i++) await minute(two)
  await expect.poll(told, PATIENT).toEqual(['No Telemetry good firing'])
})

test('how seldom metrics come is remembered: after a restart they are waited for', { timeout: 60_000 }, async () => {
  ranks = { one: 'leading' }
  let one = await start('one')
  // One tells its queue in minutes 0, 4, 8, and another, whose queue is long, in minutes 3, 7, 11.
  async function live(minutes: number): Promise<void> {
    for (const end = nowMs + minutes * MINUTE; nowMs < end; ) {
      nowMs += MINUTE
      const slot = ((nowMs - START_MS) / MINUTE) % 4
      const [service, length] = slot === 0 ? ['good', 3] : ['bad', 500]
      const batch = metrics(gauge('tts.queue.length', SENDERS.get(service)!, length, { timeMs: nowMs }))
      if (slot === 0 || slot === 3) await one.sink(batch, new AbortController().signal)
      await looked(one)
    }
  }
  await live(20)
  const before = told()
  expect(before.at(-1)).toBe('Queue firing')
  await end(one)
  one = await start('one')
  await live(8)
  expect(told()).toEqual(before)
})
