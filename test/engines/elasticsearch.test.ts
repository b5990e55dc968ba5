/** Log records in a real Elasticsearch: what its mappings take and refuse, and what is left when it is killed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Batch, LogRecord, Value } from '../../collector/src/batch.ts'
import { field, listField } from '../../collector/src/elasticsearch/json.ts'
import { open } from '../collector/elasticsearch/open.ts'
import { log, logs, NOW_US, sender } from '../collector/postgres/records.ts'
import { createElasticsearch, type ElasticsearchServer } from './support/elasticsearch.ts'

const OK = { kind: 'ok' }
const DAY_US = 86_400_000_000
const source = sender()

let server: ElasticsearchServer
beforeAll(async () => {
  server = await createElasticsearch()
  await server.start()
})
afterAll(async () => {
  await server?.remove()
})

/** Each test has a prefix of its own. */
async function start(prefix: string, options: Parameters<typeof open>[1] = {}) {
  const opened = open(server.url, { prefix, ...options })
  await opened.start()
  return opened
}

async function search(prefix: string, query: object): Promise<readonly string[]> {
  await server.elastic.ask('POST', `/${prefix}-2*/_refresh`)
  const { body } = await server.elastic.ask('POST', `/${prefix}-2*/_search`, { query, sort: [{ '@timestamp': 'desc' }] })
  return listField(field(body, 'hits'), 'hits').map((hit) => String(field(field(hit, '_source'), 'message')))
}

const HOSTILE: readonly Partial<LogRecord>[] = [
  { attributes: { '': 'no name', ' ': 'blank', '.': 'dot', 'a..b': 1, '.c': 2, 'd.': 3, _id: 'x', '@timestamp': 'never' } },
  { attributes: { mixed: [1, 'a', true, null, { b: [] }, []], number: 2 ** 60, nothing: null } },
  { attributes: { mixed: 'a text now', number: 'another' } },
  { attributes: { long: 'v'.repeat(40_000) }, body: 'm'.repeat(100_000) },
  { attributes: { 'a\0b': 'x\0y', '\ud800': '\ud800' }, body: 'a\0b\ud800' },
  { attributes: { deep: nested(200) }, body: nested(200) },
  { attributes: { request_id: 'r'.repeat(10_000), user_id: { not: 'an id' }, source: 7 } },
  { attributes: Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`attribute ${index}`, index])) },
  { body: '\n{"create":{"_index":"elsewhere","_id":"x"}}\n{"a":1}\n' },
  {
    severity: 99_999,
    severityText: 'LOUD',
    eventName: 'e'.repeat(5_000),
    scope: { name: 's'.repeat(40_000), version: '', attributes: {} },
  },
]

function nested(levels: number): Value {
  let value: Value = 'bottom'
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { deeper: value }
  return value
}

test('whatever a record holds is stored, and makes no field', async () => {
  const opened = await start('hostile')
  expect(await opened.send(logs(HOSTILE.map((given) => log(source, given))))).toEqual(OK)
  expect(await server.elastic.count('hostile-2*')).toBe(HOSTILE.length)
  expect(await server.elastic.indexes('elsewhere')).toEqual([])
  const { body } = await server.elastic.ask('GET', '/hostile-2*/_mapping')
  const [index] = Object.values(Object(body))
  const properties = field(field(index, 'mappings'), 'properties')
  expect(Object.keys(Object(properties)).toSorted()).toEqual(
    ['@timestamp', 'host', 'level', 'message', 'metadata', 'request_id', 'service', 'source', 'span_id', 'trace_id', 'user_id'].toSorted(),
  )
})

test('records are found by id, level, word, attribute and time to the microsecond', async () => {
  const opened = await start('found')
  const records = [0, 1, 2, 3].map((us) =>
    log(source, {
      timeUs: NOW_US + us,
      severity: us === 3 ? 17 : 9,
      body: `Speech ${us} generated`,
      attributes: { request_id: `r${us}`, user_id: 'u', voice: { name: 'Kore' }, take: us },
      traceId: `${us}`.repeat(32),
    }),
  )
  expect(await opened.send(logs(records))).toEqual(OK)
  expect(await search('found', { term: { request_id: 'r2' } })).toEqual(['Speech 2 generated'])
  expect(await search('found', { term: { level: 'ERROR' } })).toEqual(['Speech 3 generated'])
  expect(await search('found', { term: { trace_id: '1'.repeat(32) } })).toEqual(['Speech 1 generated'])
  expect(await search('found', { match: { message: 'generated' } })).toHaveLength(4)
  expect(
    await search('found', { bool: { filter: [{ term: { 'metadata.voice.name': 'Kore' } }, { term: { 'metadata.take': '1' } }] } }),
  ).toEqual(['Speech 1 generated'])
  const micros = (us: number) =>
    new Date((NOW_US + us) / 1000).toISOString().replace('Z', `${String((NOW_US + us) % 1000).padStart(3, '0')}Z`)
  expect(await search('found', { range: { '@timestamp': { gte: micros(1), lt: micros(3) } } })).toEqual([
    'Speech 2 generated',
    'Speech 1 generated',
  ])
})

test('records of three days go to three indexes, and everything sent again is stored once', async () => {
  const opened = await start('days')
  const records = Array.from({ length: 300 }, (_, index) => log(source, { timeUs: NOW_US - (index % 3) * DAY_US }))
  for (let sent = 0; sent < 3; sent++) expect(await opened.send(logs(records))).toEqual(OK)
  expect(await server.elastic.indexes('days-2*')).toHaveLength(3)
  expect((await server.elastic.all('days-2*')).map(({ id }) => id).toSorted()).toEqual(records.map(({ uid }) => uid).toSorted())
})

test('a document is never changed: what comes under a known id is left', async () => {
  const opened = await start('create')
  const first = log(source, { body: 'first' })
  expect(await opened.send(logs([first]))).toEqual(OK)
  expect(await opened.send(logs([{ ...first, body: 'second' }]))).toEqual(OK)
  expect((await server.elastic.all('create-2*')).map((found) => found.source.message)).toEqual(['first'])
})

test('a record that the mapping refuses is a dead letter with the reason and itself; the others are stored', async () => {
  const opened = await start('refused')
  const poison = log(source, { attributes: { user_id: 'u1', ['k'.repeat(40_000)]: 'hunter2' } })
  const outcome = await opened.send(logs([log(source), poison, log(source)]))
  expect(outcome).toMatchObject({ kind: 'ok', rejected: { count: 1, message: expect.stringContaining('refused-dead-letters') } })
  expect(JSON.stringify(outcome)).not.toContain('hunter2')
  expect(await server.elastic.count('refused-2*')).toBe(2)
  const [letter] = await server.elastic.all('refused-dead-letters')
  expect(letter).toMatchObject({
    id: poison.uid,
    source: { code: 'document_parsing_exception', user_id: 'u1', record: expect.stringContaining('hunter2') },
  })
  expect(letter?.source.reason).toMatch(
    /failed to parse field \[metadata\] of type \[flattened\].*longer than the allowed max length of 32766 bytes/,
  )
})

test('old days go by their exact names; the indexes of others and old dead letters that are not ours stay', async () => {
  const strangers = ['kept-2020.01.01-restored', 'kept-2020.01', 'kept-other-2020.01.01', 'kept-2020-01-01']
  const ours = ['kept-2020.01.01', 'kept-2020.12.31']
  for (const name of [...strangers, ...ours]) expect((await server.elastic.ask('PUT', `/${name}`)).status).toBe(200)
  await server.elastic.ask('POST', '/kept-2020.12.31/_close')
  for (const [id, daysAgo] of [
    ['old', 9],
    ['new', 6],
  ] as const)
    await server.elastic.ask('PUT', `/kept-dead-letters/_create/${id}`, {
      '@timestamp': new Date(Date.now() - daysAgo * 86_400_000).toISOString(),
    })
  await server.elastic.ask('POST', '/kept-dead-letters/_refresh')
  const opened = await start('kept', { retentionDays: 7 })
  expect(await opened.send(logs([log(source)]))).toEqual(OK)
  await expect.poll(() => server.elastic.indexes('kept-*')).not.toContain('kept-2020.12.31')
  const left = await server.elastic.indexes('kept-*')
  expect(left).toEqual(expect.arrayContaining([...strangers, 'kept-dead-letters']))
  expect(left).toHaveLength(strangers.length + 2)
  await expect.poll(async () => (await server.elastic.all('kept-dead-letters')).map(({ id }) => id)).toEqual(['new'])
  expect(opened.warnings).toEqual([])
})

test('a template of somebody else stays, and this is said', async () => {
  const own = { index_patterns: ['owned-*'], priority: 900, template: { settings: { number_of_replicas: 0 } } }
  await server.elastic.ask('PUT', '/_index_template/owned', own)
  const opened = await start('owned')
  expect(opened.warnings).toEqual([expect.stringContaining('an index template owned that is not ours')])
  const { body } = await server.elastic.ask('GET', '/_index_template/owned')
  expect(JSON.stringify(body)).toContain('"priority":900')
})

test('a cluster that was made anew under us gets documents by our template', async () => {
  let nowMs = Date.now()
  const opened = await start('anew', { now: () => nowMs })
  expect(await opened.send(logs([log(source)]))).toEqual(OK)
  for (const path of [...(await server.elastic.indexes('anew-2*')), '_index_template/anew', '_index_template/anew-dead-letters'])
    expect((await server.elastic.ask('DELETE', `/${path}`)).status).toBe(200)
  nowMs += 60_000
  expect(await opened.send(logs([log(source, { attributes: { voice: { name: 'Kore' } } })]))).toEqual(OK)
  const { body } = await server.elastic.ask('GET', '/anew-2*/_mapping')
  expect(JSON.stringify(body)).toContain('"flattened"')
})

test('prefixes of which one begins as the other do not meet', async () => {
  const [short, long] = [await start('meet'), await start('meet-too')]
  expect([...short.warnings, ...long.warnings]).toEqual([])
  expect(await short.send(logs([log(source)]))).toEqual(OK)
  expect(await long.send(logs([log(source), log(source)]))).toEqual(OK)
  expect([await server.elastic.count('meet-2*'), await server.elastic.count('meet-too-2*')]).toEqual([1, 2])
})

test('a policy that the server refuses is told, and nothing is sent without it', async () => {
  const opened = await start('cycled', { ilmPolicy: 'ninety-days' })
  expect(opened.warnings).toEqual([expect.stringMatching(/refused the index template cycled with 400.*lifecycle/)])
  expect(await opened.send(logs([log(source)]))).toMatchObject({ kind: 'retry' })
})

test('what a person has to mend waits: a closed index, one that may not be written, no room for shards', { timeout: 60_000 }, async () => {
  const opened = await start('mended')
  expect(await opened.send(logs([log(source)]))).toEqual(OK)
  const [index] = await server.elastic.indexes('mended-2*')
  const batch = logs([log(source)])
  const expectRetry = async (sent: Batch, reason: RegExp) =>
    expect(await opened.send(sent)).toMatchObject({ kind: 'retry', afterMs: 10_000, error: { message: expect.stringMatching(reason) } })

  await server.elastic.ask('POST', `/${index}/_close`)
  await expectRetry(batch, /closed/)
  await server.elastic.ask('POST', `/${index}/_open?wait_for_active_shards=1`)
  await server.elastic.ask('PUT', `/${index}/_settings`, { 'index.blocks.write': true })
  await expectRetry(batch, /blocked by/)
  await server.elastic.ask('PUT', `/${index}/_settings`, { 'index.blocks.write': null })
  await expect.poll(async () => (await opened.send(batch)).kind, { timeout: 20_000 }).toBe('ok')

  const yesterday = logs([log(source, { timeUs: NOW_US - DAY_US })])
  await server.elastic.ask('PUT', '/_cluster/settings', { persistent: { 'cluster.max_shards_per_node': 1 } })
  await expectRetry(yesterday, /maximum normal shards open/)
  await server.elastic.ask('PUT', '/_cluster/settings', {
    persistent: { 'cluster.max_shards_per_node': null, 'action.auto_create_index': 'false' },
  })
  await expectRetry(yesterday, /no such index/)
  await server.elastic.ask('PUT', '/_cluster/settings', { persistent: { 'action.auto_create_index': null } })
  expect(await opened.send(yesterday)).toEqual(OK)
  expect([await server.elastic.count('mended-2*'), await server.elastic.count('mended-dead-letters')]).toEqual([3, 0])
})

test('a server killed under load loses nothing that was acknowledged and doubles nothing', { timeout: 120_000 }, async () => {
  const opened = await start('killed')
  const records = Array.from({ length: 40 }, () => Array.from({ length: 250 }, () => log(source)))
  const batches = records.map(logs)
  let retries = 0

  async function deliver(): Promise<void> {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop())
      for (let outcome = await opened.send(batch); outcome.kind !== 'ok'; outcome = await opened.send(batch)) {
        expect(outcome.kind).toBe('retry')
        retries++
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
  }
  const delivered = Promise.all([deliver(), deliver()])
  for (let kill = 0; kill < 2; kill++) {
    await expect.poll(() => batches.length, { timeout: 30_000 }).toBeLessThan(kill === 0 ? 36 : 20)
    await server.killHard()
    await server.start()
  }
  await delivered
  await server.elastic.ask('GET', '/_cluster/health/killed-2*?wait_for_status=yellow&timeout=30s')
  expect((await server.elastic.all('killed-2*')).map(({ id }) => id).toSorted()).toEqual(
    records
      .flat()
      .map(({ uid }) => uid)
      .toSorted(),
  )
  expect(retries).toBeGreaterThan(0)
  expect(await opened.readiness()).toEqual({ ready: true })
})

test('a server that hangs is left in time, and what was sent into the silence is stored once', { timeout: 60_000 }, async () => {
  const opened = await start('frozen')
  expect(await opened.send(logs([log(source)]))).toEqual(OK)
  const batch = logs([log(source), log(source)])
  server.freeze()
  expect(await opened.send(batch, AbortSignal.timeout(500))).toMatchObject({
    kind: 'retry',
    error: { message: expect.stringContaining('did not answer') },
  })
  server.thaw()
  await expect.poll(async () => (await opened.send(batch)).kind, { timeout: 20_000 }).toBe('ok')
  expect(await server.elastic.count('frozen-2*')).toBe(3)
})
