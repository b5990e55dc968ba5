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

test('senders are refused, and both stores have every record that was taken', { timeout: 300_000 }, async () => {
  sinks.elasticsearch.setAway(true)
  const taken: string[] = []
  let refusals = 0
  for (let request = 0; request < 400 && refusals < 20; request++) {
    const own = newUids(RECORDS)
    const status = await sendLogs(otelcol.url, own, RECORD_BYTES)
    if (status === 200) taken.push(...own)
    else refusals++
  }
  console.log('taken', taken.length, 'refusals', refusals)
  expect(refusals).toBe(20)
  sinks.elasticsearch.setAway(false)
  for (let s = 0; s < 20; s++) {
    await new Promise((r) => setTimeout(r, 1000))
    console.log(
      sinks.postgres.arrivals.size,
      sinks.elasticsearch.arrivals.size,
      sinks.alerts.arrivals.size,
      await sendLogs(otelcol.url, newUids(1)),
    )
  }
  const missing = (name: 'postgres' | 'elasticsearch') => taken.filter((uid) => !sinks[name].arrivals.has(uid)).length
  console.log('missing', missing('postgres'), missing('elasticsearch'))
  await otelcol.end('SIGTERM')
  console.log(
    otelcol
      .output()
      .split('\n')
      .filter((l) => /error|warn/i.test(l))
      .slice(-15)
      .map((l) => l.slice(0, 400))
      .join('\n'),
  )
  await otelcol.start()
  await new Promise((r) => setTimeout(r, 8000))
  console.log('missing after restart', missing('postgres'), missing('elasticsearch'))
})
