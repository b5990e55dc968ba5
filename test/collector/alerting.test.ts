/** Which collector decides about alerts, and with what, while the database or the disk is not as it should be. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Alerting } from '../../collector/src/alerting.ts'
import { REPORTS_PER_MINUTE } from '../../collector/src/errors/error-watch.ts'
import { createLeadership, FREE_MS_MIN } from '../../collector/src/leadership.ts'
import { hasEvaluated } from '../../collector/src/vault/open-vault.ts'
import { log, sender } from './postgres/records.ts'
import { type AlertingScene, alertingIn } from './support/alerting.ts'
import { startListener } from './support/listener.ts'
import { createTable, type Table } from './support/record-table.ts'
import { createSharedLock, type SharedLock } from './support/shared-lock.ts'

/** Looks at the lock come each second. */
vi.setConfig({ testTimeout: 120_000 })
const PATIENT = { timeout: 60_000, interval: 50 }

let folder: string
let lock: SharedLock
let table: Table
let nowMs: number
const running: Alerting[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tts-otel-alerting-'))
  lock = createSharedLock()
  table = createTable()
  nowMs = 1_795_341_600_000
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((alerting) => alerting.stop()))
  rmSync(folder, { recursive: true })
})

/** A collector on the database that all share, with a folder of its own. */
async function start(id: string, scene: Partial<AlertingScene> = {}): Promise<Alerting> {
  const own = join(folder, id)
  mkdirSync(own, { recursive: true })
  const leadership = createLeadership({ lock: lock.of(id), wasLeader: hasEvaluated(join(own, 'memory.jsonl')) })
  const alerting = alertingIn({ folder: own, leadership, table, now: () => nowMs, ...scene })
  running.push(alerting)
  await alerting.start()
  return alerting
}

async function stop(alerting: Alerting): Promise<void> {
  running.splice(running.indexOf(alerting), 1)
  await alerting.stop()
}

async function takesOver(alerting: Alerting): Promise<void> {
  await expect
    .poll(() => {
      nowMs += FREE_MS_MIN
      return alerting.desk.status().rank
    }, PATIENT)
    .toBe('leading')
}

async function hasLooked(times = 2): Promise<void> {
  const before = lock.looks
  await expect.poll(() => lock.looks - before, PATIENT).toBeGreaterThanOrEqual(times)
}

test('a collector that led once, and stood by since, does not decide beside the present one when it starts while the database is away', async () => {
  const monday = await start('a')
  await takesOver(monday)
  await stop(monday)
  const b = await start('b')
  await takesOver(b)
  const tuesday = await start('a')
  await hasLooked()
  await stop(tuesday)
  lock.isAway = true
  table.fault = new Error('connect ECONNREFUSED')
  await expect.poll(() => b.desk.status().rank, PATIENT).toBe('alone')
  const wednesday = await start('a')
  await hasLooked(3)
  expect(wednesday.desk.status().rank).toBe('standby')
  expect(b.desk.status().rank).toBe('alone')
})

test('a collector that led last decides when it starts while the database is away', async () => {
  const a = await start('a')
  await takesOver(a)
  await stop(a)
  lock.isAway = true
  table.fault = new Error('connect ECONNREFUSED')
  expect((await start('a')).desk.status().rank).toBe('alone')
})

test('a database that hangs does not keep a collector from looking at its lock', async () => {
  const a = await start('a')
  await takesOver(a)
  const { apply } = table
  table.apply = () => new Promise(() => {})
  await a.desk.silence({ matchers: { alertname: 'any' }, author: 'ada', reason: 'a change', endsAtMs: nowMs + 1 })
  await hasLooked(3)
  table.apply = apply
})

test('a database that hangs while a collector takes over does not keep it from looking at its lock, and who lost it meanwhile does not begin', async () => {
  const { load } = table
  const answers: (() => void)[] = []
  table.load = async () => {
    await new Promise<void>((resolve) => answers.push(resolve))
    return []
  }
  const a = await start('a')
  await expect
    .poll(() => {
      nowMs += FREE_MS_MIN
      return answers.length
    }, PATIENT)
    .toBe(1)
  await hasLooked(3)
  lock.holder = 'b'
  await hasLooked(3)
  table.load = load
  for (const answer of answers) answer()
  await hasLooked()
  expect(a.desk.status().rank).toBe('standby')
})

test('log records are taken at once while the memory of alerts hangs, and all that is new in a batch is reported', async () => {
  const listener = await startListener()
  const told: string[] = []
  const errors = { errorsUrl: `${listener.url}/errors`, warn: (message: string) => void told.push(message) }
  const a = await start('a', errors)
  await takesOver(a)
  const { apply } = table
  table.apply = () => new Promise(() => {})
  const records = Array.from({ length: REPORTS_PER_MINUTE + 5 }, (_, i) =>
    log(sender(), { severity: 17, body: `failed ${'x'.repeat(i + 1)}` }),
  )
  const startMs = performance.now()
  expect((await a.beside({ signal: 'logs', records }, new AbortController().signal)).kind).toBe('ok')
  // Each of them waits 2 s for the database, when they wait one after the other.
  expect(performance.now() - startMs).toBeLessThan(30_000)
  await expect.poll(() => listener.received.length, PATIENT).toBe(REPORTS_PER_MINUTE)
  expect(told).toContainEqual(expect.stringContaining('5 log records were left out'))
  table.apply = apply
  await listener.close()
})

test('a collector that cannot take its folder on a full disk decides with what the database has', async () => {
  const told: string[] = []
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  const takeFile = () => {
    throw full
  }
  const a = await start('a', { takeFile, warn: (message) => void told.push(message) })
  await takesOver(a)
  // Which channels are not set up is told as well.
  expect(told.filter((message) => !message.includes('channels'))).toEqual([expect.stringContaining('no space left')])
})
