/** The collector as a program, alone, on a real PostgreSQL and a real Elasticsearch: each of the three is killed under load. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { openDatabase } from '../../collector/src/postgres/database.ts'
import { type Program, startProgram } from '../collector/app/program.ts'
import { startBothStores } from './support/both-stores.ts'
import { freePort } from './support/postgres.ts'

const REQUESTS = 120
const RECORDS = 50

const { postgres, elasticsearch, folder, remove } = await startBothStores()
afterAll(remove)

test('each killed under load: both stores have every acknowledged record once', { timeout: 180_000 }, async () => {
  const port = await freePort()
  const start = (): Promise<Program> =>
    startProgram({
      COLLECTOR_LISTEN: `127.0.0.1:${port}`,
      COLLECTOR_DATA_DIR: folder,
      DATABASE_URL: postgres.url,
      ELASTICSEARCH_URL: elasticsearch.url,
    })
  const url = `http://127.0.0.1:${port}`
  const uids: string[] = []
  let program = await start()
  let left = REQUESTS

  async function deliver(): Promise<void> {
    const own = Array.from({ length: RECORDS }, () => randomUUID())
    const body = requestOf(own)
    for (let attempt = 0; attempt < 600; attempt++) {
      const response = await fetch(`${url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch(
        () => undefined,
      )
      await response?.arrayBuffer().catch(() => {})
      if (response?.status === 200) return void uids.push(...own)
      await sleep(100)
    }
    throw new Error(`a request was never taken: ${program.output()}`)
  }
  const senders = Array.from({ length: 3 }, async () => {
    while (left-- > 0) await deliver()
  })
  const reach = (requests: number) => expect.poll(() => uids.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(requests * RECORDS)

  await reach(10)
  await elasticsearch.killHard()
  await reach(40)
  await program.end('SIGKILL')
  program = await start()
  await reach(60)
  await elasticsearch.start()
  await reach(80)
  await program.end('SIGKILL')
  await postgres.killHard()
  await postgres.start()
  program = await start()
  await Promise.all(senders)
  expect(uids).toHaveLength(REQUESTS * RECORDS)

  await expect.poll(() => elasticsearch.elastic.count('tts-api-2*'), { timeout: 60_000, interval: 500 }).toBeGreaterThanOrEqual(uids.length)
  await expect.poll(async () => waitingIn(url), { timeout: 30_000 }).toBe(0)
  expect((await elasticsearch.elastic.all('tts-api-2*')).map(({ id }) => id).toSorted()).toEqual(uids.toSorted())
  const database = openDatabase({ url: postgres.url, dataDir: '' })
  const { rows } = await database.query<{ id: string }>('SELECT id FROM logs')
  expect(rows.map(({ id }) => id).toSorted()).toEqual(uids.toSorted())
  await database.close()
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect([...metrics.matchAll(/queue_dropped_total\{.*\} (\d+)/g)].map((match) => match[1])).toEqual(['0', '0', '0', '0', '0'])
  expect(await program.end('SIGTERM')).toBe(0)
})

function requestOf(uids: readonly string[]): string {
  const logRecords = uids.map((uid) => ({
    timeUnixNano: `${Date.now()}000000`,
    body: { stringValue: 'Speech generated' },
    attributes: [{ key: 'log.record.uid', value: { stringValue: uid } }],
  }))
  return JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}

async function waitingIn(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/queue_records\{sink="elasticsearch"\} (\d+)/.exec(metrics)?.[1])
}
