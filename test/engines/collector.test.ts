/** The collector as a program on a real PostgreSQL. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countLogs, sendLogs, startProgram } from '../collector/app/program.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await createPostgres()
})
afterAll(async () => {
  await server?.remove()
})

test('a database that is down at the start: the collector listens, refuses data for now, and stores it once the database is there', async () => {
  const program = await startProgram({ DATABASE_URL: server.url })
  await expect
    .poll(program.output)
    .toMatch(/storing in PostgreSQL at 127\.0\.0\.1:\d+\/postgres\n.*the database does not answer \(.*ECONNREFUSED.*\)/)
  const ready = await fetch(`${program.url}/readyz`)
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable', reason: expect.stringContaining('ECONNREFUSED') }])
  expect((await fetch(`${program.url}/livez`)).status).toBe(200)

  const instance = randomUUID()
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: instance } }] }] }] })
  const early = await fetch(`${program.url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  expect([early.status, Number(early.headers.get('retry-after'))]).toEqual([503, expect.closeTo(1, 0)])
  expect((await fetch(`${program.url}/api/logs`)).status).toBe(503)

  await server.start()
  await expect.poll(async () => (await fetch(`${program.url}/readyz`)).status, { timeout: 20_000 }).toBe(200)
  expect(await sendLogs(program.url, instance, 5)).toBe(200)
  expect(await countLogs(program.url, instance)).toBe(5)
  expect(await program.end('SIGTERM')).toBe(0)
})

test('a database killed under load: what was answered 200 is stored once, after every request was sent until it was', async () => {
  const program = await startProgram({ DATABASE_URL: server.url })
  const instance = randomUUID()
  const statuses = new Map<number, number>()

  async function deliver(request: number): Promise<void> {
    const records = Array.from({ length: 20 }, (_, index) => ({
      timeUnixNano: `${Date.now()}000000`,
      body: { stringValue: `${request}/${index}` },
    }))
    const resource = { attributes: [{ key: 'service.instance.id', value: { stringValue: instance } }] }
    const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: records }] }] })
    // The same body each time: records without a uid get the same one again.
    for (let attempt = 0; attempt < 200; attempt++) {
      const response = await fetch(`${program.url}/v1/logs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).catch((cause) => {
        throw new Error(`the collector is gone: ${program.output()}`, { cause })
      })
      await response.arrayBuffer()
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
      if (response.status === 200) return
      await sleep(50)
    }
    throw new Error(`request ${request} was never taken`)
  }
  const senders = Array.from({ length: 4 }, async (_, sender) => {
    for (let request = 0; request < 12; request++) await deliver(sender * 12 + request)
  })
  await sleep(30)
  await server.killHard()
  await server.start()
  await Promise.all(senders)

  expect([...statuses.keys()].toSorted()).toEqual([200, 503])
  expect(statuses.get(200)).toBe(48)
  expect(await countLogs(program.url, instance)).toBe(48 * 20)
  expect(await program.end('SIGTERM')).toBe(0)
})

test('a wrong database is told in one message', async () => {
  const program = await startProgram({ DATABASE_URL: server.url.replace(/\/postgres$/, '/missing') })
  expect(program.output()).toContain('database "missing" does not exist')
  expect(await program.end('SIGTERM')).toBe(0)
})
