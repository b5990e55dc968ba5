/** Questions without a time are answered from few rows, however many are stored. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../collector/src/postgres/database.ts'
import { postgresReader } from '../../collector/src/postgres/query.ts'
import type { Database } from '../../collector/src/postgres/queryable.ts'
import { LOGS, SPANS } from '../../collector/src/postgres/rows.ts'
import { openStore } from '../collector/postgres/store.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'
import { rowsRead } from './support/rows-read.ts'

const ROWS = 200_000
const DAYS = 10
/** Days since 1970. All is of the days before, which are whole: how much a look finds does not depend on the hour of the test. */
const TODAY = Math.floor(Date.now() / 86_400_000)
/** A page takes some hundred rows; a walk through the table would be all of them. */
const FEW = ROWS / 20

let server: PostgresServer
let database: Database
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
  database = openDatabase({ url: server.url, dataDir: '' })
  const { partitions } = await openStore(database)
  const days = new Set(Array.from({ length: DAYS }, (_, ago) => TODAY - 1 - ago))
  for (const table of [LOGS, SPANS]) await partitions.ensure(table, days)
  const when = `to_timestamp(${TODAY * 86_400}) - interval '${DAYS} days' * n / ${ROWS}`
  // Every hundredth row is an error, and three of those are critical, the newest of them five days old.
  await database.query(`INSERT INTO logs (id, timestamp, level, severity, message, metadata, source, service, instance_id, resource)
    SELECT gen_random_uuid(), ${when}, CASE severity WHEN 21 THEN 'CRITICAL' WHEN 17 THEN 'ERROR' ELSE 'INFO' END, severity, 'message', '{}', 'app', 'tts-api', 'i', '{}'
    FROM (SELECT n, CASE WHEN n IN (${[5, 6, 7].map((part) => (ROWS / 10) * part)}) THEN 21 WHEN n % 100 = 0 THEN 17 ELSE 9 END AS severity FROM generate_series(1, ${ROWS}) n) AS made`)
  // Traces of four spans; one in twenty-five traces fails, and half of all are of one user.
  await database.query(`INSERT INTO spans (trace_id, span_id, parent_span_id, start_time, duration_ns, name, kind, status_code, status_message, attributes, events, links, user_id, service, instance_id, scope, resource)
    SELECT lpad(to_hex(n / 4), 32, '0'), lpad(to_hex(n), 16, '0'), CASE WHEN n % 4 < 3 THEN lpad(to_hex(n / 4 * 4 + 3), 16, '0') END, ${when}, 1000000, 'tts_request', 1,
      CASE WHEN n % 100 = 0 THEN 2 ELSE 0 END, '', '{}', '[]', '[]', CASE WHEN n / 4 % 2 = 0 THEN 'often' ELSE 'seldom ' || n / 4000 END, 'tts-api', 'i', '', '{}'
    FROM generate_series(1, ${ROWS}) n`)
  await database.query('ANALYZE')
}, 300_000)
afterAll(async () => {
  await database?.close()
  await server?.remove()
})

test.each([
  ['ERROR', 5, FEW / 10],
  ['CRITICAL', 3, FEW],
] as const)('level=%s looks at no other records, and at few of many errors', async (level, found, rowsMax) => {
  const rows = await rowsRead(database, async (recorded) => {
    const logs = await postgresReader(recorded).logs({ level, limit: 5 })
    expect(logs.map((log) => log.level)).toEqual(Array(found).fill(level))
  })
  expect(rows).toBeLessThan(rowsMax)
})

test.each([
  ['error=true', { error: true }, 20],
  ['error=true since ever', { error: true, sinceUs: 1 }, 20],
  ['the user of half of all', { userId: 'often' }, 20],
  // A day of this size is read as a whole, where its index would be as far.
  ['the failures of that user', { userId: 'often', error: true }, 20, (2 * ROWS) / DAYS],
  ['a page further on', { error: true, after: { timeUs: (TODAY - 5) * 86_400_000_000, id: '' } }, 20],
  ['a user seldom seen', { userId: 'seldom 3' }, 20],
  ['a user never seen', { userId: 'never' }, 0],
] as const)('traces of %s are found among few', async (_, filter, found, rowsMax = FEW) => {
  const rows = await rowsRead(database, async (recorded) => {
    expect(await postgresReader(recorded).traces({ ...filter, limit: 20 })).toHaveLength(found)
  })
  expect(rows).toBeLessThan(rowsMax)
})
