/** A channel that is away for ten minutes, and meanwhile PostgreSQL and the collector as well: every alert arrives, once. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTerm, type Term } from '../../collector/src/alert-term.ts'
import { createWebhook } from '../../collector/src/notify/webhook.ts'
import { alertRecords } from '../../collector/src/postgres/alert-records.ts'
import { openDatabase } from '../../collector/src/postgres/database.ts'
import type { Database } from '../../collector/src/postgres/queryable.ts'
import { migrate } from '../../collector/src/postgres/schema.ts'
import { readRuleBook } from '../../collector/src/rule-book.ts'
import { createSignals } from '../../collector/src/signals/signals.ts'
import { sender } from '../collector/postgres/records.ts'
import { http, metrics } from '../collector/signals/telemetry.ts'
import { type Clock, createClock } from '../collector/support/clock.ts'
import { startListener } from '../collector/support/listener.ts'
import { outside } from '../collector/support/outside.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const RULES = `rules:
  - name: Errors
    condition: error_rate[1m] > 0.2
    channels: [webhook]
  - name: By Route
    condition: error_rate[1m] > 0.5
    group_by: [route]
    channels: [webhook]
`
const SECOND = 1_000

let server: PostgresServer
let database: Database
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
  database = openDatabase({ url: server.url, dataDir: '' })
  await migrate(database)
})
afterAll(async () => {
  await database?.close()
  await server?.remove()
})

/** Metrics of a service as its SDK tells them every ten seconds, until `untilMs`, failing from `failFromMs` to `failToMs`. */
function createReporter(startMs: number) {
  const resource = sender()
  const counts = { ok: 0, failed: 0 }
  return function report(nowMs: number, failing: boolean) {
    counts.ok += failing ? 4 : 10
    counts.failed += failing ? 6 : 0
    const told = { startMs, timeMs: nowMs }
    const route = { 'http.route': '/v1/speak' }
    return metrics(
      http(resource, [counts.ok, 0, 0, 0, 0], { ...told, attributes: { ...route, 'http.response.status_code': 200 } }),
      ...(counts.failed === 0
        ? []
        : [http(resource, [counts.failed, 0, 0, 0, 0], { ...told, attributes: { ...route, 'http.response.status_code': 500 } })]),
    )
  }
}

test('each alert is told of once when it fires and once when it ends', { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-outage-'))
  const file = join(folder, 'memory.jsonl')
  const listener = await startListener()
  const { port } = listener
  await listener.close()
  const startMs = Date.UTC(2026, 10, 22, 10)
  const clock: Clock = createClock(startMs)
  const { book, problems } = readRuleBook({ file: 'alerts.yaml', text: RULES })
  expect(problems).toEqual([])
  const webhook = createWebhook(
    { name: 'webhook', url: new URL(`http://127.0.0.1:${port}/`), format: 'alertmanager', secrets: [] },
    outside(),
  )
  const signals = createSignals({ sinceMs: startMs })
  signals.watch({ windowMsMax: book.windowMsMax, logCounts: [] })
  const begin = async (table?: ReturnType<typeof alertRecords>) =>
    await openTerm(
      {
        file,
        id: 'one',
        takeFile: () => () => {},
        signals,
        book: () => book,
        channels: { webhook },
        checkIntervalMs: 10 * SECOND,
        now: clock.now,
        random: () => 0.5,
        sleep: clock.sleep,
        warn: () => {},
      },
      table,
    )
  let term: Term = await begin(alertRecords(database))
  const report = createReporter(startMs)
  let revived: Awaited<ReturnType<typeof startListener>> | undefined

  // In injected time: it fails from minute 1 to minute 6. The channel is away until minute 11, PostgreSQL from minute 2 to
  // minute 9, and at minute 4 the collector begins anew.
  for (let s = 10; s <= 13 * 60; s += 10) {
    await clock.advance(10 * SECOND)
    // Real sockets and a real disk need real time.
    await sleep(20)
    if (s === 2 * 60) await server.killHard()
    if (s === 4 * 60) {
      await term.close()
      term = await begin()
    }
    if (s === 9 * 60) {
      await server.start()
      expect(await term.vault.join(alertRecords(database))).toBe(true)
      await term.vault.catchUp()
    }
    if (s === 11 * 60) revived = await startListener({ port })
    signals.take(report(clock.now(), s > 60 && s <= 6 * 60), clock.now())
    await term.check()
  }
  await expect.poll(() => term.outbox.stats().webhook?.waiting, { timeout: 30_000 }).toBe(0)

  const told = revived?.received
    .map(({ body }) => JSON.parse(body))
    .map(({ status, commonLabels }) => `${commonLabels.alertname} ${status}`)
  expect(told?.toSorted()).toEqual(['By Route firing', 'By Route resolved', 'Errors firing', 'Errors resolved'])
  const ids = revived?.received.map(({ headers }) => headers['webhook-id'])
  expect(new Set(ids).size).toBe(ids?.length)
  expect(term.outbox.stats().webhook).toMatchObject({ dead: 0 })
  await term.vault.catchUp()
  const rows = await alertRecords(database).load()
  const count = (kind: string) => rows.filter((row) => row.kind === kind).length
  expect({ pending: count('pending'), done: count('done'), history: count('history') }).toEqual({ pending: 0, done: 4, history: 4 })

  await term.close()
  await revived?.close()
  rmSync(folder, { recursive: true, force: true })
})
