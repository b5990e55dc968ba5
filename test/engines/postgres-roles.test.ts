/** The users of collector/sql on a real server: a whole collector as these three, and what each of them may not do. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../collector/src/postgres/database.ts'
import { postgresReader } from '../../collector/src/postgres/query.ts'
import { getLogs } from '../../src/reading/get-logs.ts'
import { type Program, runProgram, startProgram } from '../collector/app/program.ts'
import { countRows, post, requestOf } from './support/log-load.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const REFUSED = { code: '42501' }
const folder = fileURLToPath(new URL('../../collector/sql', import.meta.url))
let server: PostgresServer
let collector: Program
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
  await run('postgres', 'CREATE DATABASE telemetry', 'postgres')
  for (let time = 0; time < 2; time++) runAsTold('roles.sql', 'postgres')
  collector = await startProgram({
    DATABASE_URL: urlOf('tts_otel_writer'),
    DATABASE_ADMIN_URL: urlOf('tts_otel_owner'),
    DATABASE_READ_URL: urlOf('tts_otel_reader'),
  })
  await send('alice-1', '4711')
  await send('bob-1', '0815')
})
afterAll(async () => {
  await collector?.end('SIGTERM')
  await server?.remove()
})

const urlOf = (user: string, database = 'telemetry') => server.url.replace('postgres@', `${user}@`).replace(/\/postgres$/, `/${database}`)

/** The rows of the last statement, as this user. */
async function run(user: string, sql: string, database = 'telemetry'): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({ connectionString: urlOf(user, database) })
  await client.connect()
  try {
    const results: unknown = await client.query(sql)
    const last = Array.isArray(results) ? results.at(-1) : results
    return last.rows
  } finally {
    await client.end()
  }
}

/** The command that the script says, on our database. Throws what psql says when it fails. */
function runAsTold(name: string, user: string): void {
  const [, words] = new RegExp(`^--   psql -d telemetry (.*-f ${name})$`, 'm').exec(readFileSync(join(folder, name), 'utf8'))!
  execFileSync('psql', ['-d', urlOf(user), ...words!.split(' ')], { cwd: folder, stdio: 'pipe' })
}

/** One log record and one speech request of a user. */
async function send(requestId: string, userId: string): Promise<void> {
  const attributes = Object.entries({ request_id: requestId, user_id: userId }).map(([key, value]) => ({
    key,
    value: { stringValue: value },
  }))
  const times = { startTimeUnixNano: `${Date.now()}000000`, endTimeUnixNano: `${Date.now() + 5}000000` }
  const outcome = [
    { key: 'tts.outcome', value: { stringValue: 'ok' } },
    { key: 'tts.audio.duration', value: { stringValue: 'no number' } },
    { key: 'tts.input.characters', value: { intValue: '12' } },
  ]
  const traceId = Buffer.from(requestId.padEnd(16, '.')).toString('hex')
  const span = { traceId, spanId: '01'.repeat(8), name: 'tts_request', ...times, attributes: [...attributes, ...outcome] }
  const logRecord = { timeUnixNano: `${Date.now()}000000`, severityNumber: 17, body: { stringValue: `of ${userId}` }, attributes }
  const bodies = {
    logs: { resourceLogs: [{ scopeLogs: [{ logRecords: [logRecord] }] }] },
    traces: { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] },
  }
  for (const [signal, body] of Object.entries(bodies)) {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${collector.url}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect([response.status, await response.json()]).toEqual([200, {}])
  }
}

describe('roles.sql', () => {
  test('the collector stores, answers and notes who has read, each as another user', async () => {
    expect((await getLogs({ user_id: '4711' }, { url: collector.url })).map(({ message }) => message)).toEqual(['of 4711'])
    await expect
      .poll(() => run('tts_otel_owner', 'SELECT path, filter, rows FROM reads'))
      .toEqual([{ path: '/api/logs', filter: { user_id: '4711', limit: '100' }, rows: 1 }])
    const sessions = await run('postgres', "SELECT usename, application_name FROM pg_stat_activity WHERE datname = 'telemetry'")
    expect(sessions).toContainEqual({ usename: 'tts_otel_writer', application_name: 'tts-otel-collector' })
    expect(sessions).toContainEqual({ usename: 'tts_otel_reader', application_name: 'tts-otel-collector read' })
  })

  test('the writer appends, and cannot read, change or remove', async () => {
    await run('tts_otel_writer', "INSERT INTO reads VALUES (gen_random_uuid(), now(), '', '', '/', '{}', 200, 0, 0)")
    const tables = ['logs', 'spans', 'metric_points', 'dead_letters', 'reads']
    const forbidden = [
      ...tables.flatMap((table) => [`SELECT FROM ${table}`, `DELETE FROM ${table}`, `TRUNCATE ${table}`, `DROP TABLE ${table}`]),
      'SELECT FROM requests',
      'UPDATE reads SET reader = 1',
      'CREATE TABLE mine (id integer)',
      'ALTER ROLE tts_otel_writer SUPERUSER',
      'SELECT FROM logs_default',
    ]
    for (const sql of forbidden) await expect(run('tts_otel_writer', sql), sql).rejects.toMatchObject(REFUSED)
  })

  test('the reader reads tables and views, and nothing else', async () => {
    expect(await run('tts_otel_reader', 'SELECT user_id, outcome, characters, audio_seconds FROM requests ORDER BY user_id')).toEqual([
      { user_id: '0815', outcome: 'ok', characters: 12, audio_seconds: null },
      { user_id: '4711', outcome: 'ok', characters: 12, audio_seconds: null },
    ])
    expect(await run('tts_otel_reader', 'SELECT message FROM errors WHERE user_id = $$4711$$')).toEqual([{ message: 'of 4711' }])
    await expect(run('tts_otel_reader', 'DELETE FROM logs')).rejects.toMatchObject({ code: '25006' })
    const forbidden = [
      'DELETE FROM logs',
      'INSERT INTO logs_default SELECT * FROM logs',
      'DROP VIEW errors',
      'CREATE TABLE mine (id integer)',
    ]
    for (const sql of [...forbidden, 'SELECT FROM reads', 'SELECT FROM dead_letters', 'CREATE TEMP TABLE mine (id integer)'])
      await expect(run('tts_otel_reader', `SET TRANSACTION READ WRITE; ${sql}`), sql).rejects.toMatchObject(REFUSED)
  })

  test('a question of the reader that takes long is ended by the server', async () => {
    await expect(run('tts_otel_reader', 'SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
  })

  test('work of the owner, tried as the writer, says which setting is missing', async () => {
    const alone = { DATABASE_URL: urlOf('tts_otel_writer') }
    const { code, stderr } = await runProgram(alone, ['dead-letters'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('permission denied')])
    expect(stderr).toContain('DATABASE_ADMIN_URL must name the owner of the tables')
    const asReader = await runProgram({ DATABASE_URL: urlOf('tts_otel_reader') }, ['dead-letters'])
    expect(asReader).toMatchObject({ code: 1, stderr: expect.stringMatching(/permission denied.*DATABASE_ADMIN_URL must name the owner/) })
    const second = await startProgram(alone)
    expect(second.output()).toContain('DATABASE_ADMIN_URL must name the owner of the tables')
    expect(await second.end('SIGTERM')).toBe(0)
  })

  test('others are not let into the database', async () => {
    await run('postgres', 'CREATE ROLE stranger LOGIN')
    await expect(run('stranger', 'SELECT 1')).rejects.toMatchObject(REFUSED)
  })
})

describe('connections for reading', () => {
  test('are others than those for writing: with all of them busy, writing goes on', async () => {
    const reading = openDatabase({ url: urlOf('tts_otel_reader'), dataDir: '', purpose: 'read' })
    const busy = Array.from({ length: 8 }, () => reading.query('SELECT pg_sleep(3)'))
    await send('meanwhile-1', '0816')
    expect(await run('tts_otel_owner', "SELECT message FROM logs WHERE user_id = '0816'")).toEqual([{ message: 'of 0816' }])
    await Promise.allSettled(busy)
    await reading.close()
  })

  test('end what takes too long by themselves, and say what to do', async () => {
    const reading = openDatabase({ url: urlOf('tts_otel_reader'), dataDir: '', purpose: 'read' })
    const reader = postgresReader({ query: (_, __, options) => reading.query('SELECT pg_sleep(30)', [], options) })
    await expect(reader.logs({ limit: 1 })).rejects.toMatchObject({
      name: 'ReadTimeoutError',
      message: expect.stringContaining('since and until'),
    })
    await expect(reading.query('CREATE TABLE mine (id integer)')).rejects.toMatchObject({ code: '25006' })
    await reading.close()
  })
})

describe('row-security.sql', () => {
  beforeAll(async () => {
    expect(() => runAsTold('row-security.sql', 'tts_otel_owner')).toThrow(/permission denied to create role/)
    expect(await run('postgres', "SELECT FROM pg_tables WHERE tablename = 'user_readers' OR rowsecurity")).toEqual([])
    for (let time = 0; time < 2; time++) runAsTold('row-security.sql', 'postgres')
    for (const role of ['alice', 'bob', 'nobody_yet']) {
      await run('postgres', `CREATE ROLE ${role} LOGIN IN ROLE tts_otel_user`)
      await run('postgres', `GRANT CONNECT ON DATABASE telemetry TO ${role}`)
    }
    await run('postgres', "INSERT INTO user_readers VALUES ('alice', '4711'), ('bob', '0815')")
  })

  test.each(['logs', 'spans', 'errors', 'requests'])('%s shows a user their own rows only', async (table) => {
    expect(await run('alice', `SELECT DISTINCT user_id FROM ${table}`)).toEqual([{ user_id: '4711' }])
    expect(await run('alice', `SELECT FROM ${table} WHERE user_id = '0815'`)).toEqual([])
    expect(await run('nobody_yet', `SELECT FROM ${table}`)).toEqual([])
  })

  test('there is no way around: not by a setting, the list of users, a partition or another role', async () => {
    const forbidden = [
      'SELECT FROM user_readers',
      "INSERT INTO user_readers VALUES ('alice', '0815')",
      'SELECT FROM logs_default',
      'SET ROLE tts_otel_reader',
      'ALTER TABLE logs DISABLE ROW LEVEL SECURITY',
      'SET row_security = off; SELECT FROM logs',
      'SELECT FROM metric_points',
    ]
    for (const sql of forbidden) await expect(run('alice', sql), sql).rejects.toMatchObject(REFUSED)
    const [day] = await run('tts_otel_owner', "SELECT tableoid::regclass::text AS name FROM logs WHERE user_id = '0815' LIMIT 1")
    await expect(run('alice', `SELECT FROM ${day!.name}`)).rejects.toMatchObject(REFUSED)
  })

  test('nobody learns the user id of another, not by asking the function either', async () => {
    expect(await run('alice', "SELECT user_id_of('alice'), user_id_of('bob') AS other")).toEqual([{ user_id_of: '4711', other: null }])
    expect(await run('nobody_yet', "SELECT user_id_of('bob')")).toEqual([{ user_id_of: null }])
  })

  test('an application that puts on the role of a person sees what that person sees', async () => {
    await run('postgres', 'CREATE ROLE app LOGIN NOINHERIT IN ROLE alice; GRANT CONNECT ON DATABASE telemetry TO app')
    expect(await run('app', 'SET ROLE alice; SELECT DISTINCT user_id FROM logs')).toEqual([{ user_id: '4711' }])
  })

  test('batches of thousands are stored as before, each record once: COPY is not for such tables', async () => {
    const instance = randomUUID()
    for (let sent = 0, body = requestOf(instance, 3_000); sent < 2; sent++) expect(await post(collector.url, body)).toBe(200)
    expect(await countRows(urlOf('postgres'), instance)).toEqual({ rows: 3_000, records: 3_000 })
  })

  test('the collector stores and reads as before, twice sent is once stored', async () => {
    await send('alice-2', '4711')
    await send('bob-2', '0815')
    expect((await getLogs({ user_id: '0815' }, { url: collector.url })).map(({ request_id }) => request_id)).toEqual(['bob-2', 'bob-1'])
    expect(await run('alice', 'SELECT request_id FROM requests ORDER BY start_time')).toEqual([
      { request_id: 'alice-1' },
      { request_id: 'alice-2' },
    ])
    expect((await run('tts_otel_reader', 'SELECT FROM logs')).length).toBeGreaterThan(3)
  })
})

test('a database of one user becomes one of three, as docs/postgres.md says', async () => {
  const database = 'moved'
  await run('postgres', 'CREATE ROLE solo LOGIN', 'postgres')
  await run('postgres', `CREATE DATABASE ${database} OWNER solo`, 'postgres')
  const instance = randomUUID()
  const body = requestOf(instance, 10)
  const alone = await startProgram({ DATABASE_URL: urlOf('solo', database) })
  expect(await post(alone.url, body)).toBe(200)
  await alone.end('SIGTERM')

  await run('postgres', readFileSync(join(folder, 'roles.sql'), 'utf8'), database)
  const guide = readFileSync(new URL('../../docs/postgres.md', import.meta.url), 'utf8')
  await run('postgres', /'(REASSIGN OWNED BY solo [^']+)'/.exec(guide)![1]!, database)
  const three = await startProgram({
    DATABASE_URL: urlOf('tts_otel_writer', database),
    DATABASE_ADMIN_URL: urlOf('tts_otel_owner', database),
    DATABASE_READ_URL: urlOf('tts_otel_reader', database),
  })
  try {
    for (const sent of [body, requestOf(instance, 5)]) expect(await post(three.url, sent)).toBe(200)
    expect(await countRows(urlOf('tts_otel_reader', database), instance)).toEqual({ rows: 15, records: 15 })
    expect(await run('postgres', "SELECT relname FROM pg_class WHERE relowner = 'solo'::regrole", database)).toEqual([])
    await expect(run('tts_otel_writer', 'SELECT FROM logs', database)).rejects.toMatchObject(REFUSED)
  } finally {
    await three.end('SIGTERM')
  }
})
