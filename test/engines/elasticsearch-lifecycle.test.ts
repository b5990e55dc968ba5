/** Day indexes under a life-cycle policy that the user names; with users, because the rights for it are documented. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogRecord } from '../../collector/src/batch.ts'
import type { Credentials } from '../../collector/src/elasticsearch/client.ts'
import { indexOf } from '../../collector/src/elasticsearch/days.ts'
import { textField } from '../../collector/src/elasticsearch/json.ts'
import { type Opened, open } from '../collector/elasticsearch/open.ts'
import { log, logs, NOW_US, sender } from '../collector/postgres/records.ts'
import { createElasticsearch, type ElasticsearchServer } from './support/elasticsearch.ts'

const OK = { kind: 'ok' }
const DAY_US = 86_400_000_000
const source = sender()

let server: ElasticsearchServer
beforeAll(async () => {
  server = await createElasticsearch({ password: 'hunter2-elastic' })
  await server.start()
  await server.elastic.ask('PUT', '/_cluster/settings', { persistent: { 'indices.lifecycle.poll_interval': '1s' } })
})
afterAll(async () => {
  await server.remove()
})

async function putPolicy(name: string, minAge: string): Promise<void> {
  const policy = { phases: { delete: { min_age: minAge, actions: { delete: {} } } } }
  expect((await server.elastic.ask('PUT', `/_ilm/policy/${name}`, { policy })).status).toBe(200)
}

/** With the rights that docs/elasticsearch.md lists for a collector with a policy: it cannot delete an index. */
async function start(prefix: string, ilmPolicy: string, cluster: readonly string[] = ['read_ilm']): Promise<Opened> {
  const rights = {
    cluster: ['monitor', 'manage_index_templates', ...cluster],
    indices: [
      { names: [`${prefix}-*`], privileges: ['create_doc', 'create_index', 'view_index_metadata'] },
      { names: [`${prefix}-dead-letters`], privileges: ['read', 'delete', 'maintenance'] },
    ],
  }
  const { body } = await server.elastic.ask('POST', '/_security/api_key', { name: prefix, role_descriptors: { [prefix]: rights } })
  const credentials: Credentials = { kind: 'apiKey', apiKey: textField(body, 'encoded') }
  const opened = open(server.url, { prefix, ilmPolicy, retentionDays: 30, connection: { url: server.url, ca: undefined, credentials } })
  await opened.start()
  return opened
}

/** Until it is taken: a busy machine lets the first look at the server end late. */
async function deliver(opened: Opened, records: readonly LogRecord[]): Promise<void> {
  await expect.poll(() => opened.send(logs(records)), { timeout: 60_000, interval: 500 }).toEqual(OK)
}

const recordsOf = (daysAgo: number) => Array.from({ length: 50 }, () => log(source, { timeUs: NOW_US - daysAgo * DAY_US }))

test('the policy removes the day that is old by its name, whenever its index was made; the collector removes none', {
  timeout: 120_000,
}, async () => {
  await putPolicy('week', '7d')
  // Of a time before the policy: only RETENTION_DAYS would remove it.
  await server.elastic.ask('PUT', '/cycled-2020.01.01')
  await server.elastic.ask('PUT', '/cycled-dead-letters/_create/old?refresh=true', { '@timestamp': '2020-01-01T00:00:00Z' })
  const opened = await start('cycled', 'week')
  const [today, recent, old] = [recordsOf(0), recordsOf(3), recordsOf(9)]
  await deliver(opened, [...today, ...recent, ...old])
  await expect.poll(() => server.elastic.indexes('cycled-2*'), { timeout: 60_000 }).not.toContain(indexOf('cycled', NOW_US - 9 * DAY_US))
  const kept = [...today, ...recent].map(({ uid }) => uid)
  expect((await server.elastic.all('cycled-2*')).map(({ id }) => id).toSorted()).toEqual(kept.toSorted())
  // The last thing that a round of the collector does.
  await expect.poll(() => server.elastic.count('cycled-dead-letters'), { timeout: 60_000 }).toBe(0)
  expect(await server.elastic.indexes('cycled-2*')).toContain('cycled-2020.01.01')
  expect(opened.warnings.filter((warning) => /not removed|life-cycle/.test(warning))).toEqual([])
})

test('a policy that is not there is told, and records are stored; made later it works on what is there', { timeout: 120_000 }, async () => {
  const name = `later-${randomUUID()}`
  const opened = await start('later', name)
  await expect
    .poll(() => opened.warnings, { timeout: 60_000 })
    .toContainEqual(expect.stringContaining(`no life-cycle policy ${name}: nothing removes old log records`))
  await deliver(opened, [...recordsOf(0), ...recordsOf(9)])
  expect(await server.elastic.count('later-2*')).toBe(100)
  await putPolicy(name, '7d')
  await expect.poll(() => server.elastic.count('later-2*'), { timeout: 60_000 }).toBe(50)
})

test('a key that may not see policies stores, and says what it lacks', { timeout: 120_000 }, async () => {
  await putPolicy('unseen', '7d')
  const opened = await start('unseen', 'unseen', [])
  const told = expect.stringMatching(/to show the life-cycle policy unseen with 403.*docs\/elasticsearch\.md/)
  await expect.poll(() => opened.warnings, { timeout: 60_000 }).toContainEqual(told)
  await deliver(opened, recordsOf(0))
  expect(await server.elastic.count('unseen-2*')).toBe(50)
})
