/** The disk of the official collector's queues is full, while a store is away. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CountingSinks, startCountingSinks } from './support/counting-sinks.ts'
import { newUids, sendLogs } from './support/log-requests.ts'
import { createOtelcol, type Otelcol } from './support/otelcol.ts'
import { freeHost } from './support/production.ts'
import { createSmallDisk, type SmallDisk } from './support/small-disk.ts'

const RECORDS = 500
const RECORD_BYTES = 1_000

let disk: SmallDisk
let sinks: CountingSinks
let otelcol: Otelcol
beforeAll(async () => {
  disk = createSmallDisk({ mib: 48, reserveMib: 1, owner: {} })
  sinks = await startCountingSinks()
  const url = `http://${sinks.address}`
  otelcol = createOtelcol(freeHost(), { env: { FANOUT_URL: url, EVALUATOR_URL: url, OTELCOL_QUEUE_DIR: disk.folder } })
  await otelcol.start()
})
afterAll(async () => {
  await otelcol?.remove()
  await sinks?.stop()
  disk?.remove()
})

test('senders are refused, also after a kill, and the stores get every record that was taken', { timeout: 300_000 }, async () => {
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(true)
  const taken: string[] = []
  await fill(taken)
  await otelcol.end('SIGKILL')
  await otelcol.start()
  await fill(taken)
  for (const sink of [sinks.postgres, sinks.elasticsearch, sinks.alerts]) sink.setAway(false)

  for (const { arrivals } of [sinks.postgres, sinks.elasticsearch])
    await expect.poll(() => taken.filter((uid) => !arrivals.has(uid)).length, { timeout: 60_000, interval: 200 }).toBe(0)
  // There is room again.
  const later = newUids(RECORDS)
  await expect.poll(() => sendLogs(otelcol.url, later, RECORD_BYTES), { timeout: 30_000, interval: 200 }).toBe(200)
  await expect.poll(() => later.every((uid) => sinks.elasticsearch.arrivals.has(uid)), { timeout: 30_000 }).toBe(true)
})

/** Sends until there is no room, and some more. */
async function fill(taken: string[]): Promise<void> {
  for (let refusals = 0, request = 0; refusals < 20; request++) {
    if (request > 400) throw new Error('the disk does not fill')
    const own = newUids(RECORDS)
    if ((await sendLogs(otelcol.url, own, RECORD_BYTES)) === 200) taken.push(...own)
    else refusals++
  }
}
