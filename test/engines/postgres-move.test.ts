/** Many rows in a default partition of a real server, moved while others write and read, and cut off in every way. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../collector/src/postgres/database.ts'
import type { Database } from '../../collector/src/postgres/queryable.ts'
import { migrate } from '../../collector/src/postgres/schema.ts'
import { startProgram } from '../collector/app/program.ts'
import { openStore } from '../collector/postgres/store.ts'
import { post } from './support/log-load.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const ALWAYS = new AbortController().signal
const DAY_MS = 86_400_000
/** A day that has a partition from the start. */
const DAY = new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10)
const PARTITION = `logs_${DAY.replaceAll('-', '')}`

let server: PostgresServer
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
})
afterAll(async () => await server?.remove())

const urlOf = (database: string, user = 'postgres') => server.url.replace('postgres@', `${user}@`).replace(/\/postgres$/, `/${database}`)

/** A database of a collector that could not make the partition of {@link DAY}. */
async function crowd(name: string, rows: number): Promise<Database> {
  const first = openDatabase({ url: server.url, dataDir: '' })
  await first.query(`CREATE DATABASE ${name}`)
  await first.close()
  const database = openDatabase({ url: urlOf(name), dataDir: '', purpose: 'maintain' })
  onTestFinished(() => database.close())
  await openStore(database)
  await database.query(`DROP TABLE ${PARTITION}`)
  await database.query(
    `INSERT INTO logs (id, timestamp, level, severity, message, metadata, source, request_id, user_id, service, instance_id, resource)
     SELECT gen_random_uuid(), '${DAY}'::timestamptz + n * interval '1 millisecond', 'INFO', 9, 'waits', '{}', 'app', n::text, n::text, 'tts-api', 'i', '{}'
     FROM generate_series(1, $1::integer) AS n`,
    [rows],
  )
  return database
}

async function one(database: Database, sql: string): Promise<number> {
  const { rows } = await database.query<{ value: number }>(sql)
  return rows[0]!.value
}

const total = (database: Database) => one(database, 'SELECT count(*)::integer AS value FROM logs')
const distinct = (database: Database) => one(database, 'SELECT count(DISTINCT id)::integer AS value FROM logs')
const waiting = (database: Database) => one(database, 'SELECT count(*)::integer AS value FROM logs_default')
const isMoving = (database: Database) => one(database, "SELECT count(to_regclass('logs_moving'))::integer AS value")

/** Calls `onStep` before so many steps of a move. */
function watchSteps(database: Database, onStep: (step: number) => unknown): Database {
  let steps = 0
  return {
    ...database,
    async query(sql, ...rest) {
      if (sql.startsWith('WITH step')) await onStep(++steps)
      return await database.query(sql, ...rest)
    },
  }
}

function requestAt(day: string, records: number): string {
  const logRecords = Array.from({ length: records }, (_, index) => ({
    timeUnixNano: `${Date.parse(day) + index}000000`,
    observedTimeUnixNano: `${Date.parse(day)}000000`,
    body: { stringValue: `meanwhile ${records}` },
  }))
  return JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}

test('a collector is ready at once, moves a day while others write and read, and is killed at it: each row is there all the time, and once', {
  timeout: 180_000,
}, async () => {
  const rows = 200_000
  const database = await crowd('crowded', rows)
  await database.query('CREATE ROLE writer LOGIN')
  const env = { DATABASE_URL: urlOf('crowded', 'writer'), DATABASE_ADMIN_URL: urlOf('crowded') }
  const copied = async () => ((await isMoving(database)) ? await one(database, 'SELECT count(*)::integer AS value FROM logs_moving') : 0)

  const killed = await startProgram(env)
  await expect.poll(copied).toBeGreaterThan(rows / 20)
  await killed.end('SIGKILL')
  expect(await copied()).toBeLessThan(rows)
  expect([await total(database), await distinct(database), await waiting(database)]).toEqual([rows, rows, rows])

  const collector = await startProgram(env)
  expect((await fetch(`${collector.url}/readyz`)).status).toBe(200)
  for (let sent = 1; ; sent++) {
    const isThrough = (await isMoving(database)) === 0
    expect(await post(collector.url, requestAt(DAY, sent))).toBe(200)
    expect(await total(database)).toBe(rows + (sent * (sent + 1)) / 2)
    if (isThrough) break
  }
  expect(await total(database)).toBe(await distinct(database))
  expect(await one(database, `SELECT count(*)::integer AS value FROM ${PARTITION}`)).toBe(await total(database))
  expect(await waiting(database)).toBe(0)
  expect(await collector.end('SIGTERM')).toBe(0)
})

test('a server that is killed at it has every row, and the move goes on', async () => {
  const rows = 20_000
  const database = await crowd('cut_off', rows)
  const watched = watchSteps(database, (step) => (step === 10 ? server.killHard() : undefined))
  const warnings: string[] = []
  await openStore(watched, { stepRows: 500, warn: (message) => warnings.push(message) })
  expect(warnings).toContainEqual(expect.stringContaining('failed at logs'))
  await server.start()
  expect([await total(database), await waiting(database), await isMoving(database)]).toEqual([rows, rows, 1])
  await openStore(database, { stepRows: 500 })
  expect([await total(database), await distinct(database), await waiting(database), await isMoving(database)]).toEqual([rows, rows, 0, 0])
})

test('who reads for long keeps the day waiting, not the others; nothing is copied again for it', async () => {
  const database = await crowd('read', 5_000)
  const steps: number[] = []
  const warnings: string[] = []
  const watched = watchSteps(database, (step) => steps.push(step))
  const reading = Promise.withResolvers<void>()
  const reader = database.transaction(async (tx) => {
    await tx.query('SELECT FROM logs LIMIT 1')
    await reading.promise
  })
  const { partitions } = await openStore(watched, { stepRows: 500, warn: (message) => warnings.push(message) })
  expect(warnings).toContainEqual(expect.stringContaining('held up: somebody reads'))
  expect([await total(database), await waiting(database), steps.length]).toEqual([5_000, 5_000, 11])
  reading.resolve()
  await reader
  expect(await partitions.maintain(ALWAYS)).toBe(true)
  expect([await total(database), await waiting(database), steps.length]).toEqual([5_000, 0, 12])
})

test('a collector with a newer schema begins the move anew', async () => {
  const database = await crowd('migrated', 5_000)
  const watched = watchSteps(database, (step) => {
    if (step === 3) throw new Error('cut off')
  })
  await openStore(watched, { stepRows: 500 })
  expect(await isMoving(database)).toBe(1)
  await database.query('DROP TABLE alert_records')
  await database.query('DELETE FROM schema_version WHERE version = 3')
  await migrate(database)
  expect([await isMoving(database), await total(database)]).toEqual([0, 5_000])
  await openStore(database, { stepRows: 500 })
  expect([await total(database), await distinct(database), await waiting(database)]).toEqual([5_000, 5_000, 0])
})
