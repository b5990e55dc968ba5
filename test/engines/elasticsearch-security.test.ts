/** A real Elasticsearch with users, API keys and HTTPS. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Connection, type Credentials, createClient } from '../../collector/src/elasticsearch/client.ts'
import { erase, findTrail } from '../../collector/src/elasticsearch/erase.ts'
import { textField } from '../../collector/src/elasticsearch/json.ts'
import { countLetters } from '../../collector/src/elasticsearch/letters.ts'
import { requireRights } from '../../collector/src/elasticsearch/rights.ts'
import { createElastic } from '../collector/elasticsearch/elastic.ts'
import { open } from '../collector/elasticsearch/open.ts'
import { log, logs, sender } from '../collector/postgres/records.ts'
import { makeCertificate } from '../delivery/support/certificate.ts'
import { createElasticsearch, type ElasticsearchServer } from './support/elasticsearch.ts'

const OK = { kind: 'ok' }
const PASSWORD = 'hunter2-elastic'
const tls = makeCertificate('127.0.0.1')

/** As docs/elasticsearch.md lists them. */
const RIGHTS = {
  cluster: ['monitor', 'manage_index_templates'],
  indices: [
    { names: ['tts-api-*'], privileges: ['create_doc', 'create_index', 'view_index_metadata', 'delete_index'] },
    { names: ['tts-api-dead-letters'], privileges: ['read', 'delete', 'maintenance'] },
  ],
}

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-elasticsearch-security-'))
let server: ElasticsearchServer
beforeAll(async () => {
  server = await createElasticsearch({ password: PASSWORD, tls })
  await server.start()
})
afterAll(async () => {
  await server?.remove()
  rmSync(folder, { recursive: true })
})

const connection = (credentials: Credentials | undefined, ca: string | undefined = tls.cert): Connection => ({
  url: server.url,
  ca,
  credentials,
})
const batch = () => logs([log(sender())])

async function createApiKey(name: string, rights: object): Promise<Credentials> {
  const { body } = await server.elastic.ask('POST', '/_security/api_key', { name, role_descriptors: { [name]: rights } })
  return { kind: 'apiKey', apiKey: textField(body, 'encoded') }
}

test('an API key with the documented rights is enough for everything', async () => {
  const old = 'tts-api-2020.01.01'
  await server.elastic.ask('PUT', `/${old}`)
  await server.elastic.ask('PUT', '/tts-api-dead-letters/_create/old?refresh=true', { '@timestamp': '2020-01-01T00:00:00Z' })
  const opened = open(server.url, { connection: connection(await createApiKey('collector', RIGHTS)) })
  await opened.start()
  expect(await opened.readiness()).toEqual({ ready: true })
  const good = log(sender())
  const poison = log(sender(), { attributes: { ['k'.repeat(40_000)]: 'x' } })
  for (let sent = 0; sent < 2; sent++) expect(await opened.send(logs([good, poison]))).toMatchObject({ kind: 'ok', rejected: { count: 1 } })
  await expect.poll(() => server.elastic.indexes('tts-api-2*')).not.toContain(old)
  await expect.poll(async () => (await server.elastic.all('tts-api-dead-letters')).map(({ id }) => id)).toEqual([poison.uid])
  expect((await server.elastic.all('tts-api-2*')).map(({ id }) => id)).toEqual([good.uid])
  expect(opened.warnings).toEqual([])
})

test('a key of its own for erasing a person and for dead letters; that of the collector is told what it lacks', async () => {
  const rights = { indices: [{ names: ['tts-api-*'], privileges: ['read', 'delete', 'create_doc', 'view_index_metadata', 'maintenance'] }] }
  const writer = open(server.url, { connection: connection(await createApiKey('collector', RIGHTS)) })
  await writer.start()
  const record = log(sender(), { attributes: { user_id: 'erased-1', request_id: 'r-1' } })
  expect(await writer.send(logs([record, log(sender(), { attributes: { request_id: 'r-1' } })]))).toEqual(OK)

  const options = async (given: object) => ({
    client: createClient(connection(await createApiKey('other', given))),
    prefix: 'tts-api',
    signal: AbortSignal.timeout(30_000),
  })
  const own = await options(rights)
  const trail = await findTrail(own, 'erased-1')
  expect([...trail.requestIds]).toEqual(['r-1'])
  const erased = await erase(own, { userId: 'erased-1', trail, dryRun: false })
  expect(erased).toMatchObject({ 'tts-api-*': 2 })
  expect(await countLetters(own)).toBeGreaterThanOrEqual(0)
  const lacking = await options(RIGHTS)
  // Elasticsearch itself would say that there is nothing.
  await expect(requireRights(lacking)).rejects.toThrow('lacks read, delete on tts-api-*')
  await requireRights(own)
  for (const { client } of [own, lacking]) client.close()
})

test('the users of the compose files: the collectors append, Grafana reads, people erase, and none can do more', async () => {
  const passwords = { ES_WRITER_PASSWORD: 'hunter2-writer', ES_READER_PASSWORD: 'hunter2-reader', ES_OWNER_PASSWORD: 'hunter2-owner' }
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, tls.cert)
  const run = promisify(execFile)
  const makeUsers = (password: string) =>
    run('bash', [join(import.meta.dirname, '../../deploy/elasticsearch/users.sh')], {
      env: { PATH: process.env.PATH ?? '', CURL_CA_BUNDLE: ca, ELASTICSEARCH_URL: server.url, ELASTIC_PASSWORD: password, ...passwords },
    })
  const user = (name: string): Credentials => ({ kind: 'basic', username: `tts_otel_${name}`, password: `hunter2-${name}` })
  const as = (name: string) => createElastic(connection(user(name)))
  await expect(makeUsers('hunter2-wrong')).rejects.toThrow('401')
  // The first start, and each later one.
  for (let start = 0; start < 2; start++)
    expect((await makeUsers(PASSWORD)).stdout.split('\n')).toEqual(['tts_otel_writer', 'tts_otel_reader', 'tts_otel_owner', ''])

  const writer = open(server.url, { connection: connection(user('writer')) })
  await writer.start()
  expect(await writer.readiness()).toEqual({ ready: true })
  const record = log(sender(), { attributes: { user_id: 'erased-2' } })
  expect(await writer.send(logs([record]))).toEqual(OK)
  expect(writer.warnings).toEqual([])

  const search = { query: { term: { user_id: 'erased-2' } } }
  await expect
    .poll(async () => (await as('reader').ask('POST', '/tts-api-2*/_search', search)).body, { timeout: 15_000 })
    .toMatchObject({ hits: { total: { value: 1 } } })
  // Who may read nothing that matches a pattern is told that there is nothing.
  expect((await as('writer').ask('POST', '/tts-api-2*/_search', search)).body).toMatchObject({ hits: { total: { value: 0 } } })
  expect((await as('reader').ask('POST', '/tts-api-dead-letters/_search', search)).status).toBe(403)
  expect((await as('reader').ask('POST', '/tts-api-2020.01.02/_doc', {})).status).toBe(403)
  expect((await as('owner').ask('PUT', '/_security/user/another', { password: 'hunter2-another', roles: ['superuser'] })).status).toBe(403)

  const client = createClient(connection(user('owner')))
  const options = { client, prefix: 'tts-api', signal: AbortSignal.timeout(30_000) }
  await requireRights(options)
  const trail = await findTrail(options, 'erased-2')
  expect(await erase(options, { userId: 'erased-2', trail, dryRun: false })).toMatchObject({ 'tts-api-*': 1 })
  client.close()
})

test('a user with a password', async () => {
  const opened = open(server.url, { connection: connection({ kind: 'basic', username: 'elastic', password: PASSWORD }) })
  await opened.start()
  expect(await opened.send(batch())).toEqual(OK)
})

test.each([
  ['no credentials', undefined],
  ['a wrong password', { kind: 'basic', username: 'elastic', password: 'hunter2-wrong' }],
  ['a wrong API key', { kind: 'apiKey', apiKey: Buffer.from('id:hunter2').toString('base64') }],
] as const)('%s: it is said which setting to look at, and no secret', async (_, credentials) => {
  const opened = open(server.url, { connection: connection(credentials) })
  await opened.start()
  expect(opened.warnings).toEqual([expect.stringMatching(/refused us with 401.*ELASTICSEARCH_API_KEY/)])
  expect(await opened.send(batch())).toMatchObject({ kind: 'retry' })
  expect(opened.warnings.join()).not.toMatch(/hunter2|aWQ6/)
})

test('a key without the right to write: nothing is lost, and it is said what is missing', async () => {
  const rights = { cluster: RIGHTS.cluster, indices: [{ names: ['tts-api-*'], privileges: ['view_index_metadata'] }] }
  const opened = open(server.url, { connection: connection(await createApiKey('reader', rights)) })
  await opened.start()
  expect(await opened.send(batch())).toMatchObject({
    kind: 'retry',
    afterMs: 10_000,
    error: { message: expect.stringMatching(/unauthorized/) },
  })
})

test('a certificate that is not trusted is told', async () => {
  const opened = open(server.url, { connection: connection(undefined, makeCertificate('127.0.0.1').cert) })
  await opened.start()
  expect(opened.warnings).toEqual([expect.stringMatching(/self-signed certificate/)])
})
