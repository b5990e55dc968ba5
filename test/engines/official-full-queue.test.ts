/** Queues of the official collector as we ship it that are full: who has to wait, and who does not. */
import { afterEach, expect, test } from 'vitest'
import { type CountingSinks, startCountingSinks } from './support/counting-sinks.ts'
import { newUids, sendLogs } from './support/log-requests.ts'
import { createOtelcol, type Otelcol } from './support/otelcol.ts'
import { freeHost } from './support/production.ts'

/** Some 100 KB on the wire, so that ten fill a queue of 1 MB. */
const RECORDS = 500
const RECORD_BYTES = 150
const MB = '1000000'

const started: { remove(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const { remove } of started.splice(0).reverse()) await remove()
})

test('the evaluator is away and its queue full: the stores get everything at once, and what alerts do not see is counted', {
  timeout: 180_000,
}, async () => {
  const { sinks, otelcol } = await start({ OTELCOL_ALERTS_QUEUE_BYTES: MB })
  sinks.alerts.setAway(true)
  const uids: string[] = []
  for (let request = 0; request < 40; request++) {
    const own = newUids(RECORDS)
    expect(await sendLogs(otelcol.url, own, RECORD_BYTES)).toBe(200)
    uids.push(...own)
  }
  for (const { arrivals } of [sinks.postgres, sinks.elasticsearch])
    await expect.poll(() => arrivals.size, { timeout: 60_000 }).toBe(uids.length)

  const dropped = () => otelcol.counted('otelcol_exporter_enqueue_failed_log_records', { exporter: 'otlp_http/alerts' })
  expect(await dropped()).toBeGreaterThan(0)
  sinks.alerts.setAway(false)
  await expect.poll(async () => sinks.alerts.arrivals.size + (await dropped()), { timeout: 60_000 }).toBe(uids.length)
  expect(await otelcol.counted('otelcol_receiver_refused_log_records')).toBe(0)
})

test('a store is away and its queue full: senders are refused and come again, and nothing is lost', { timeout: 180_000 }, async () => {
  const { sinks, otelcol } = await start({ OTELCOL_QUEUE_BYTES: MB })
  sinks.elasticsearch.setAway(true)
  const uids = newUids(40 * RECORDS)
  const statuses = new Set<number>()
  const sending = (async () => {
    for (let from = 0; from < uids.length; from += RECORDS)
      await expect
        .poll(
          async () => {
            const status = await sendLogs(otelcol.url, uids.slice(from, from + RECORDS), RECORD_BYTES)
            statuses.add(status)
            return status
          },
          { timeout: 60_000, interval: 200 },
        )
        .toBe(200)
  })()
  await expect.poll(() => [...statuses], { timeout: 60_000 }).toEqual([200, 503])
  sinks.elasticsearch.setAway(false)
  await sending
  for (const { arrivals } of [sinks.postgres, sinks.elasticsearch, sinks.alerts])
    await expect.poll(() => [...arrivals.keys()].toSorted(), { timeout: 60_000 }).toEqual(uids.toSorted())
})

async function start(env: Readonly<Record<string, string>>): Promise<{ sinks: CountingSinks; otelcol: Otelcol }> {
  const sinks = await startCountingSinks()
  started.push({ remove: sinks.stop })
  const url = `http://${sinks.address}`
  const otelcol = createOtelcol(freeHost(), { env: { FANOUT_URL: url, EVALUATOR_URL: url, ...env } })
  started.push(otelcol)
  await otelcol.start()
  return { sinks, otelcol }
}
