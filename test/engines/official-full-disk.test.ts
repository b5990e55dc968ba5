/** The disk of the official collector's queues, while all that they are for is away. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type CountingSinks, startCountingSinks } from './support/counting-sinks.ts'
import { newUids, sendLogs } from './support/log-requests.ts'
import { createOtelcol, type Otelcol } from './support/otelcol.ts'
import { freeHost } from './support/production.ts'
import { createSmallDisk, type SmallDisk } from './support/small-disk.ts'

const RECORDS = 500
const RECORD_BYTES = 1_000

const started: { remove(): unknown }[] = []
afterEach(async () => {
  for (const { remove } of started.splice(0).reverse()) await remove()
})

test('queues that fit on it are full: senders are refused, and nothing that was taken is lost, by a kill neither', {
  timeout: 300_000,
}, async () => {
  const { sinks, otelcol } = await start(128, { env: { OTELCOL_QUEUE_BYTES: '20000000', OTELCOL_ALERTS_QUEUE_BYTES: '10000000' } })
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(true)
  const taken = await fill(otelcol)
  await otelcol.end('SIGKILL')
  await otelcol.start()
  taken.push(...(await fill(otelcol)))
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(false)
  for (const { arrivals } of [sinks.postgres, sinks.elasticsearch])
    await expect.poll(() => taken.filter((uid) => !arrivals.has(uid)), { timeout: 60_000, interval: 200 }).toEqual([])
})

// What it loses on the full disk is luck; docs/official-collector.md says so.
test('queues that do not fit on it: senders are refused, it lives, starts again, and goes on once there is room', {
  timeout: 300_000,
}, async () => {
  const { disk, sinks, otelcol } = await start(96, { reserveMib: 49 })
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(true)
  await fill(otelcol)
  await otelcol.end('SIGKILL')
  await otelcol.start()
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(false)
  disk.freeReserve()
  await expectToGoOn(sinks, otelcol)
})

test('somebody else has filled it: after refusing what a queue holds it refuses with room as well, until a restart', {
  timeout: 300_000,
}, async () => {
  const { disk, sinks, otelcol } = await start(48, { env: { OTELCOL_QUEUE_BYTES: '5000000' } })
  disk.takeRest()
  expect(new Set(await sendRequests(otelcol, 20))).toEqual(new Set([503]))
  disk.freeReserve()
  expect(new Set(await sendRequests(otelcol, 5))).toEqual(new Set([503]))
  await otelcol.end('SIGTERM')
  await otelcol.start()
  await expectToGoOn(sinks, otelcol)
})

test('what a killed compaction has left on it is removed at the start', { timeout: 120_000 }, async () => {
  const { disk, otelcol } = await start(48)
  await otelcol.end('SIGKILL')
  writeFileSync(join(disk.folder, 'tempdb1234'), 'half of a queue')
  await otelcol.start()
  expect(readdirSync(disk.folder).filter((name) => name.startsWith('tempdb'))).toEqual([])
})

type Started = { readonly disk: SmallDisk; readonly sinks: CountingSinks; readonly otelcol: Otelcol }

async function start(
  mib: number,
  { reserveMib = 1, env = {} }: { reserveMib?: number; env?: Record<string, string> } = {},
): Promise<Started> {
  const disk = createSmallDisk({ mib, reserveMib, owner: {} })
  started.push(disk)
  const sinks = await startCountingSinks()
  started.push({ remove: sinks.stop })
  const url = `http://${sinks.address}`
  const otelcol = createOtelcol(freeHost(), { env: { FANOUT_URL: url, EVALUATOR_URL: url, OTELCOL_QUEUE_DIR: disk.folder, ...env } })
  started.push(otelcol)
  await otelcol.start()
  return { disk, sinks, otelcol }
}

/** Sends until there is no room, and some more; gives what was taken. */
async function fill(otelcol: Otelcol): Promise<string[]> {
  const taken: string[] = []
  for (let refusals = 0, request = 0; refusals < 20; request++) {
    if (request > 400) throw new Error('it does not fill')
    const own = newUids(RECORDS)
    if ((await sendLogs(otelcol.url, own, RECORD_BYTES)) === 200) taken.push(...own)
    else refusals++
  }
  return taken
}

/** The answers to so many requests. */
async function sendRequests(otelcol: Otelcol, count: number): Promise<number[]> {
  const answers: number[] = []
  for (let request = 0; request < count; request++) answers.push(await sendLogs(otelcol.url, newUids(RECORDS), RECORD_BYTES))
  return answers
}

/** Senders are heard, and what is taken arrives. */
async function expectToGoOn(sinks: CountingSinks, otelcol: Otelcol): Promise<void> {
  const uids = newUids(RECORDS)
  await expect.poll(() => sendLogs(otelcol.url, uids, RECORD_BYTES), { timeout: 60_000, interval: 200 }).toBe(200)
  for (const { arrivals } of [sinks.postgres, sinks.elasticsearch])
    await expect.poll(() => uids.filter((uid) => !arrivals.has(uid)), { timeout: 60_000, interval: 200 }).toEqual([])
}
