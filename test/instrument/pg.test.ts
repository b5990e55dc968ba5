import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createGuard } from '../../src/instrument/guard.ts'
import { instrumentPg } from '../../src/instrument/pg.ts'
import { instrumentPgModule } from '../../src/instrument/pg-module.ts'
import { suppress } from '../../src/instrument/suppress.ts'
import { getRequestId, withRequest } from '../../src/request-context.ts'
import { type PgServer, startPgServer } from './pg-server.ts'
import { startTelemetry, waitForSpans } from './support.ts'
import { listenOn } from './tcp.ts'

const telemetry = startTelemetry()
const stop = instrumentPgModule({ guard: createGuard('pg') })
/** The app's own: it must come back in callbacks as well. */
const own = new AsyncLocalStorage<string>()

let server: PgServer
let pool: pg.Pool
const settings = () => ({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres', password: 'secret' })
beforeAll(async () => {
  server = await startPgServer()
  pool = new pg.Pool({ ...settings(), max: 2 })
  pool.on('error', () => {})
  await pool.query('CREATE TABLE songs (id int PRIMARY KEY, title text)')
  await pool.query("INSERT INTO songs VALUES (1, 'one'), (2, 'two'), (3, 'three')")
  telemetry.reset()
})
afterEach(() => telemetry.reset())
afterAll(async () => {
  stop()
  await pool.end()
  await server.close()
})

/** Runs `fn` as request `id`, in a span; whatever `fn` calls `where` in tells of both, and of the app's own store. */
function asRequest<T>(id: string, fn: (where: () => object) => T): { readonly result: T; readonly here: object } {
  const span = trace.getTracer('test').startSpan(`job ${id}`)
  const where = () => ({ request: getRequestId(), span: trace.getActiveSpan()?.spanContext().spanId, own: own.getStore() })
  const here = { request: id, span: span.spanContext().spanId, own: `own ${id}` }
  const result = context.with(trace.setSpan(context.active(), span), () =>
    own.run(`own ${id}`, () => withRequest({ requestId: id }, () => fn(where))),
  )
  return { result, here }
}

test('a query becomes a client span of the caller, without any value', async () => {
  const { result, here } = asRequest('r1', () => pool.query("SELECT title FROM songs WHERE id = $1 AND title <> 'a secret' LIMIT 5", [1]))
  expect((await result).rows).toEqual([{ title: 'one' }])
  const [span] = await waitForSpans(telemetry, 1)
  expect(span).toMatchObject({ name: 'SELECT songs', kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } })
  expect(span!.parentSpanContext?.spanId).toBe(Object.values(here)[1])
  expect(span!.attributes).toEqual({
    'db.system.name': 'postgresql',
    'db.namespace': 'postgres',
    'db.query.summary': 'SELECT songs',
    'db.query.text': 'SELECT title FROM songs WHERE id = $1 AND title <> ? LIMIT ?',
    'server.address': '127.0.0.1',
    'server.port': server.port,
    request_id: 'r1',
  })
})

test.each([
  ['unique violation', "INSERT INTO songs VALUES (1, 'secret')", '23505', 'duplicate key value violates unique constraint "songs_pkey"'],
  ['value that is no number', "SELECT 'secret'::int", '22P02', 'invalid input syntax for type integer: ?'],
  ['syntax error', 'SELEC secret', '42601', 'syntax error at or near ?'],
  ['error that the app raises', `DO $$ BEGIN RAISE EXCEPTION 'secret'; END $$`, 'P0001', undefined],
])('%s: the error is the caller’s, the span has its code and nothing that the server quoted', async (_name, text, code, message) => {
  await expect(pool.query(text)).rejects.toMatchObject({ code, constructor: pg.DatabaseError })
  const [span] = await waitForSpans(telemetry, 1)
  expect(span!.status).toEqual(message === undefined ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message })
  expect(span!.attributes).toMatchObject({ 'error.type': code, 'db.response.status_code': code })
})

test('callbacks run where they were given, though the connection was made elsewhere', async () => {
  const client = new pg.Client(settings())
  await asRequest('maker', () => client.connect()).result
  const text = 'SELECT 1'
  const ways: readonly ((told: (...values: unknown[]) => void) => unknown)[] = [
    (told) => client.query(text, told),
    (told) => client.query(text, [], told),
    (told) => client.query({ text }, told),
    (told) => client.query(Object.assign({ text }, { callback: told })),
    (told) => pool.query(text, told),
    (told) => pool.query('SELECT $1::int', [1], told),
    (told) => pool.query({ text: 'SELEC' }, told),
    // The types know a callback only beside a text.
    (told) => client.query(Object.assign(new pg.Query({ text }), { callback: told })),
    (told) =>
      pool.connect((error, _client, release) => {
        release()
        told(error)
      }),
  ]
  for (const [index, way] of ways.entries()) {
    const heard: object[] = []
    const { here, result } = asRequest(`r${index}`, (where) => new Promise((resolve) => void way(() => resolve(heard.push(where())))))
    await result
    await client.query('SELECT 2')
    expect(heard, String(way)).toEqual([here])
  }
  await client.end()
})

test('a callback is called with what pg gives it, and `this` is the query', async () => {
  const [self, values] = await new Promise<[unknown, unknown[]]>((resolve) => {
    pool.query('SELECT 7 AS n', function (this: unknown, ...given: unknown[]) {
      resolve([this, given])
    })
  })
  expect(self).toBe(undefined)
  expect(values).toMatchObject([undefined, { rows: [{ n: 7 }] }])
  const client = await pool.connect()
  const query = new pg.Query('SELECT 8 AS n')
  const caller = await new Promise((resolve) => {
    Object.assign(query, {
      callback(this: unknown) {
        resolve(this)
      },
    })
    expect(client.query(query)).toBe(query)
  })
  client.release()
  expect(caller).toBe(query)
})

test('two requests that share a pool keep their own ids after every await', async () => {
  const job = (id: string) =>
    asRequest(id, async (where) => {
      const found: object[] = []
      for (let round = 0; round < 5; round++) {
        await pool.query('SELECT 1')
        found.push(where())
      }
      return found
    })
  const jobs = ['a', 'b', 'c', 'd'].map(job)
  for (const { here, result } of jobs) expect(await result).toEqual(Array.from({ length: 5 }, () => here))
  const spans = await waitForSpans(telemetry, 20)
  for (const id of ['a', 'b', 'c', 'd']) expect(spans.filter(({ attributes }) => attributes.request_id === id)).toHaveLength(5)
})

test('listeners of a query object run where it was given, and its span ends with it', async () => {
  const client = await asRequest('maker', () => pool.connect()).result
  const { here, result } = asRequest('r1', async (where) => {
    const query = client.query(new pg.Query('SELECT id FROM songs'))
    const heard: object[] = []
    query.on('row', () => heard.push(where()))
    await new Promise<void>((resolve) => query.on('end', () => resolve(void heard.push(where()))))
    return heard
  })
  expect(await result).toEqual([here, here, here, here])
  const failing = client.query(new pg.Query('SELECT nothing FROM songs'))
  await once(failing, 'error')
  client.release()
  const spans = await waitForSpans(telemetry, 2)
  expect(spans.map(({ name, status }) => [name, status.code])).toEqual([
    ['SELECT songs', SpanStatusCode.UNSET],
    ['SELECT songs', SpanStatusCode.ERROR],
  ])
})

test('the span of a cursor lasts from its query to its close, and reading keeps the context', async () => {
  const client = await asRequest('maker', () => pool.connect()).result
  const { here, result } = asRequest('r1', async (where) => {
    const cursor = client.query(new Cursor<{ id: number }>('SELECT id FROM songs ORDER BY id'))
    expect(await cursor.read(2)).toEqual([{ id: 1 }, { id: 2 }])
    expect(telemetry.spans).toEqual([])
    const inCallback = await new Promise((resolve) => cursor.read(1, () => resolve(where())))
    await cursor.close()
    return [where(), inCallback]
  })
  expect(await result).toEqual([here, here])
  const failing = client.query(new Cursor('SELECT nothing FROM songs'))
  await expect(failing.read(1)).rejects.toMatchObject({ code: '42703' })
  await client.query('SELECT 1')
  client.release()
  const spans = await waitForSpans(telemetry, 3)
  expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual([undefined, '42703', undefined])
})

test('a query stream is named by its statement, and its listeners run where it was given', async () => {
  const client = await asRequest('maker', () => pool.connect()).result
  const { here, result } = asRequest('r1', async (where) => {
    const heard: object[] = []
    const stream = client.query(new QueryStream('SELECT id FROM songs', [], { batchSize: 2 }))
    stream.on('data', () => heard.push(where())).on('end', () => heard.push(where()))
    await once(stream, 'close')
    return heard
  })
  expect(await result).toEqual([here, here, here, here])
  client.release()
  const [span] = await waitForSpans(telemetry, 1)
  expect(span).toMatchObject({ name: 'SELECT songs', attributes: { 'db.query.text': 'SELECT id FROM songs', request_id: 'r1' } })
})

test('prepared statements, several statements and an empty one', async () => {
  const client = await pool.connect()
  for (const id of [1, 2])
    expect((await client.query({ name: 'song', text: 'SELECT title FROM songs WHERE id = $1', values: [id] })).rows).toHaveLength(1)
  expect(await client.query('BEGIN; UPDATE songs SET title = title; ROLLBACK')).toHaveLength(3)
  expect((await client.query('')).rows).toEqual([])
  client.release()
  const spans = await waitForSpans(telemetry, 4)
  expect(spans.map(({ name }) => name)).toEqual(['SELECT songs', 'SELECT songs', 'BEGIN UPDATE songs ROLLBACK', 'postgres'])
})

test('notifications come as before', async () => {
  const client = await pool.connect()
  const heard = once(client, 'notification')
  await client.query('LISTEN news')
  await client.query("NOTIFY news, 'hello'")
  expect((await heard)[0]).toMatchObject({ channel: 'news', payload: 'hello' })
  client.release(true)
})

test('misuse throws as it does without us', async () => {
  const client = await pool.connect()
  // @ts-expect-error: what plain JavaScript can do
  expect(() => client.query(null)).toThrow(new TypeError('Client was passed a null or undefined query'))
  // @ts-expect-error: the same
  expect(() => client.query('SELECT 1', [], 'no function')).toThrow(new TypeError('callback is not a function'))
  // @ts-expect-error: the same
  await expect(client.query({})).rejects.toThrow('A query must have either text or a name')
  client.release()
  expect(telemetry.spans.map(({ attributes }) => attributes['error.type'])).toEqual(['TypeError', 'TypeError', 'Error'])
})

test('a suppressed context gives no span and the same result', async () => {
  const quiet = await context.with(suppress(context.active()), () => pool.query('SELECT 1 AS one'))
  await pool.query('SELECT 2')
  expect(quiet.rows).toEqual([{ one: 1 }])
  await waitForSpans(telemetry, 1)
})

test('a connection that cannot be had is a span of its own', async () => {
  const closed = await listenOn(createServer())
  await closed.close()
  const gone = new pg.Pool({ connectionString: `postgres://user:secret@127.0.0.1:${closed.port}/shop` })
  const { here, result } = asRequest('r1', () => gone.query('SELECT 1'))
  await expect(result).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const [span] = await waitForSpans(telemetry, 1)
  expect(span).toMatchObject({ name: 'connect', kind: SpanKind.CLIENT, status: { code: SpanStatusCode.ERROR } })
  expect(span!.parentSpanContext?.spanId).toBe(Object.values(here)[1])
  expect(span!.attributes).toEqual({
    'db.system.name': 'postgresql',
    'db.namespace': 'shop',
    'db.operation.name': 'connect',
    'server.address': '127.0.0.1',
    'server.port': closed.port,
    'error.type': 'ECONNREFUSED',
    request_id: 'r1',
  })
})

test('an exhausted pool and a query that takes too long are timeouts', async () => {
  const small = new pg.Pool({ ...settings(), max: 1, connectionTimeoutMillis: 500, query_timeout: 500 })
  small.on('error', () => {})
  const holder = await small.connect()
  await expect(small.connect()).rejects.toThrow('timeout exceeded')
  server.silence(true)
  const { here, result } = asRequest(
    'r1',
    (where) => new Promise((resolve) => holder.query('SELECT 1', (error) => resolve([error?.message, where()]))),
  )
  expect(await result).toEqual(['Query read timeout', here])
  server.silence(false)
  holder.release(true)
  await small.end()
  const spans = await waitForSpans(telemetry, 2)
  expect(spans.map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
    ['connect', 'timeout'],
    ['SELECT', 'timeout'],
  ])
})

test('a connection that breaks ends the span, and the callback comes once, where it was given', async () => {
  const breaking = new pg.Pool(settings())
  breaking.on('error', () => {})
  await asRequest('maker', () => breaking.query('SELECT 1')).result
  telemetry.reset()
  server.silence(true)
  let count = 0
  const { here, result } = asRequest(
    'r1',
    (where) => new Promise((resolve) => breaking.query('SELECT 1', () => resolve([++count, where()]))),
  )
  await expect.poll(() => breaking.idleCount).toBe(0)
  server.cut()
  expect(await result).toEqual([1, here])
  server.silence(false)
  const [span] = await waitForSpans(telemetry, 1)
  expect(span).toMatchObject({ name: 'SELECT', status: { code: SpanStatusCode.ERROR } })
  await breaking.end()
  await expect.poll(() => pool.totalCount).toBe(0)
  expect(count).toBe(1)
})

test('durations are measured by statement and error, waits by pool', async () => {
  await pool.query('SELECT count(*) FROM songs')
  const shared = { 'db.system.name': 'postgresql', 'db.namespace': 'postgres', 'server.address': '127.0.0.1', 'server.port': server.port }
  const durations = (await telemetry.points('db.client.operation.duration')).map(({ attributes }) => attributes)
  expect(durations).toContainEqual({ ...shared, 'db.query.summary': 'SELECT songs' })
  expect(durations).toContainEqual({
    ...shared,
    'db.query.summary': 'INSERT songs',
    'error.type': '23505',
    'db.response.status_code': '23505',
  })
  const waits = await telemetry.points('db.client.connection.wait_time')
  expect(waits.map(({ attributes }) => attributes)).toContainEqual({
    'db.client.connection.pool.name': `127.0.0.1:${server.port}/postgres`,
  })
})

test('instrumenting the module by hand on top of it changes nothing', async () => {
  const { query } = pg.Client.prototype
  expect(instrumentPg(pg)).toBe(pg)
  expect(pg.Client.prototype.query).toBe(query)
  await pool.query('SELECT 1')
  await waitForSpans(telemetry, 1)
})
