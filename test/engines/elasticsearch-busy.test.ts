/** An Elasticsearch that has no room for what it is sent, and says 429: for some documents of a bulk, or for the whole. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startProgram } from '../collector/app/program.ts'
import { type Opened, open } from '../collector/elasticsearch/open.ts'
import { log, logs, NOW_US, sender } from '../collector/postgres/records.ts'
import { type BulkWatch, startBulkWatch } from './support/bulk-watch.ts'
import { createElasticsearch, type ElasticsearchServer } from './support/elasticsearch.ts'
import { counted, countRows, startLogLoad } from './support/log-load.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const OK = { kind: 'ok' }
const DAY_US = 86_400_000_000
const source = sender()

let postgres: PostgresServer
let elasticsearch: ElasticsearchServer
beforeAll(async () => {
  const settings = {
    // One writes and one waits: of a bulk for several indexes all but one are refused.
    'thread_pool.write.size': 1,
    'thread_pool.write.queue_size': 1,
    // A bulk above this is refused whole, whatever else goes on.
    'indexing_pressure.memory.limit': '512kb',
  }
  ;[postgres, elasticsearch] = await Promise.all([createPostgres(), createElasticsearch({ settings })])
  await Promise.all([postgres.start(), elasticsearch.start()])
})
afterAll(async () => {
  await Promise.all([postgres.remove(), elasticsearch.remove()])
})

async function watched(): Promise<BulkWatch> {
  const watch = await startBulkWatch(elasticsearch.url)
  onTestFinished(() => watch.close())
  return watch
}

/** Through the watch, when it is ready: a busy machine lets the first look at the server end late. */
async function start(watch: BulkWatch, prefix: string): Promise<Opened> {
  const opened = open(watch.url, { prefix })
  await opened.start()
  await expect.poll(() => opened.readiness(), { timeout: 60_000 }).toEqual({ ready: true })
  return opened
}

/** Ids of the documents that Elasticsearch answered so. */
const answered = ({ bulks }: BulkWatch, status: number): readonly string[] =>
  bulks.flatMap(({ statuses }) => [...statuses].filter(([, each]) => each === status).map(([id]) => id))

test('of a bulk that is taken in part only the refused documents are sent again, until all are stored', { timeout: 120_000 }, async () => {
  const watch = await watched()
  const opened = await start(watch, 'partly')
  const records = Array.from({ length: 300 }, (_, index) => log(source, { timeUs: NOW_US - (index % 4) * DAY_US }))
  expect(await opened.send(logs(records))).toEqual(OK)
  expect(watch.bulks.length).toBeGreaterThan(1)
  for (const [index, { statuses }] of watch.bulks.entries()) {
    const refused = [...statuses].filter(([, status]) => status === 429).map(([id]) => id)
    expect(refused).toEqual(watch.bulks[index + 1]?.ids ?? [])
  }
  const uids = records.map(({ uid }) => uid).toSorted()
  expect(answered(watch, 201).toSorted()).toEqual(uids)
  expect((await elasticsearch.elastic.all('partly-2*')).map(({ id }) => id).toSorted()).toEqual(uids)
  expect(await elasticsearch.elastic.count('partly-dead-letters')).toBe(0)
})

test('a bulk that the server has no memory for is sent again in smaller ones, and each document is stored once', {
  timeout: 120_000,
}, async () => {
  const watch = await watched()
  const opened = await start(watch, 'large')
  const records = Array.from({ length: 1_000 }, () => log(source, { body: 'Speech generated. '.repeat(100) }))
  expect(await opened.send(logs(records))).toEqual(OK)
  expect(watch.bulks[0]).toMatchObject({ status: 429, ids: records.map(({ uid }) => uid) })
  const uids = records.map(({ uid }) => uid).toSorted()
  expect(answered(watch, 201).toSorted()).toEqual(uids)
  expect((await elasticsearch.elastic.all('large-2*')).map(({ id }) => id).toSorted()).toEqual(uids)
  expect(await elasticsearch.elastic.count('large-dead-letters')).toBe(0)
})

test('under load: what a collector was sent is in both stores once, and its counters know of no loss', { timeout: 120_000 }, async () => {
  const watch = await watched()
  const program = await startProgram({ DATABASE_URL: postgres.url, ELASTICSEARCH_URL: watch.url, ES_INDEX_PREFIX: 'loaded' })
  const [requests, records] = [20, 250]
  const sent = startLogLoad({ urls: [program.url], requests, records, senders: 4 })
  await sent.done
  const all = requests * records
  expect(sent.statuses).toEqual({ 200: requests })
  expect(await countRows(postgres.url, sent.instance)).toEqual({ rows: all, records: all })
  await expect.poll(() => counted(program.url, 'queue_records{sink="elasticsearch"}'), { timeout: 60_000, interval: 200 }).toBe(0)
  expect(watch.bulks.filter(({ status, statuses }) => status === 429 || [...statuses.values()].includes(429)).length).toBeGreaterThan(0)
  expect(await elasticsearch.elastic.count('loaded-2*')).toBe(all)
  expect(answered(watch, 201).length).toBe(all)
  expect(await counted(program.url, 'sink_records_total{sink="elasticsearch",outcome="stored"}')).toBe(all)
  expect(await counted(program.url, 'sink_records_total{sink="elasticsearch",outcome="rejected"}')).toBe(0)
  for (const reason of ['spool_full', 'expired', 'corrupt', 'io', 'undecodable'])
    expect(await counted(program.url, `queue_dropped_total{sink="elasticsearch",reason="${reason}"}`)).toBe(0)
  expect(await program.end('SIGTERM')).toBe(0)
})
