/**
 * The queue of a collector that runs alone while Elasticsearch takes nothing. PostgreSQL is never held up by it, and each test ends
 * by counting: what was sent is stored, or counted as lost with its reason.
 */
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Program, startProgram } from '../collector/app/program.ts'
import { startBothStores } from './support/both-stores.ts'
import { counted, countRows, startLogLoad } from './support/log-load.ts'
import { createSmallDisk } from './support/small-disk.ts'

const RECORDS = 500
/** A record takes some 45 bytes of the queue, most of them its two ids: these take twice the smallest limit. */
const REQUESTS_TOO_MANY = 96

const { postgres, elasticsearch, folder, remove } = await startBothStores()
afterAll(remove)

/** A collector on both stores, with indexes and a queue of its own. */
async function startOn(prefix: string, env: Readonly<Record<string, string>> = {}): Promise<Program> {
  const program = await startProgram({
    DATABASE_URL: postgres.url,
    ELASTICSEARCH_URL: elasticsearch.url,
    ES_INDEX_PREFIX: prefix,
    COLLECTOR_DATA_DIR: join(folder, prefix),
    ...env,
  })
  await expect.poll(async () => (await fetch(`${program.url}/readyz`)).status, { timeout: 20_000 }).toBe(200)
  return program
}

/** Sends; every request is taken at once, and PostgreSQL has every record when this resolves. Gives how many they are. */
async function sendThrough(program: Program, requests: number): Promise<number> {
  const sent = startLogLoad({ urls: [program.url], requests, records: RECORDS, senders: 4 })
  await sent.done
  expect(sent.statuses).toEqual({ 200: requests })
  const all = requests * RECORDS
  expect(await countRows(postgres.url, sent.instance)).toEqual({ rows: all, records: all })
  return all
}

/** Log records in the queue of this collector. */
const waiting = (program: Program) => counted(program.url, 'queue_records{sink="elasticsearch"}')

async function lost(program: Program): Promise<Readonly<Record<string, number>>> {
  const reasons = ['spool_full', 'expired', 'corrupt', 'io', 'undecodable']
  const of = async (reason: string) => [reason, await counted(program.url, `queue_dropped_total{sink="elasticsearch",reason="${reason}"}`)]
  return Object.fromEntries(await Promise.all(reasons.map(of)))
}

const NONE = { spool_full: 0, expired: 0, corrupt: 0, io: 0, undecodable: 0 }

/** Waits until nothing waits, and gives what there is of each: a document's id is its record's, so none is there twice. */
async function countStored(program: Program, prefix: string): Promise<{ found: number; told: number }> {
  await expect.poll(() => waiting(program), { timeout: 60_000, interval: 200 }).toBe(0)
  const told = await counted(program.url, 'sink_records_total{sink="elasticsearch",outcome="stored"}')
  return { found: await elasticsearch.elastic.count(`${prefix}-2*`), told }
}

test('a queue that is filled beyond its limit loses its oldest records and counts them; the others are stored when Elasticsearch is back', {
  timeout: 180_000,
}, async () => {
  const program = await startOn('filled', { COLLECTOR_QUEUE_MAX_MB: '1' })
  let sent = await sendThrough(program, 4)
  expect(await countStored(program, 'filled')).toEqual({ found: sent, told: sent })
  await elasticsearch.killHard()
  sent += await sendThrough(program, REQUESTS_TOO_MANY)
  expect((await lost(program)).spool_full).toBeGreaterThan(0)
  expect(await counted(program.url, 'queue_bytes{sink="elasticsearch"}')).toBeLessThanOrEqual(2 ** 20)
  await expect.poll(program.output).toContain('no room for more')
  await elasticsearch.start()
  sent += await sendThrough(program, 4)
  const stored = await countStored(program, 'filled')
  const dropped = await lost(program)
  expect(dropped).toEqual({ ...NONE, spool_full: sent - stored.found })
  expect(stored.told).toBe(stored.found)
  // At least the limit's worth of the newest was kept.
  expect(stored.found).toBeGreaterThan(sent / 4)
  expect(await program.end('SIGTERM')).toBe(0)
})

test('a full disk under the queue does the same to it, and goes on when there is room', { timeout: 180_000 }, async () => {
  const disk = createSmallDisk({ mib: 16, reserveMib: 15, owner: {} })
  const program = await startOn('full_disk', { COLLECTOR_DATA_DIR: disk.folder })
  try {
    await elasticsearch.killHard()
    let sent = await sendThrough(program, REQUESTS_TOO_MANY)
    await expect.poll(async () => (await lost(program)).spool_full, { timeout: 20_000 }).toBeGreaterThan(0)
    await elasticsearch.start()
    disk.freeReserve()
    sent += await sendThrough(program, 4)
    const stored = await countStored(program, 'full_disk')
    expect(await lost(program)).toEqual({ ...NONE, spool_full: sent - stored.found })
    expect(stored.told).toBe(stored.found)
    expect(await program.end('SIGTERM')).toBe(0)
  } finally {
    await program.end('SIGKILL')
    disk.remove()
  }
})

test('a server that hangs holds up nothing; what was on its way is stored once when it goes on', { timeout: 120_000 }, async () => {
  const program = await startOn('hung')
  let sent = await sendThrough(program, 4)
  elasticsearch.freeze()
  sent += await sendThrough(program, 24)
  expect(await waiting(program)).toBeGreaterThan(0)
  elasticsearch.thaw()
  expect(await countStored(program, 'hung')).toEqual({ found: sent, told: sent })
  expect(await lost(program)).toEqual(NONE)
  expect(await program.end('SIGTERM')).toBe(0)
})
