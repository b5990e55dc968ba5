/** Who decides about alerts, and what is remembered, on a real PostgreSQL that is killed and comes back. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { alertRecords } from '../../collector/src/postgres/alert-records.ts'
import { openDatabase } from '../../collector/src/postgres/database.ts'
import { migrate } from '../../collector/src/postgres/schema.ts'
import { createSessionLock } from '../../collector/src/postgres/session-lock.ts'
import { vaultDeliveries } from '../../collector/src/vault/deliveries.ts'
import { type OpenVault, openVault } from '../../collector/src/vault/open-vault.ts'
import type { Program } from '../collector/app/program.ts'
import { type AlertScene, openAlertScene } from '../collector/support/alert-scene.ts'
import { deliveryStoreContract } from '../collector/support/delivery-store-contract.ts'
import type { FailingService } from '../collector/support/failing-service.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const PATIENT = { timeout: 60_000, interval: 200 }
const RULES = `rules:
  - name: Errors
    condition: error_rate[2s] > 0.2
    channels: [webhook]
`

let server: PostgresServer
let scene: AlertScene
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
  const database = openDatabase({ url: server.url, dataDir: '' })
  await migrate(database)
  await database.close()
})
afterAll(async () => await server?.remove())
beforeEach(async () => {
  scene = await openAlertScene()
  writeFileSync(join(scene.folder, 'alerts.yaml'), RULES)
})
afterEach(async () => {
  await scene.close()
  const database = openDatabase({ url: server.url, dataDir: '' })
  await database.query('TRUNCATE alert_records')
  await database.close()
})

async function start(name: string): Promise<Program> {
  return await scene.start({ DATABASE_URL: server.url, COLLECTOR_DATA_DIR: join(scene.folder, name) })
}

/** A service that sends to the alerts of one collector, as the official collector's queue does. */
function serve({ url }: Program, failing = 0): FailingService {
  const service = scene.serve(`${url}/alerts`)
  service.failing = failing
  return service
}

/** A collector that decides and hears of a service, and one that stands by. */
async function startBoth() {
  const one = await start('one')
  await expect.poll(() => rankOf(one), PATIENT).toBe('leading')
  const two = await start('two')
  const service = serve(one)
  await expect.poll(() => readingsOf(one), PATIENT).toBe(1)
  return { one, two, service }
}

const alertsOf = async ({ url }: Program) => JSON.parse(await (await fetch(`${url}/api/alerts`)).text())
const rankOf = async (program: Program) => (await alertsOf(program)).rank
const readingsOf = async (program: Program) => (await alertsOf(program)).rules[0].readings.length

/** Until a collector that goes on with what another process remembered has seen the alert fire itself: from then on it ends as always. */
async function seeAgain(program: Program): Promise<void> {
  const nowMs = Date.now()
  const heldAtMs = async () => Date.parse((await alertsOf(program)).rules[0].instances[0].held_at)
  await expect.poll(heldAtMs, PATIENT).toBeGreaterThan(nowMs + 2_000)
}

/** What the webhook was told: each notification once, with how often it came. */
function told(): readonly string[] {
  return scene.listener.received
    .map(({ body }) => JSON.parse(body))
    .map(({ status, commonLabels }) => `${commonLabels.alertname} ${status}`)
}

deliveryStoreContract('a vault beside PostgreSQL', async () => {
  const database = openDatabase({ url: server.url, dataDir: '' })
  const opened: OpenVault[] = []
  const open = async (name: string) => {
    const vault = await openVault(
      { file: join(scene.folder, name), id: name, now: Date.now, orphanMsMax: 0, onFault: () => {} },
      alertRecords(database),
    )
    opened.push(vault)
    return vaultDeliveries(vault)
  }
  let readers = 0
  return {
    store: await open('first'),
    // Another machine: it has the database and no file. It takes over, so that the first one writes no more: a look only.
    async reopen() {
      const rows = await alertRecords(database).load()
      const vault = await openVault(
        { file: join(scene.folder, `reader-${++readers}`), id: 'reader', now: Date.now, orphanMsMax: 0, onFault: () => {} },
        {
          load: async () => rows,
          apply: async () => true,
        },
      )
      opened.push(vault)
      return vaultDeliveries(vault)
    },
    async close() {
      await Promise.all(opened.map((vault) => vault.close()))
      await database.close()
    },
  }
})

test('the lock is had by one session, seen by all, and free when its session is gone', async () => {
  const [one, two] = [createSessionLock(server.url), createSessionLock(server.url)]
  onTestFinished(async () => void (await Promise.all([one.close(), two.close()])))
  expect([await one.isFree(), await one.acquire(), await one.acquire()]).toEqual([true, true, true])
  expect([await two.isFree(), await two.acquire(), await two.isHeld(), await one.isHeld()]).toEqual([false, false, false, true])
  await one.close()
  await expect.poll(two.isFree, PATIENT).toBe(true)
  expect([await two.acquire(), await one.isHeld()]).toEqual([true, false])
  await server.killHard()
  // A session outlives the server's first process for a moment.
  await expect.poll(two.isHeld, PATIENT).toBe(false)
  await expect(two.acquire()).rejects.toThrow()
  await server.start()
  await expect.poll(two.acquire, PATIENT).toBe(true)
})

test('two collectors: one decides, the other answers 503; it takes over when the first is killed, without a second page, and ends the alert', {
  timeout: 180_000,
}, async () => {
  writeFileSync(join(scene.folder, 'alerts.yaml'), `${RULES}    by: [instance]\n`)
  const one = await start('one')
  await expect.poll(() => rankOf(one), PATIENT).toBe('leading')
  const two = await start('two')
  const [service, healthy] = [serve(one, 0.5), serve(one)]
  await expect.poll(() => readingsOf(one), PATIENT).toBe(2)
  await expect.poll(told, PATIENT).toEqual(['Errors firing'])
  expect(await rankOf(two)).toBe('standby')
  const refused = await fetch(`${two.url}/alerts/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{"name":"x","gauge":{"dataPoints":[{"timeUnixNano":"1","asDouble":1}]}}]}]}]}',
  })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])

  await one.end('SIGKILL')
  healthy.url = `${two.url}/alerts`
  await expect.poll(() => rankOf(two), PATIENT).toBe('leading')
  // Another one is there again at once; the one that fails has not told its figures yet, and has not ended.
  await expect.poll(() => readingsOf(two), PATIENT).toBe(1)
  await sleep(3_000)
  expect(told()).toEqual(['Errors firing'])
  service.url = `${two.url}/alerts`
  // It looks at the rules some times while it still fires: who was told is not told again.
  await seeAgain(two)
  expect(told()).toEqual(['Errors firing'])
  service.failing = 0
  await expect.poll(told, PATIENT).toEqual(['Errors firing', 'Errors resolved'])

  // The first one comes back, and stands by.
  const again = await start('one')
  await sleep(3_000)
  expect([await rankOf(again), await rankOf(two)]).toEqual(['standby', 'leading'])
  expect(told()).toEqual(['Errors firing', 'Errors resolved'])
})

test('PostgreSQL killed: alerts go on, the standby stays one, and what happened meanwhile is in the database once it is back', {
  timeout: 180_000,
}, async () => {
  const { one, two, service } = await startBoth()

  await server.killHard()
  await expect.poll(() => rankOf(one), PATIENT).toBe('alone')
  service.failing = 0.5
  await expect.poll(told, PATIENT).toEqual(['Errors firing'])
  expect(await rankOf(two)).toBe('standby')
  await sleep(7_000)
  expect([await rankOf(one), await rankOf(two)]).toEqual(['alone', 'standby'])

  await server.start()
  await expect.poll(() => rankOf(one), PATIENT).toBe('leading')
  const database = openDatabase({ url: server.url, dataDir: '' })
  const kept = async () =>
    (await alertRecords(database).load()).filter(({ kind }) => kind === 'done' || kind === 'history').map(({ kind }) => kind)
  await expect.poll(async () => (await kept()).toSorted(), PATIENT).toEqual(['done', 'history'])
  await database.close()
  await sleep(7_000)
  expect([await rankOf(one), await rankOf(two)]).toEqual(['leading', 'standby'])

  // Whoever takes over now knows of it.
  await one.end('SIGKILL')
  service.url = `${two.url}/alerts`
  await expect.poll(() => rankOf(two), PATIENT).toBe('leading')
  await seeAgain(two)
  service.failing = 0
  await expect.poll(told, PATIENT).toEqual(['Errors firing', 'Errors resolved'])
})

test('killed while PostgreSQL is away and started again: it goes on from its file; one that never decided stands by', {
  timeout: 180_000,
}, async () => {
  const one = await start('one')
  await expect.poll(() => rankOf(one), PATIENT).toBe('leading')
  const service = serve(one, 0.5)
  await expect.poll(told, PATIENT).toEqual(['Errors firing'])
  await server.killHard()
  await expect.poll(() => rankOf(one), PATIENT).toBe('alone')
  await one.end('SIGKILL')
  const [again, other] = [await start('one'), await start('other')]
  service.url = `${again.url}/alerts`
  await expect.poll(() => rankOf(again), PATIENT).toBe('alone')
  await seeAgain(again)
  expect(await rankOf(other)).toBe('standby')
  service.failing = 0
  await expect.poll(told, PATIENT).toEqual(['Errors firing', 'Errors resolved'])
  await server.start()
  await expect.poll(() => rankOf(again), PATIENT).toBe('leading')
  await sleep(7_000)
  expect(await rankOf(other)).toBe('standby')
  expect(told()).toEqual(['Errors firing', 'Errors resolved'])
})

test('killed, and started again beside another one that decides: it stands by when it starts once more while PostgreSQL is away', {
  timeout: 180_000,
}, async () => {
  const one = await start('one')
  await expect.poll(() => rankOf(one), PATIENT).toBe('leading')
  await one.end('SIGKILL')
  const two = await start('two')
  await expect.poll(() => rankOf(two), PATIENT).toBe('leading')
  const beside = await start('one')
  await sleep(3_000)
  expect(await rankOf(beside)).toBe('standby')
  await beside.end('SIGKILL')
  await server.killHard()
  await expect.poll(() => rankOf(two), PATIENT).toBe('alone')
  const away = await start('one')
  await sleep(3_000)
  expect([await rankOf(away), await rankOf(two)]).toEqual(['standby', 'alone'])
  await server.start()
  await expect.poll(() => rankOf(two), PATIENT).toBe('leading')
})

test('records that nobody can read or write for longer than the lock lives without a look: who decides goes on, alone, and tells once', {
  timeout: 180_000,
}, async () => {
  const { one, two, service } = await startBoth()
  const blocker = new Client({ connectionString: server.url })
  await blocker.connect()
  await blocker.query('BEGIN; LOCK TABLE alert_records IN ACCESS EXCLUSIVE MODE')
  service.failing = 0.5
  const ranks = new Set<string>()
  for (const untilMs = Date.now() + 22_000; Date.now() < untilMs; await sleep(500)) ranks.add(`${await rankOf(one)} ${await rankOf(two)}`)
  expect([...ranks]).toEqual(['leading standby'])
  expect(told()).toEqual(['Errors firing'])
  await blocker.end()
  service.failing = 0
  await expect.poll(told, PATIENT).toEqual(['Errors firing', 'Errors resolved'])
  expect([await rankOf(one), await rankOf(two)]).toEqual(['leading', 'standby'])
})
