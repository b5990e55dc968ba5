/** The disk of the official collector's queues, while all that they are for is away. */
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
  const { sinks, otelcol } = await start(128, { OTELCOL_QUEUE_BYTES: '20000000', OTELCOL_ALERTS_QUEUE_BYTES: '10000000' })
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(true)
  const taken = await fill(otelcol)
  await otelcol.end('SIGKILL')
  await otelcol.start()
  taken.push(...(await fill(otelcol)))
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(false)
  for (const { arrivals } of [sinks.postgres, sinks.elasticsearch])
    await expect.poll(() => taken.filter((uid) => !arrivals.has(uid)), { timeout: 60_000, interval: 200 }).toEqual([])
})

test('queues that do not fit on it: senders are refused, it lives, starts again, and goes on once there is room', {
  timeout: 300_000,
}, async () => {
  const { sinks, otelcol } = await start(48)
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(true)
  await fill(otelcol)
  await otelcol.end('SIGKILL')
  // What it had in hand it may lose here, which docs/official-collector.md says.
  await otelcol.start()
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(false)
  const stores = [sinks.postgres, sinks.elasticsearch]
  const later: string[] = []
  async function oneMoreArrives(): Promise<boolean> {
    const uids = newUids(RECORDS)
    // While the disk is full it may lose what it takes as well.
    if ((await sendLogs(otelcol.url, uids, RECORD_BYTES)) === 200) later.push(uids[0]!)
    return later.some((uid) => stores.every(({ arrivals }) => arrivals.has(uid)))
  }
  await expect.poll(oneMoreArrives, { timeout: 120_000, interval: 500 }).toBe(true)
})

async function start(mib: number, env: Readonly<Record<string, string>> = {}): Promise<{ sinks: CountingSinks; otelcol: Otelcol }> {
  const disk: SmallDisk = createSmallDisk({ mib, reserveMib: 1, owner: {} })
  started.push(disk)
  const sinks = await startCountingSinks()
  started.push({ remove: sinks.stop })
  const url = `http://${sinks.address}`
  const otelcol = createOtelcol(freeHost(), { env: { FANOUT_URL: url, EVALUATOR_URL: url, OTELCOL_QUEUE_DIR: disk.folder, ...env } })
  started.push(otelcol)
  await otelcol.start()
  return { sinks, otelcol }
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
