/** What a person is told of a database that goes and comes, and of one that nobody can read. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getHealth } from '../../../collector/src/api/health.ts'
import { openDatabase } from '../../../collector/src/postgres/database.ts'
import type { Database } from '../../../collector/src/postgres/queryable.ts'
import { createUpkeep } from '../../../collector/src/postgres/upkeep.ts'
import type { Outcome } from '../../../src/wire/outcome.ts'
import { log, logs, sender } from './records.ts'
import { openStore, type Store } from './store.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-upkeep-'))
let store: Store
beforeAll(async () => {
  store = await openStore(openDatabase({ dataDir }))
})
afterAll(async () => {
  await store.database.close()
  rmSync(dataDir, { recursive: true, force: true })
})

function upkeepOf(reading: Database, warnings: string[]) {
  const { database, partitions } = store
  return createUpkeep({ database, admin: database, reading, partitions, warn: (message) => void warnings.push(message) })
}

test('an outage is told when it begins and when it ends, once each, however many are turned away', async () => {
  const warnings: string[] = []
  const upkeep = upkeepOf(store.database, warnings)
  await upkeep.start()
  let outcome: Outcome = { kind: 'ok' }
  const sink = upkeep.gate(async () => outcome)
  const send = () => sink(logs([log(sender())]), new AbortController().signal)
  await send()
  expect(warnings).toEqual([])
  outcome = { kind: 'retry', error: new Error('connect ECONNREFUSED 127.0.0.1:5432') }
  for (let i = 0; i < 20; i++) await send()
  const begin = 'PostgreSQL takes no data (connect ECONNREFUSED 127.0.0.1:5432): senders are told to try again'
  expect(warnings).toEqual([begin])
  outcome = { kind: 'ok' }
  for (let i = 0; i < 20; i++) await send()
  expect(warnings).toEqual([begin, 'PostgreSQL takes data again'])
  upkeep.stop()
})

test('who cannot read is told of at the start, and in /health until it can', async () => {
  const warnings: string[] = []
  let ping: Database['ping'] = async () => {
    throw new Error('password authentication failed for user "reader"')
  }
  const upkeep = upkeepOf({ ...store.database, ping: (signal) => ping(signal) }, warnings)
  await upkeep.start()
  await expect.poll(() => warnings).toEqual([expect.stringMatching(/cannot read.*password authentication failed.*DATABASE_READ_URL/)])
  const health = async () => JSON.parse(String((await getHealth({ ...upkeep, store: 'postgres', now: Date.now })).body))
  expect(await health()).toMatchObject({
    status: 'degraded',
    checks: { store: { status: 'healthy' }, reading: { status: 'unhealthy', reason: expect.stringContaining('password') } },
  })
  ping = async () => {}
  expect(await health()).toMatchObject({ status: 'healthy', checks: { reading: { status: 'healthy' } } })
  upkeep.stop()
})
