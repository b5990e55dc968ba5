/** `tts-otel-collector erase` and `dead-letters` on a real PostgreSQL and a real Elasticsearch, filled over HTTP by a collector. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Program, runProgram, startProgram } from '../collector/app/program.ts'
import { createElasticsearch, type ElasticsearchServer } from './support/elasticsearch.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

const DAY_MS = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'tts-otel-erase-'))
let postgres: PostgresServer
let elasticsearch: ElasticsearchServer
let collector: Program
let env: Record<string, string>
beforeAll(async () => {
  ;[postgres, elasticsearch] = await Promise.all([createPostgres(), createElasticsearch()])
  await Promise.all([postgres.start(), elasticsearch.start()])
  env = { COLLECTOR_DATA_DIR: folder, DATABASE_URL: postgres.url, ELASTICSEARCH_URL: elasticsearch.url }
  collector = await startProgram(env)
  await sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'not\n\x1b[2J today' USING ERRCODE = '22000'; END $$`)
  await sql("CREATE TRIGGER refuse BEFORE INSERT ON logs FOR EACH ROW WHEN (NEW.message LIKE '%refused') EXECUTE FUNCTION refuse()")
})
afterAll(async () => {
  await collector?.end('SIGTERM')
  await Promise.all([postgres?.remove(), elasticsearch?.remove()])
  rmSync(folder, { recursive: true, force: true })
})

type Ids = Readonly<Record<string, string | number>>
const attributesOf = (ids: Ids) =>
  Object.entries(ids).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }))
/** 32 hex digits that a name stands for. */
const traceOf = (name: string) => Buffer.from(name.padEnd(16, '.')).toString('hex')

type Given = { readonly ids?: Ids; readonly trace?: string; readonly ageMs?: number; readonly message?: string }
const log = ({ ids = {}, trace, ageMs = 0, message = 'hello' }: Given) => ({
  timeUnixNano: `${Date.now() - ageMs}000000`,
  severityNumber: 9,
  body: { stringValue: message },
  attributes: attributesOf({ 'log.record.uid': randomUUID(), ...ids }),
  ...(trace === undefined ? {} : { traceId: traceOf(trace) }),
})
const span = ({ ids = {}, trace = 'none' }: Given) => ({
  traceId: traceOf(trace),
  spanId: randomUUID().replaceAll('-', '').slice(0, 16),
  name: 'work',
  startTimeUnixNano: `${Date.now()}000000`,
  endTimeUnixNano: `${Date.now() + 1}000000`,
  attributes: attributesOf(ids),
})

async function send(signal: 'logs' | 'traces', records: readonly object[]): Promise<void> {
  const body =
    signal === 'logs'
      ? { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] }
      : { resourceSpans: [{ scopeSpans: [{ spans: records }] }] }
  // Each store by its own path, so that both have it when this returns.
  for (const store of signal === 'logs' ? ['postgres', 'elasticsearch'] : ['postgres']) {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${collector.url}/${store}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) })
    await response.arrayBuffer()
    expect(response.status).toBe(200)
  }
}

async function sql(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({ connectionString: postgres.url })
  await client.connect()
  const { rows } = await client.query(statement)
  await client.end()
  return rows
}
const messagesIn = async (store: 'postgres' | 'elasticsearch') =>
  store === 'postgres'
    ? (await sql('SELECT message FROM logs ORDER BY message')).map(({ message }) => message)
    : (await elasticsearch.elastic.all('tts-api-2*')).map(({ source }) => source.message).sort()

describe('erase', () => {
  test('removes what carries the id and what belongs to the same requests, and nothing of anybody else', { timeout: 120_000 }, async () => {
    await send('logs', [
      log({ ids: { user_id: '4711', request_id: 'r-1' }, trace: 'own', message: 'own' }),
      log({ ids: { user_id: 4711 }, message: 'own, as a number' }),
      log({ ids: { user_id: '4711' }, ageMs: 3 * DAY_MS, message: 'own, of another day' }),
      log({ ids: { user_id: '4711', request_id: 'r-2' }, message: 'own, refused' }),
      log({ ids: { user_id: '4711' }, ageMs: 300 * DAY_MS, message: 'own, a dead letter of Elasticsearch' }),
      log({ ids: { request_id: 'r-1' }, message: 'nobody, same request' }),
      log({ trace: 'own', message: 'nobody, same trace' }),
      log({ ids: { user_id: '0815', request_id: 'r-1' }, trace: 'own', message: 'bob, same request' }),
      log({ ids: { user_id: '47110' }, message: 'another, whose id begins the same' }),
      log({ ids: { user_id: '47110' }, message: 'another, refused' }),
      log({ message: 'of nobody, about user_id 4711' }),
    ])
    await send('traces', [span({ ids: { user_id: '4711' }, trace: 'own' }), span({ trace: 'own' }), span({ trace: 'other' })])
    await (await fetch(`${collector.url}/api/logs?user_id=4711&limit=5`)).arrayBuffer()
    await (await fetch(`${collector.url}/api/logs?user_id=0815`)).arrayBuffer()
    await expect.poll(() => sql('SELECT FROM reads')).toHaveLength(2)
    const kept = ['another, whose id begins the same', 'bob, same request', 'of nobody, about user_id 4711']
    const before = [await messagesIn('postgres'), await messagesIn('elasticsearch')]

    const asked = await runProgram(env, ['erase', '--user-id', '4711', '--json'])
    const counts = {
      PostgreSQL: { logs: 6, spans: 2, metric_points: 0, dead_letters: 1, reads: 1 },
      // Without the dead letter of PostgreSQL, which Elasticsearch could take.
      Elasticsearch: { 'tts-api-*': 6, 'tts-api-dead-letters': 1 },
    }
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(asked.stdout)).toEqual({ user_id: '4711', dry_run: true, stores: counts, remains: [] })
    expect([await messagesIn('postgres'), await messagesIn('elasticsearch')]).toEqual(before)

    const done = await runProgram(env, ['erase', '--user-id', '4711', '--yes', '--json'])
    expect(JSON.parse(done.stdout)).toEqual({ user_id: '4711', dry_run: false, stores: counts, remains: [] })
    expect(await messagesIn('postgres')).toEqual(kept)
    expect(await messagesIn('elasticsearch')).toEqual([kept[0], 'another, refused', ...kept.slice(1)].sort())
    expect(await sql('SELECT FROM spans')).toHaveLength(1)
    expect((await sql('SELECT record FROM dead_letters')).map(({ record }) => String(record).includes('47110'))).toEqual([true])
    expect(await sql('SELECT filter FROM reads ORDER BY time')).toEqual([
      { filter: { user_id: '[erased]', limit: '5' } },
      { filter: { user_id: '0815' } },
    ])

    const again = await runProgram(env, ['erase', '--user-id', '4711', '--yes'])
    expect(again.stdout).toMatch(/^The user 4711:\n\nPostgreSQL:\n {2}logs +0\n/)
    expect(again.stdout).toContain('Removed. What is still in queues arrives later')
  })

  test('what it cannot remove it tells: records that wait for Elasticsearch, and a notification that waits for its channel', {
    timeout: 120_000,
  }, async () => {
    await sql('CREATE DATABASE remains')
    const base = {
      COLLECTOR_DATA_DIR: join(folder, 'remains'),
      DATABASE_URL: postgres.url.replace(/\/postgres$/, '/remains'),
      ES_INDEX_PREFIX: 'remains',
      ERROR_WEBHOOK_URL: 'http://127.0.0.1:1/',
      ALERT_ALLOW_PRIVATE: '127.0.0.0/8',
    }
    const here = { ...base, ELASTICSEARCH_URL: elasticsearch.url }
    const cutOff = await startProgram({ ...base, ELASTICSEARCH_URL: 'http://127.0.0.1:1' })
    // Before that nobody is told of anything.
    await expect
      .poll(() => fetch(`${cutOff.url}/health`).then((answer) => answer.json()), { timeout: 60_000 })
      .toMatchObject({ alerts: { rank: 'leading' } })
    const record = { ...log({ ids: { user_id: 'dora', request_id: 'r-dora' }, message: 'of dora' }), severityNumber: 21 }
    const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${cutOff.url}/v1/logs`, { method: 'POST', headers, body })).status).toBe(200)

    const eraseDora = (...words: readonly string[]) => runProgram(here, ['erase', '--user-id', 'dora', ...words])
    await expect
      .poll(() => eraseDora().then(({ stdout }) => stdout))
      .toContain('1 notifications of alerts on their way quote these requests')
    const first = await eraseDora('--yes')
    expect([first.code, first.stderr]).toEqual([1, ''])
    expect(first.stdout).toMatch(
      /Removed\..*\n\nStill there:\n {2}- 1 notifications of alerts .*\n {2}- 1 log records wait for Elasticsearch in .*remains/,
    )
    expect(await cutOff.end('SIGTERM')).toBe(0)

    const mended = await startProgram(here)
    await expect.poll(() => elasticsearch.elastic.all('remains-2*').then((found) => found.length)).toBe(1)
    await expect.poll(() => eraseDora().then(({ stdout }) => stdout)).not.toContain('wait for Elasticsearch')
    const second = await eraseDora('--yes', '--json')
    expect(JSON.parse(second.stdout)).toMatchObject({
      stores: { Elasticsearch: { 'remains-*': 1 } },
      remains: [expect.stringContaining('notifications')],
    })
    expect(await mended.end('SIGTERM')).toBe(0)
  })

  test('a store that is away: the other is done, and it says what is not', { timeout: 120_000 }, async () => {
    await send('logs', [log({ ids: { user_id: 'carol' }, message: 'of carol' })])
    const away = { ...env, ELASTICSEARCH_URL: 'http://127.0.0.1:1' }
    const { code, stderr } = await runProgram(away, ['erase', '--user-id', 'carol', '--yes'])
    // Without its trail nothing is begun: it could not be found a second time.
    expect([code, stderr]).toEqual([1, expect.stringContaining('Elasticsearch at http://127.0.0.1:1 did not answer')])
    expect(await sql("SELECT FROM logs WHERE user_id = 'carol'")).toHaveLength(1)
    expect(await runProgram(env, ['erase', '--user-id', 'carol', '--yes'])).toMatchObject({ code: 0 })
    expect(await sql("SELECT FROM logs WHERE user_id = 'carol'")).toHaveLength(0)
  })

  test('more than a page', { timeout: 120_000 }, async () => {
    await send(
      'logs',
      Array.from({ length: 2_500 }, (_, index) => log({ ids: { user_id: 'many', request_id: `many-${index}` } })),
    )
    await send('logs', [log({ ids: { request_id: 'many-2400' } })])
    const { stdout } = await runProgram(env, ['erase', '--user-id', 'many', '--yes', '--json'])
    expect(JSON.parse(stdout).stores).toMatchObject({ PostgreSQL: { logs: 2_501 }, Elasticsearch: { 'tts-api-*': 2_501 } })
  })

  test('a database without telemetry, wrong settings and wrong usage are told', async () => {
    const empty = { DATABASE_URL: postgres.url.replace(/postgres$/, 'template1') }
    expect(await runProgram(empty, ['erase', '--user-id', 'x'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('holds no telemetry'),
    })
    const wrong = await runProgram({ ...env, RETENTION_DAYS: '0' }, ['erase', '--user-id', 'x'])
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('RETENTION_DAYS="0" is not') })
    expect(await runProgram(env, ['erase'])).toMatchObject({ code: 2, stderr: expect.stringContaining('whom? --user-id ID') })
    expect(await runProgram(env, ['erase', '4711'])).toMatchObject({ code: 2, stderr: expect.stringContaining('4711') })
  })
})

describe('dead-letters', () => {
  const ask = async (words: readonly string[], more: Record<string, string> = {}) => {
    const ended = await runProgram({ ...env, ...more }, ['dead-letters', ...words])
    return { ...ended, json: words.includes('--json') ? JSON.parse(ended.stdout) : undefined }
  }

  test('are listed, shown, sent again when their cause is gone, and removed', { timeout: 180_000 }, async () => {
    await ask(['purge', '--all'])
    await send('logs', [log({ message: 'refused', ids: { request_id: 'r-9' }, ageMs: 40 * DAY_MS })])

    const listed = (await ask(['--json'])).json
    expect(listed.count).toEqual({ postgres: 1, elasticsearch: 1 })
    const [a, b] = ['postgres', 'elasticsearch'].map((store) => listed.letters.find((letter: { store: string }) => letter.store === store))
    expect(a).toMatchObject({ signal: 'logs', code: '22000', record: { body: 'refused', attributes: { request_id: 'r-9' } } })
    expect(b).toMatchObject({ signal: 'logs', code: 'time', record: { body: 'refused' } })

    const text = await ask([])
    expect(text.stdout).toMatch(new RegExp(`^\\S+Z {2}postgres {7} {0,1}logs {2}${a.id} {2}22000: not\\\\n\\\\x1b\\[2J today$`, 'm'))
    expect(text.stdout).toMatch(/\n1 in postgres, 1 in elasticsearch\n$/)
    const shown = await ask(['show', a.id])
    expect(shown.stdout).toContain(`id       ${a.id}\nstore    postgres\n`)
    expect(shown.stdout).toContain('"body": "refused"')

    const tooSoon = await ask(['resend', '--all', '--json'])
    expect([tooSoon.code, tooSoon.json.letters.map(({ outcome }: { outcome: string }) => outcome)]).toEqual([1, ['refused', 'refused']])
    expect((await ask(['--json'])).json.count).toEqual({ postgres: 1, elasticsearch: 1 })

    await sql('ALTER TABLE logs DISABLE TRIGGER refuse')
    const sent = await ask(['resend', a.id, b.id, randomUUID()], { RETENTION_DAYS: '90' })
    expect([sent.code, sent.stdout]).toEqual([
      1,
      expect.stringMatching(/there is no dead letter \S+\n2 of 2 stored and removed from the dead letters\n$/),
    ])
    expect(await sql("SELECT message, request_id FROM logs WHERE message = 'refused'")).toEqual([{ message: 'refused', request_id: 'r-9' }])
    expect(await messagesIn('elasticsearch')).toContain('refused')
    expect((await ask(['--json'])).json).toEqual({ count: { postgres: 0, elasticsearch: 0 }, letters: [] })
    await sql('ALTER TABLE logs ENABLE TRIGGER refuse')
  })

  test('purge removes those that are named, of one store when asked', { timeout: 120_000 }, async () => {
    await send('logs', [log({ message: 'a, refused' }), log({ message: 'b, refused' }), log({ ageMs: 400 * DAY_MS })])
    const { letters } = (await ask(['--json', '--store', 'postgres'])).json
    expect((await ask(['purge', letters[0].id])).stdout).toBe('1 removed\n')
    expect((await ask(['purge', '--all', '--store', 'elasticsearch'])).stdout).toBe('1 removed\n')
    expect((await ask(['--json'])).json.count.elasticsearch).toBe(0)
    expect((await ask(['purge', '--all'])).stdout).toMatch(/^[12] removed\n$/)
    expect(await ask(['purge', randomUUID()])).toMatchObject({ code: 1, stdout: expect.stringMatching(/there is no dead letter/) })
  })

  test.each([
    [['throw'], 'there is no "throw"'],
    [['purge'], 'purge which? ID… or --all'],
    [['show', 'a', 'b'], 'show which? One ID'],
    [['list', 'x'], 'list takes no ids'],
    [['--store', 'redis'], '--store redis is none of postgres, elasticsearch'],
    [['--limit', 'x'], '--limit x is no whole number'],
  ])('wrong usage %j', async (words, message) => {
    expect(await ask(words)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
  })
})
