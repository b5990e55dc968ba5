import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADVISORY_LOCK } from '../../collector/src/postgres/advisory-lock.ts'
import { openDatabase } from '../../collector/src/postgres/database.ts'
import { dayOf, dropDay } from '../../collector/src/postgres/day-partition.ts'
import { createPartitions } from '../../collector/src/postgres/partitions.ts'
import type { Database } from '../../collector/src/postgres/queryable.ts'
import { LOGS, METRIC_POINTS, SPANS } from '../../collector/src/postgres/rows.ts'
import { migrate } from '../../collector/src/postgres/schema.ts'
import { createSessionLock } from '../../collector/src/postgres/session-lock.ts'
import { postgresSink } from '../../collector/src/postgres/sink.ts'
import { createUpkeep } from '../../collector/src/postgres/upkeep.ts'
import { storeContract } from '../collector/postgres/contract.ts'
import { log, logs, sender } from '../collector/postgres/records.ts'
import { openStore } from '../collector/postgres/store.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const ALWAYS = new AbortController().signal
let server: PostgresServer
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
})
afterAll(async () => {
  await server?.remove()
})

const open = (database = 'postgres', user = 'postgres'): Database =>
  openDatabase({ url: server.url.replace('postgres@', `${user}@`).replace(/\/postgres$/, `/${database}`), dataDir: '' })

async function createDatabase(name: string): Promise<void> {
  const admin = open()
  await admin.query(`CREATE DATABASE ${name}`)
  await admin.close()
}

async function connect(name: string): Promise<Client> {
  const client = new Client({ connectionString: server.url.replace(/\/postgres$/, `/${name}`) })
  await client.connect()
  return client
}

/** Reads `logs` in a transaction that stays open until the end. */
async function longRead(name: string) {
  const client = await connect(name)
  await client.query('BEGIN')
  await client.query('SELECT FROM logs')
  let ending: Promise<void> | undefined
  const end = () => (ending ??= client.end())
  return { end, [Symbol.asyncDispose]: end }
}

storeContract('PostgreSQL', () => open())

test('a server killed under load loses nothing that was acknowledged and doubles nothing', async () => {
  await createDatabase('killed')
  const source = sender()
  const store = await openStore(open('killed'))
  const batches = Array.from({ length: 60 }, () => logs(Array.from({ length: 200 }, () => log(source))))
  const retries = { count: 0 }

  async function deliver(): Promise<void> {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop())
      for (let outcome = await store.send(batch); outcome.kind !== 'ok'; outcome = await store.send(batch)) {
        expect(outcome.kind).toBe('retry')
        retries.count++
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
  }
  const delivered = Promise.all([deliver(), deliver(), deliver()])
  for (let kill = 0; kill < 2; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 60))
    await server.killHard()
    await server.start()
  }
  await delivered
  expect(await store.count('logs', source.instanceId)).toBe(60 * 200)
  expect(retries.count).toBeGreaterThan(0)
  await store.database.close()
})

test('a server that is down at the start is found when it comes, and until then everything is to be sent again', async () => {
  await createDatabase('late')
  await server.killHard()
  const database = open('late')
  const partitions = createPartitions({
    admin: database,
    tables: [LOGS, SPANS, METRIC_POINTS],
    retentionDays: 30,
    now: Date.now,
    warn: console.error,
  })
  const upkeep = createUpkeep({ database, admin: database, reading: database, partitions, warn: console.error })
  const sink = upkeep.gate(postgresSink({ database, partitions, logLevel: 'DEBUG' }))
  const batch = logs([log(sender())])

  await upkeep.start()
  expect(await upkeep.readiness()).toMatchObject({ ready: false, reason: expect.stringContaining('ECONNREFUSED') })
  expect(await sink(batch, new AbortController().signal)).toMatchObject({
    kind: 'retry',
    error: { message: expect.stringContaining('not ready') },
  })

  await server.start()
  await expect.poll(() => upkeep.readiness(), { timeout: 15_000 }).toEqual({ ready: true })
  expect(await sink(batch, new AbortController().signal)).toEqual({ kind: 'ok' })

  await server.killHard()
  // The server's children outlive it by a moment, and still answer.
  await expect.poll(() => upkeep.readiness()).toMatchObject({ ready: false })
  expect(await sink(batch, new AbortController().signal)).toMatchObject({ kind: 'retry' })
  await server.start()
  await expect.poll(() => upkeep.readiness(), { timeout: 15_000 }).toEqual({ ready: true })
  expect(await sink(batch, new AbortController().signal)).toEqual({ kind: 'ok' })
  upkeep.stop()
  await database.close()
})

test('a database that answers is ready, however busy the connections for writing are', { timeout: 60_000 }, async () => {
  await createDatabase('busy')
  const database = open('busy')
  const { partitions } = await openStore(database)
  const upkeep = createUpkeep({ database, admin: database, reading: database, partitions, warn: console.error })
  await upkeep.start()
  const work = Array.from({ length: 8 }, () => database.query('SELECT pg_sleep(12)'))
  expect(await upkeep.readiness()).toEqual({ ready: true })
  await Promise.allSettled(work)
  upkeep.stop()
  await database.close()
})

test('a database that was made anew under the collector is prepared again', { timeout: 60_000 }, async () => {
  await createDatabase('anew')
  const database = open('anew')
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const partitions = createPartitions({ admin: database, tables: [LOGS, SPANS, METRIC_POINTS], retentionDays: 30, now: Date.now, warn })
  const upkeep = createUpkeep({ database, admin: database, reading: database, partitions, warn })
  const sink = upkeep.gate(postgresSink({ database, partitions, logLevel: 'DEBUG' }))
  const source = sender()
  const send = () => sink(logs([log(source)]), new AbortController().signal)
  await upkeep.start()
  expect(await send()).toEqual({ kind: 'ok' })

  const other = open()
  await other.query('DROP DATABASE anew WITH (FORCE)')
  await other.query('CREATE DATABASE anew')
  await other.close()
  await expect.poll(send, { timeout: 20_000 }).toEqual({ kind: 'ok' })
  expect(await upkeep.readiness()).toEqual({ ready: true })
  const { rows } = await database.query('SELECT FROM logs_default')
  expect(rows).toEqual([])
  expect(warnings).toContainEqual(expect.stringMatching(/The database was replaced \(relation .* does not exist\)/))
  upkeep.stop()
  await database.close()
})

test('collectors that start together on an empty database take turns', async () => {
  await createDatabase('together')
  const databases = Array.from({ length: 4 }, () => open('together'))
  const stores = await Promise.all(databases.map((database) => openStore(database)))
  const source = sender()
  const yesterday = log(source, { timeUs: Date.now() * 1000 - 86_400_000_000 })
  expect(await Promise.all(stores.map((store) => store.send(logs([yesterday]))))).toEqual(stores.map(() => ({ kind: 'ok' })))
  expect(await stores[0]!.count('logs', source.instanceId)).toBe(1)
  await Promise.all(databases.map((database) => database.close()))
})

test('with DATABASE_ADMIN_URL the daily user can append and read, and nothing else', async () => {
  await createDatabase('roles')
  const admin = open('roles')
  await admin.query('CREATE ROLE "tts writer" LOGIN')
  const database = open('roles', 'tts%20writer')
  const partitions = createPartitions({
    admin,
    tables: [LOGS, SPANS, METRIC_POINTS],
    retentionDays: 30,
    now: Date.now,
    warn: console.error,
  })
  const upkeep = createUpkeep({ database, admin, reading: database, partitions, warn: console.error })
  await upkeep.start()
  expect(await upkeep.readiness()).toEqual({ ready: true })

  const sink = postgresSink({ database, partitions, logLevel: 'DEBUG' })
  const source = sender()
  const outcome = await sink(logs([log(source), log(source, { severity: 99_999 })]), new AbortController().signal)
  expect(outcome).toMatchObject({ kind: 'ok', rejected: { count: 1 } })
  expect((await database.query('SELECT id FROM logs')).rows).toHaveLength(1)
  for (const forbidden of ['DELETE FROM logs', 'DROP TABLE logs', 'UPDATE dead_letters SET reason = 1'])
    await expect(database.query(forbidden)).rejects.toMatchObject({ code: '42501' })
  upkeep.stop()
  await database.close()
  await admin.close()
})

test('a collector that evaluates alerts holds up no other that makes a partition', async () => {
  await createDatabase('locks')
  const store = await openStore(open('locks'))
  const evaluator = createSessionLock(server.url.replace(/\/postgres$/, '/locks'))
  expect(await evaluator.acquire()).toBe(true)
  const source = sender()
  expect(await store.send(logs([log(source, { timeUs: Date.now() * 1_000 - 5 * 86_400_000_000 })]))).toEqual({ kind: 'ok' })
  await evaluator.close()
  await store.database.close()
})

test('somebody who reads for long holds up neither records of a new day nor the round; both are made good afterwards', async () => {
  await createDatabase('read')
  const database = open('read')
  const warnings: string[] = []
  const store = await openStore(database, { retentionDays: 10, warn: (message) => warnings.push(message) })
  const source = sender()
  const dayUs = 86_400_000_000
  const at = (days: number) => log(source, { timeUs: Date.now() * 1_000 - days * dayUs })
  await openStore(database, { retentionDays: 30 }).then((earlier) => earlier.send(logs([at(20)])))

  await using reader = await longRead('read')
  expect(await store.send(logs([at(0), at(5)]))).toEqual({ kind: 'ok' })
  expect(await store.count('logs_default', source.instanceId)).toBe(1)
  await store.partitions.maintain(ALWAYS)
  expect(await store.count('logs', source.instanceId)).toBe(3)
  expect(warnings).toContainEqual(expect.stringMatching(/gets no partition of logs for now: somebody reads/))
  expect(warnings).toContainEqual(expect.stringMatching(/1 rows stand in logs_default, as their days have no partition yet/))
  expect(warnings).not.toContainEqual(expect.stringContaining('clocks'))

  await reader.end()
  await store.partitions.maintain(ALWAYS)
  expect([await store.count('logs_default', source.instanceId), await store.count('logs', source.instanceId)]).toEqual([0, 2])
  await database.close()
})

test('dropping a day takes turns with making one, and a deadlock leaves the day for the next round', async () => {
  await createDatabase('turns')
  const database = open('turns')
  const warnings: string[] = []
  const source = sender()
  const old = log(source, { timeUs: Date.now() * 1_000 - 20 * 86_400_000_000 })
  await (await openStore(database)).send(logs([old]))
  const other = await connect('turns')
  await other.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK.partitions])
  const day = dayOf(Date.now() * 1_000) - 25
  const dropping = dropDay(database, { table: LOGS, day })
  const waiting = async () => (await other.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).rowCount
  await expect.poll(waiting, { timeout: 10_000 }).toBe(1)
  await other.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK.partitions])
  await dropping

  await other.query(`CREATE FUNCTION interfere() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'deadlock of the test' USING ERRCODE = '40P01'; END $$`)
  await other.query('CREATE EVENT TRIGGER interfere ON sql_drop EXECUTE FUNCTION interfere()')
  const short = await openStore(database, { retentionDays: 10, warn: (message) => warnings.push(message) })
  await short.partitions.maintain(ALWAYS)
  expect(await short.count('logs', source.instanceId)).toBe(1)
  expect([short.partitions.prometheus(), warnings]).toEqual([expect.stringContaining('upkeep_failures_total{part="logs"} 0'), []])
  await other.query('DROP EVENT TRIGGER interfere')
  await short.partitions.maintain(ALWAYS)
  expect(await short.count('logs', source.instanceId)).toBe(0)
  await other.end()
  await database.close()
})

test('of several collectors one does the round', async () => {
  await createDatabase('round')
  const database = open('round')
  const source = sender()
  const long = await openStore(database, { retentionDays: 30 })
  await long.send(logs([log(source, { timeUs: Date.now() * 1_000 - 20 * 86_400_000_000 })]))
  const other = await connect('round')
  await other.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK.upkeep])
  const short = await openStore(database, { retentionDays: 10 })
  expect(await short.count('logs', source.instanceId)).toBe(1)
  await other.end()
  await expect.poll(() => short.partitions.maintain(ALWAYS).then(() => short.count('logs', source.instanceId))).toBe(0)
  await database.close()
})

test('who stops waiting for a statement does not block the next one', { timeout: 10_000 }, async () => {
  const database = open()
  await migrate(database)
  const slow = Array.from({ length: 4 }, () => database.query('SELECT pg_sleep(20)', [], { signal: AbortSignal.timeout(100) }))
  for (const waiting of slow) await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
  expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await database.close()
})
