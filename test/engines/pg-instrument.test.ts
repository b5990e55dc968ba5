/** What the instrumentation of `pg` tells of a real PostgreSQL: its concurrency, its errors, and how it reads text. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createGuard } from '../../src/instrument/guard.ts'
import { instrumentPgModule } from '../../src/instrument/pg-module.ts'
import { readStatement } from '../../src/instrument/sql-statement.ts'
import { getRequestId, withRequest } from '../../src/request-context.ts'
import { startTelemetry, waitForSpans } from '../instrument/support.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const telemetry = startTelemetry()
instrumentPgModule({ guard: createGuard('pg') })

let server: PostgresServer
let pool: pg.Pool
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
  pool = new pg.Pool({ connectionString: server.url, max: 4 })
  pool.on('error', () => {})
  await pool.query('CREATE TABLE songs (id int PRIMARY KEY, title text)')
  await pool.query("INSERT INTO songs SELECT n, 'song ' || n FROM generate_series(1, 1000) n")
  telemetry.reset()
})
afterEach(() => telemetry.reset())
afterAll(async () => {
  await pool?.end()
  await server?.remove()
})

function asRequest<T>(id: string, fn: () => T): T {
  const span = trace.getTracer('test').startSpan(`job ${id}`)
  return context.with(trace.setSpan(context.active(), span), () => withRequest({ requestId: id }, fn))
}

test('a hundred requests at once on four connections keep their ids in awaits and in callbacks', async () => {
  const jobs = Array.from({ length: 100 }, (_, index) =>
    asRequest(`r${index}`, async () => {
      const heard: string[] = []
      await pool.query('SELECT title FROM songs WHERE id = $1', [index])
      heard.push(getRequestId())
      await new Promise<void>((resolve) => pool.query('SELECT 1', () => resolve(void heard.push(getRequestId()))))
      const client = await pool.connect()
      await new Promise<void>((resolve) => client.query('SELECT 2', () => resolve(void heard.push(getRequestId()))))
      client.release()
      return heard
    }),
  )
  for (const [index, heard] of (await Promise.all(jobs)).entries()) expect(heard).toEqual(Array.from({ length: 3 }, () => `r${index}`))
  await waitForSpans(telemetry, 300)
  for (let index = 0; index < 100; index++)
    expect(telemetry.spans.filter(({ attributes }) => attributes.request_id === `r${index}`)).toHaveLength(3)
})

test.each([
  ["SELECT 1 / 0 AS a, 'a secret'", '22012'],
  ["INSERT INTO songs VALUES (1, 'a secret')", '23505'],
  ["SELECT 'a secret'::date", '22007'],
  [`SELECT * FROM "a secret"`, '42P01'],
  ["SET statement_timeout = 20; SELECT pg_sleep(5), 'a secret'", '57014'],
  [`DO $$ BEGIN RAISE EXCEPTION 'a secret' USING ERRCODE = 'P0001'; END $$`, 'P0001'],
])('%s ends with %s, and no value in its error', async (text, code) => {
  const client = await pool.connect()
  await expect(client.query(text)).rejects.toMatchObject({ code })
  client.release(true)
  const [span] = await waitForSpans(telemetry, 1)
  expect(span!.attributes).toMatchObject({ 'error.type': code, 'db.response.status_code': code })
  expect(span!.status.code).toBe(SpanStatusCode.ERROR)
  expect(JSON.stringify(span!.status)).not.toContain('secret')
})

test('whatever PostgreSQL reads as a value is none of ours to tell', async () => {
  const pieces = ["'", '"', '\\', '$$', '$a$', '--', '/*', '*/', ';', 'secret', ' ', '\n', '?', '$1', 'é', '0']
  let seed = 4_711
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  for (let round = 0; round < 300; round++) {
    const value = Array.from({ length: 1 + random(8) }, () => pieces[random(pieces.length)]!).join('')
    const { rows } = await pool.query<{ literal: string; name: string }>('SELECT quote_literal($1) AS literal, quote_ident($1) AS name', [
      value,
    ])
    const { literal, name } = rows[0]!
    const tag = `$q${round}$`
    const text = `SELECT ${literal} AS ${name === '' ? 'x' : name}, ${tag}${value}${tag} /* ${literal.replace(/\/\*|\*\//g, '')} */ FROM songs LIMIT 1 -- done`
    expect(Object.values((await pool.query(text)).rows[0] as object)).toContain(value)
    expect(readStatement(text)).toEqual({ text: `SELECT ? AS ${name}, ? FROM songs LIMIT ?`, summary: 'SELECT songs' })
  }
})

test('a cursor inside a transaction, and its rows in pieces', async () => {
  const client = await pool.connect()
  await client.query('BEGIN')
  const cursor = client.query(new Cursor('SELECT id FROM songs'))
  let count = 0
  for (let rows = await cursor.read(300); rows.length > 0; rows = await cursor.read(300)) count += rows.length
  await cursor.close()
  await client.query('COMMIT')
  client.release()
  expect(count).toBe(1_000)
  const spans = await waitForSpans(telemetry, 3)
  expect(spans.map(({ name }) => name)).toEqual(['BEGIN', 'SELECT songs', 'COMMIT'])
})

test('COPY in both directions is one span each, and its streams keep the request of who copies', async () => {
  const client = await asRequest('maker', () => pool.connect())
  const told = await asRequest('r1', async () => {
    const ids: string[] = []
    const note = () => ids.push(getRequestId())
    await pipeline(
      Readable.from(['2001\ta secret\n', '2002\ta secret\n']),
      client.query(copyFrom('COPY songs FROM STDIN')).on('finish', note),
    )
    const out = client.query(copyTo('COPY (SELECT * FROM songs WHERE id > 2000) TO STDOUT'))
    const parts: Buffer[] = []
    out
      .on('data', (part) => parts.push(part))
      .on('data', note)
      .on('end', note)
    await once(out, 'close')
    return { ids, text: Buffer.concat(parts).toString() }
  })
  expect(told.text).toBe('2001\ta secret\n2002\ta secret\n')
  expect(new Set(told.ids)).toEqual(new Set(['r1']))
  const broken = client.query(copyFrom('COPY songs FROM STDIN'))
  await expect(pipeline(Readable.from(['a secret\n']), broken)).rejects.toMatchObject({ code: '22P02' })
  await client.query('DELETE FROM songs WHERE id > 2000')
  client.release()
  const spans = await waitForSpans(telemetry, 4)
  expect(spans.map(({ name, attributes }) => [name, attributes.request_id, attributes['error.type']])).toEqual([
    ['COPY songs', 'r1', undefined],
    ['COPY SELECT songs', 'r1', undefined],
    ['COPY songs', undefined, '22P02'],
    ['DELETE songs', undefined, undefined],
  ])
  expect(JSON.stringify(spans.map(({ attributes, status }) => [attributes, status]))).not.toContain('secret')
})

test('a query stream, to its end and given up early, and its listeners', async () => {
  const client = await asRequest('maker', () => pool.connect())
  const text = 'SELECT id FROM songs WHERE id <= 1000'
  const ids = await asRequest('r1', async () => {
    const stream = client.query(new QueryStream(text, [], { batchSize: 300 }))
    const heard: string[] = []
    stream.on('data', () => heard.push(getRequestId())).on('end', () => heard.push(getRequestId()))
    await once(stream, 'close')
    return heard
  })
  expect(ids).toHaveLength(1_001)
  expect(new Set(ids)).toEqual(new Set(['r1']))
  for await (const row of client.query(new QueryStream(text, [], { batchSize: 10 }))) if (row.id > 0) break
  await client.query('SELECT 1')
  client.release()
  const spans = await waitForSpans(telemetry, 3)
  expect(spans.map(({ name }) => name)).toEqual(['SELECT songs', 'SELECT songs', 'SELECT'])
})

test('notifications come from another connection', async () => {
  const listener = await pool.connect()
  await listener.query('LISTEN news')
  const heard = once(listener, 'notification')
  await pool.query("SELECT pg_notify('news', 'hello')")
  expect((await heard)[0]).toMatchObject({ payload: 'hello' })
  listener.release(true)
})

test('a server that dies ends the span of the query, and what follows says that there is none', async () => {
  const hanging = asRequest('r1', () => pool.query('SELECT pg_sleep(60)')).catch((error: Error) => error.message)
  await expect.poll(async () => (await pool.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%sleep(60)'")).rowCount).toBe(1)
  telemetry.reset()
  await server.killHard()
  expect(await hanging).toMatch(/terminated|ECONNRESET/)
  await expect.poll(() => pool.totalCount).toBe(0)
  await expect(asRequest('r2', () => pool.query('SELECT 1'))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const spans = await waitForSpans(telemetry, 2)
  expect(spans.map(({ name, status, attributes }) => [name, status.code, attributes.request_id])).toEqual([
    ['SELECT', SpanStatusCode.ERROR, 'r1'],
    ['connect', SpanStatusCode.ERROR, 'r2'],
  ])
  await server.start()
  expect((await pool.query('SELECT count(*)::int AS n FROM songs')).rows).toEqual([{ n: 1_000 }])
})
