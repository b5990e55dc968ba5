/** Who has read what: found in the table `reads` after real requests to a collector on PGlite. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Collector, createCollector } from '../../../collector/src/app.ts'
import { parseCollectorConfig } from '../../../collector/src/config.ts'
import { createAudit } from '../../../collector/src/postgres/audit.ts'
import { openDatabase } from '../../../collector/src/postgres/database.ts'
import type { Database, Queryable } from '../../../collector/src/postgres/queryable.ts'

const TOKEN = 'may-read-4711'
const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-audit-'))
let database: Database
let collector: Collector
let url: string
beforeAll(async () => {
  const { config } = parseCollectorConfig({ COLLECTOR_LISTEN: '127.0.0.1:0', COLLECTOR_DATA_DIR: dataDir, READ_TOKEN: TOKEN })
  database = openDatabase({ dataDir })
  const ignore = () => {}
  collector = createCollector(config, { database, admin: database, reading: database, now: Date.now, onFault: ignore, warn: ignore })
  url = (await collector.start()).url
})
afterAll(async () => {
  await collector.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

type Read = Readonly<Record<string, unknown>>
/** All reads, oldest first, once there are `count`. */
async function readsOnce(count: number): Promise<readonly Read[]> {
  const read = async () => (await database.query<Read>('SELECT *, time::text AS noted_at FROM reads ORDER BY time')).rows
  await expect.poll(async () => (await read()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)
  return await read()
}

const get = async (path: string, token = TOKEN) => (await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })).status

test('each question that was let in is noted: who, what, how much; no token and no search text', async () => {
  const logRecords = [1, 2, 3].map((index) => ({
    timeUnixNano: `${Date.now()}000000`,
    body: { stringValue: `hello ${index}` },
    attributes: [{ key: 'user_id', value: { stringValue: '4711' } }],
  }))
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  await fetch(`${url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

  expect(await get('/api/logs?user_id=4711&limit=2')).toBe(200)
  expect(await get('/api/logs?q=sk-leaked-secret')).toBe(200)
  expect(await get('/api/logs?sk-in-a-wrong-place=1')).toBe(400)
  expect(await get(`/api/traces/${'0'.repeat(32)}`)).toBe(404)
  expect(await get('/api/metrics/summary?service=speech')).toBe(200)
  expect(await get('/api/logs', 'wrong')).toBe(401)
  expect(await get('/readyz')).toBe(200)

  const reads = await readsOnce(5)
  // printf %s may-read-4711 | sha256sum
  const who = { reader: '5b629616', address: '127.0.0.1' }
  expect(reads.toSorted((a, b) => Number(a.status) - Number(b.status) || String(a.path).localeCompare(String(b.path)))).toMatchObject([
    { ...who, path: '/api/logs', filter: { user_id: '4711', limit: '2' }, status: 200, rows: 2 },
    { ...who, path: '/api/logs', filter: { q: '16 characters' }, status: 200, rows: 0 },
    { ...who, path: '/api/metrics/summary', filter: { service: 'speech' }, status: 200, rows: 0 },
    { ...who, path: '/api/logs', filter: {}, status: 400, rows: 0 },
    { ...who, path: `/api/traces/${'0'.repeat(32)}`, filter: {}, status: 404, rows: 0 },
  ])
  expect(JSON.stringify(reads)).not.toMatch(/may-read|leaked|wrong-place/)
  expect(Math.abs(Date.now() - Date.parse(String(reads[0]!.noted_at)))).toBeLessThan(60_000)
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^tts_otel_collector_reads_total\{outcome="noted"\} 5$/m)
})

test('no question keeps those after it from being noted', async () => {
  const before = (await readsOnce(0)).length
  const paths = ['/api/alerts?%00=x', '/api/alerts/%00?%00=x', '/api/alerts/history?%00=x', '/api/logs?user_id=%00', '/api/traces/%00?%00']
  for (const path of paths) expect([path, await get(path)]).toEqual([path, 400])
  for (const path of ['silences', 'x/test'])
    expect((await fetch(`${url}/api/alerts/${path}?%00=x`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(
      400,
    )
  expect(await get('/api/logs?user_id=afterwards')).toBe(200)
  const reads = (await readsOnce(before + paths.length + 3)).slice(before)
  expect(reads.map(({ filter }) => filter)).toEqual([...Array(paths.length + 2).fill({}), { user_id: 'afterwards' }])
})

/** A database that takes statements as long as `isUp` says so. */
function openFake(isUp: () => boolean): { readonly queryable: Queryable; readonly inserted: () => number } {
  let rows = 0
  return {
    inserted: () => rows,
    queryable: {
      async query(_, params = []) {
        if (!isUp()) throw new Error('the database is away')
        rows += String(params[0]).split(',').length
        return { rows: [] }
      },
    },
  }
}

const READ = { timeMs: 0, reader: '', address: '127.0.0.1', path: '/api/logs', filter: {}, status: 200, rows: 1, durationMs: 1 }

test('while the database takes nothing reads wait for it; what is more than ten thousand is dropped, counted and told once', async () => {
  let isUp = false
  const { queryable, inserted } = openFake(() => isUp)
  const told: string[] = []
  const audit = createAudit({ database: queryable, warn: (message) => told.push(message) })
  for (let read = 0; read < 10_005; read++) audit.record(READ)
  expect(audit.counts()).toEqual({ noted: 0, dropped: 5 })
  expect(told).toEqual([expect.stringContaining('10000 wait')])
  isUp = true
  await expect.poll(inserted, { timeout: 10_000 }).toBe(10_000)
  expect(audit.counts()).toEqual({ noted: 10_000, dropped: 5 })
  await audit.stop()
})

test('a record that the table can never take is dropped, counted and told; the others are noted', async () => {
  const told: string[] = []
  const audit = createAudit({ database, warn: (message) => told.push(message) })
  const before = (await readsOnce(0)).length
  for (let read = 0; read < 50; read++) audit.record({ ...READ, filter: read % 20 === 7 ? { '\0': 'x' } : { read: `${read}` } })
  await expect.poll(audit.counts, { timeout: 30_000 }).toEqual({ noted: 47, dropped: 3 })
  expect(await readsOnce(before + 47)).toHaveLength(before + 47)
  expect(told).toEqual([expect.stringContaining('can never take a record')])
  await audit.stop()
})

test('a stop writes what is in hand, and counts what cannot be written', async () => {
  const up = openFake(() => true)
  const well = createAudit({ database: up.queryable, warn: () => {} })
  well.record(READ)
  well.record(READ)
  await well.stop()
  expect([up.inserted(), well.counts()]).toEqual([2, { noted: 2, dropped: 0 }])

  const told: string[] = []
  const broken = createAudit({ database: openFake(() => false).queryable, warn: (message) => told.push(message) })
  broken.record(READ)
  await broken.stop()
  expect([broken.counts(), told]).toEqual([{ noted: 0, dropped: 1 }, [expect.stringContaining('1 records')]])
})
