/** Large records through the official collector as we ship it: none is too large for the next one on its way. */
import { afterEach, expect, test } from 'vitest'
import { type CountingSinks, startCountingSinks } from './support/counting-sinks.ts'
import { newUids, sendLogs } from './support/log-requests.ts'
import { CONFIG, createOtelcol, INGEST_TOKEN, type Otelcol } from './support/otelcol.ts'
import { freeHost } from './support/production.ts'

const KIB = 1_024
const MIB = 1_024 * KIB
/** Of each queue. */
const CONSUMERS = 4

const started: { remove(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const { remove } of started.splice(0).reverse()) await remove()
})

test('records of 10 KB, more of them than fit one request: every sink has each once', { timeout: 180_000 }, async () => {
  const sinks = await start()
  const otelcol = await startOtelcol(sinks)
  await checkLoad(otelcol, { sinks: [sinks.postgres, sinks.elasticsearch, sinks.alerts], recordBytes: 10 * KIB, records: 9_000 })
  expect(await lossesOf(otelcol)).toEqual([0, 0])
})

test('through an agent and a gateway as well', { timeout: 180_000 }, async () => {
  const sinks = await start()
  const gateway = await startOtelcol(sinks, [CONFIG, 'deploy/scaled/gateway.yaml'])
  const agent = createOtelcol(freeHost(), {
    files: ['deploy/scaled/agent.yaml'],
    env: { GATEWAY_URL: gateway.url, GATEWAY_TOKEN: INGEST_TOKEN },
  })
  started.push(agent)
  await agent.start()
  await checkLoad(agent, { sinks: [sinks.postgres, sinks.elasticsearch], recordBytes: 10 * KIB, records: 9_000 })
  expect([...(await lossesOf(agent)), ...(await lossesOf(gateway))]).toEqual([0, 0, 0, 0])
})

test('small records that have waited come in thousands', { timeout: 180_000 }, async () => {
  const sinks = await start()
  const otelcol = await startOtelcol(sinks)
  await checkLoad(otelcol, { sinks: [sinks.postgres], recordBytes: 300, records: 30_000 })
  // The first went out as they came, the one after them half a second later, and the last is what was left.
  const waited = sinks.postgres.requests.toSorted((a, b) => b - a).slice(0, -(CONSUMERS + 2))
  expect(waited.length).toBeGreaterThan(3)
  expect(Math.min(...waited)).toBeGreaterThanOrEqual(2_000)
})

test('one record as large as a request may be arrives, and so do those beside it', { timeout: 180_000 }, async () => {
  const sinks = await start()
  const otelcol = await startOtelcol(sinks)
  const uids = newUids(40)
  // They wait together, so that they would come into one batch.
  sinks.postgres.setAway(true)
  for (const [index, uid] of uids.entries()) expect(await sendLogs(otelcol.url, [uid], index % 8 === 7 ? 15.9 * MIB : KIB)).toBe(200)
  // What no batch could hold is refused before anything is taken.
  expect(await sendLogs(otelcol.url, newUids(1), 16.1 * MIB)).toBe(400)
  sinks.postgres.setAway(false)
  for (const { arrivals } of [sinks.postgres, sinks.elasticsearch, sinks.alerts])
    await expect.poll(() => [...arrivals.keys()].toSorted(), { timeout: 60_000 }).toEqual(uids.toSorted())
  expect(await lossesOf(otelcol)).toEqual([0, 0])
})

async function start(): Promise<CountingSinks> {
  const sinks = await startCountingSinks()
  started.push({ remove: sinks.stop })
  return sinks
}

async function startOtelcol({ address }: CountingSinks, files: readonly string[] = [CONFIG]): Promise<Otelcol> {
  const url = `http://${address}`
  const otelcol = createOtelcol(freeHost(), { files, env: { FANOUT_URL: url, EVALUATOR_URL: url, PROMETHEUS_URL: url } })
  started.push(otelcol)
  await otelcol.start()
  return otelcol
}

type Load = { readonly sinks: readonly CountingSinks['postgres'][]; readonly recordBytes: number; readonly records: number }

/** In requests of three hundred, to sinks that are away until the queues hold everything. */
async function checkLoad(otelcol: Otelcol, { sinks, recordBytes, records }: Load): Promise<void> {
  const uids = newUids(records)
  for (const sink of sinks) sink.setAway(true)
  for (let from = 0; from < records; from += 300)
    // Where it is short of memory it says so, and takes it later.
    await expect.poll(() => sendLogs(otelcol.url, uids.slice(from, from + 300), recordBytes), { timeout: 30_000, interval: 200 }).toBe(200)
  for (const sink of sinks) sink.setAway(false)
  const once = uids.map((uid) => [uid, 1]).toSorted()
  for (const { arrivals } of sinks) {
    await expect.poll(() => arrivals.size, { timeout: 60_000 }).toBe(records)
    expect([...arrivals].toSorted()).toEqual(once)
  }
}

/** Log records that no queue has taken, and that were given up. */
async function lossesOf(otelcol: Otelcol): Promise<readonly number[]> {
  const names = ['otelcol_exporter_enqueue_failed_log_records', 'otelcol_exporter_send_failed_log_records']
  return await Promise.all(names.map((name) => otelcol.counted(name)))
}
