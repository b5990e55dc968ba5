/** What can go wrong with PostgreSQL under the collector as a program. Each ends by counting: nothing lost, nothing twice, and the counters agree. */
import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Program, startProgram } from '../collector/app/program.ts'
import { freeze, parentOf } from './support/freeze.ts'
import { counted, countRows, type LogLoad, post, requestOf, startLogLoad } from './support/log-load.ts'
import { createPostgres, freePort, type PostgresServer, serverUser } from './support/postgres.ts'
import { createSmallDisk } from './support/small-disk.ts'

const REQUESTS = 40
const RECORDS = 250
const ALL = { rows: REQUESTS * RECORDS, records: REQUESTS * RECORDS }

let server: PostgresServer
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
})
afterAll(async () => {
  await server?.remove()
})

const urlOf = (database: string) => server.url.replace(/\/postgres$/, `/${database}`)

async function connect(database = 'postgres'): Promise<Client> {
  const client = new Client({ connectionString: urlOf(database) })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** A database of the test's own, and a collector on it. */
async function startOn(database: string, env: Readonly<Record<string, string>> = {}): Promise<{ admin: Client; program: Program }> {
  await (await connect()).query(`CREATE DATABASE ${database}`)
  const program = await startProgram({ DATABASE_URL: urlOf(database), ...env })
  await expect.poll(async () => (await fetch(`${program.url}/readyz`)).status, { timeout: 20_000 }).toBe(200)
  return { admin: await connect(database), program }
}

const load = (...urls: string[]): LogLoad => startLogLoad({ urls, requests: REQUESTS, records: RECORDS, senders: 4 })

/** No statement can begin or end before it is let go. */
async function lockLogs(admin: Client): Promise<() => Promise<void>> {
  await admin.query('BEGIN')
  await admin.query('LOCK TABLE logs IN ACCESS EXCLUSIVE MODE')
  return async () => void (await admin.query('COMMIT'))
}

test('a server that hangs is told of in time; what was sent into the silence is stored once when it goes on', {
  timeout: 180_000,
}, async () => {
  const { admin, program } = await startOn('hung')
  const { rows } = await admin.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const thaw = freeze(parentOf(rows[0]!.pid))
  onTestFinished(thaw)
  const sent = load(program.url)
  expect((await fetch(`${program.url}/livez`)).status).toBe(200)
  await expect.poll(async () => (await fetch(`${program.url}/readyz`)).status, { timeout: 20_000 }).toBe(503)
  await expect.poll(() => sent.statuses[503] ?? 0, { timeout: 60_000 }).toBeGreaterThanOrEqual(4)
  thaw()
  await sent.done
  expect(await countRows(urlOf('hung'), sent.instance)).toEqual(ALL)
  expect(await counted(program.url, 'records_stored_total{signal="logs"}')).toBe(ALL.rows)
  expect(await counted(program.url, 'sink_retries_total{sink="postgres"}')).toBe(sent.statuses[503])
  expect(await program.end('SIGTERM')).toBe(0)
})

test('a full disk refuses what it cannot take, keeps what it took, and takes the rest when there is room', {
  timeout: 180_000,
}, async () => {
  const disk = createSmallDisk({ mib: 32, reserveMib: 26, owner: serverUser() })
  const { admin, program } = await startOn('full_disk')
  try {
    await admin.query(`CREATE TABLESPACE small LOCATION '${disk.folder}'`)
    await admin.query('ALTER TABLE logs SET TABLESPACE small')
    const { rows } = await admin.query<{ name: string }>(
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'logs'::regclass",
    )
    for (const { name } of rows) await admin.query(`ALTER TABLE ${name} SET TABLESPACE small`)
    const sent = startLogLoad({ urls: [program.url], requests: 160, records: RECORDS, senders: 4 })
    await expect.poll(() => sent.statuses[503] ?? 0, { timeout: 60_000 }).toBeGreaterThanOrEqual(4)
    const metrics = await (await fetch(`${program.url}/metrics`)).text()
    expect(metrics).toMatch(/requests_refused_total\{signal="logs",reason="sink_unavailable"\} [1-9]/)
    disk.freeReserve()
    await sent.done
    expect(await countRows(urlOf('full_disk'), sent.instance)).toEqual({ rows: 160 * RECORDS, records: 160 * RECORDS })
    expect(await counted(program.url, 'records_stored_total{signal="logs"}')).toBe(160 * RECORDS)
    expect(await counted(program.url, 'records_rejected_total{signal="logs"}')).toBe(0)
    expect(await program.end('SIGTERM')).toBe(0)
  } finally {
    await program.end('SIGKILL')
    const other = await connect()
    await other.query('DROP DATABASE full_disk WITH (FORCE)')
    await other.query('DROP TABLESPACE IF EXISTS small')
    disk.remove()
  }
})

test('a server without a free connection is asked again, and reading is told so as well', { timeout: 120_000 }, async () => {
  const { admin } = await startOn('crowded')
  await admin.query('CREATE ROLE crowd LOGIN SUPERUSER')
  await admin.query('ALTER ROLE crowd NOSUPERUSER CONNECTION LIMIT 0')
  await admin.query('GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA public TO crowd')
  const program = await startProgram({
    DATABASE_URL: urlOf('crowded').replace('postgres@', 'crowd@'),
    DATABASE_ADMIN_URL: urlOf('crowded'),
  })
  expect(program.output()).toContain('too many connections for role')
  const sent = load(program.url)
  await expect.poll(() => sent.statuses[503] ?? 0, { timeout: 30_000 }).toBeGreaterThanOrEqual(4)
  expect((await fetch(`${program.url}/api/logs`)).status).toBe(503)
  await admin.query('ALTER ROLE crowd CONNECTION LIMIT -1')
  await sent.done
  expect(await countRows(urlOf('crowded'), sent.instance)).toEqual(ALL)
  expect(await counted(program.url, 'records_stored_total{signal="logs"}')).toBe(ALL.rows)
  expect(await program.end('SIGTERM')).toBe(0)
})

test('statements that wait for a lock take no more than they need: requests are refused in time and stored once afterwards', {
  timeout: 180_000,
}, async () => {
  const { admin, program } = await startOn('locked')
  const unlock = await lockLogs(admin)
  const sent = load(program.url)
  await expect.poll(() => sent.statuses[503] ?? 0, { timeout: 90_000 }).toBeGreaterThanOrEqual(4)
  expect((await fetch(`${program.url}/readyz`)).status).toBe(200)
  await unlock()
  await sent.done
  expect(await countRows(urlOf('locked'), sent.instance)).toEqual(ALL)
  expect(await counted(program.url, 'records_stored_total{signal="logs"}')).toBe(ALL.rows)
  expect(await program.end('SIGTERM')).toBe(0)
})

test('a collector killed in the middle of its statements: sent again, each record is stored once', { timeout: 120_000 }, async () => {
  const port = await freePort()
  const env = { COLLECTOR_LISTEN: `127.0.0.1:${port}` }
  const { admin, program } = await startOn('killed', env)
  let running = program
  const sent = startLogLoad({ urls: [program.url], requests: 24, records: 2_000, senders: 4 })
  for (let kill = 0; kill < 2; kill++) {
    const unlock = await lockLogs(admin)
    await expect.poll(() => waitingStatements(admin), { timeout: 30_000 }).toBeGreaterThan(0)
    await running.end('SIGKILL')
    await unlock()
    running = await startProgram({ DATABASE_URL: urlOf('killed'), ...env })
  }
  await sent.done
  expect(await countRows(urlOf('killed'), sent.instance)).toEqual({ rows: 48_000, records: 48_000 })
  expect(await running.end('SIGTERM')).toBe(0)
})

async function waitingStatements(admin: Client): Promise<number> {
  const sql = "SELECT count(*)::integer AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
  return (await admin.query<{ count: number }>(sql)).rows[0]!.count
}

test('two collectors on one database: what both get at the same moment, and again in the other order, is stored once', {
  timeout: 120_000,
}, async () => {
  const { program: first } = await startOn('shared')
  const second = await startProgram({ DATABASE_URL: urlOf('shared') })
  const instance = randomUUID()
  const bodies = Array.from({ length: REQUESTS }, () => requestOf(instance, RECORDS))
  const untilTaken = async (url: string, body: string): Promise<void> => {
    for (let attempt = 0; attempt < 100; attempt++) if ((await post(url, body)) === 200) return
    throw new Error('a request was never taken')
  }
  const inOrder = async (url: string, all: readonly string[]): Promise<void> => {
    for (let at = 0; at < all.length; at += 4) await Promise.all(all.slice(at, at + 4).map((body) => untilTaken(url, body)))
  }
  await Promise.all([inOrder(first.url, bodies), inOrder(second.url, bodies.toReversed())])
  expect(await countRows(urlOf('shared'), instance)).toEqual(ALL)
  for (const { url } of [first, second]) expect(await counted(url, 'records_stored_total{signal="logs"}')).toBe(ALL.rows)
  expect([await first.end('SIGTERM'), await second.end('SIGTERM')]).toEqual([0, 0])
})

test('a body that fails ten times while the database is healthy becomes a dead letter, and the queue moves on', {
  timeout: 120_000,
}, async () => {
  const { admin, program } = await startOn('cursed')
  await admin.query(`CREATE FUNCTION curse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.message = 'cursed' THEN RAISE EXCEPTION 'internal fault' USING ERRCODE = 'XX000'; END IF; RETURN NEW; END $$`)
  await admin.query('CREATE TRIGGER curse BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION curse()')
  const instance = randomUUID()
  const cursed = requestOf(instance, 3, 'cursed')
  const others: number[] = []
  const answers: number[] = []
  for (let attempt = 1; attempt <= 10; attempt++) {
    const [answer, other] = await Promise.all([post(program.url, cursed), post(program.url, requestOf(instance, 10))])
    answers.push(answer)
    others.push(other)
  }
  expect(answers).toEqual([...Array(9).fill(503), 200])
  expect(others).toEqual(Array(10).fill(200))
  expect(await countRows(urlOf('cursed'), instance)).toEqual({ rows: 100, records: 100 })
  const { rows } = await admin.query('SELECT code FROM dead_letters WHERE record LIKE $1', [`%${instance}%`])
  expect(rows).toEqual([{ code: 'XX000' }, { code: 'XX000' }, { code: 'XX000' }])
  expect(await counted(program.url, 'records_stored_total{signal="logs"}')).toBe(100)
  expect(await counted(program.url, 'records_rejected_total{signal="logs"}')).toBe(3)
  expect(await post(program.url, requestOf(instance, 10))).toBe(200)
  expect(await program.end('SIGTERM')).toBe(0)
})
