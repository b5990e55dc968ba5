/** How an Elasticsearch is looked at before anything is sent to it, and what is kept in order there. */
import { expect, onTestFinished, test } from 'vitest'
import { log, logs, sender } from '../postgres/records.ts'
import { open, openStandIn } from './open.ts'
import { startStandIn } from './stand-in.ts'

const OK = { kind: 'ok' }
const DAY_MS = 86_400_000
const dayName = (daysAgo: number) => `tts-api-${new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '.')}`
const batch = () => logs([log(sender())])

test.each([
  [
    'OpenSearch',
    undefined,
    { version: { distribution: 'opensearch', number: '2.19.0' } },
    /is OpenSearch 2\.19\.0, not Elasticsearch.*ELASTICSEARCH_URL/,
  ],
  ['an old Elasticsearch', undefined, { version: { number: '7.10.2' } }, /old Elasticsearch \(7\.10\.2\)/],
  ['Elasticsearch 7.17', 'Elasticsearch', { version: { number: '7.17.0' } }, /is Elasticsearch 7\.17\.0, and only 8 and 9/],
  ['a web server', undefined, '<html>Welcome to nginx!</html>', /something else \(it answered 200 without X-Elastic-Product\)/],
])('%s: it is said what it is, and nothing is sent to it', async (_, product, body, reason) => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  standIn.root = { product, body }
  const opened = open(standIn.url)
  await opened.start()
  expect(opened.warnings).toEqual([expect.stringMatching(reason)])
  expect(await opened.readiness()).toEqual({ ready: false, reason: expect.stringMatching(reason) })
  expect(await opened.send(batch())).toMatchObject({ kind: 'retry', error: { message: expect.stringMatching(reason) } })
  expect(standIn.requests.every(({ line }) => line === 'GET /')).toBe(true)
})

test('a server that is down at the start is found when it comes, and is complained about once', async () => {
  const standIn = await startStandIn()
  const { port } = new URL(standIn.url)
  await standIn.close()
  const opened = open(standIn.url)
  await opened.start()
  expect(await opened.send(batch())).toMatchObject({ kind: 'retry', error: { message: expect.stringContaining('ECONNREFUSED') } })
  const again = await startStandIn(Number(port))
  onTestFinished(() => again.close())
  await expect.poll(() => opened.readiness(), { timeout: 15_000 }).toEqual({ ready: true })
  expect(await opened.send(batch())).toEqual(OK)
  expect(opened.warnings).toEqual([expect.stringContaining('ECONNREFUSED')])
  await again.close()
  expect(await opened.readiness()).toMatchObject({ ready: false })
})

test.each([
  [{ kind: 'apiKey', apiKey: 'aWQ6a2V5' }, 'ApiKey aWQ6a2V5'],
  [{ kind: 'apiKey', apiKey: 'id:key' }, 'ApiKey aWQ6a2V5'],
  [{ kind: 'basic', username: 'us', password: 'p:é' }, `Basic ${Buffer.from('us:p:é').toString('base64')}`],
] as const)('every request shows who we are: %j', async (credentials, authorization) => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  const opened = open(standIn.url, { connection: { url: standIn.url, ca: undefined, credentials } })
  await opened.start()
  await opened.send(batch())
  expect(new Set(standIn.requests.map((request) => request.authorization))).toEqual(new Set([authorization]))
})

test('a path in the URL stays before ours', async () => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  const opened = open(`${standIn.url}/behind/proxy/`)
  await opened.start()
  expect(standIn.requests[0]?.line).toBe('GET /behind/proxy/')
})

test('the templates are there before the first document, and a second start changes nothing', async () => {
  const { standIn, opened } = await openStandIn()
  expect([...standIn.templates.keys()]).toEqual(['tts-api', 'tts-api-dead-letters'])
  expect(standIn.templates.get('tts-api')).toMatchObject({ index_patterns: ['tts-api-*.*.*'], template: { mappings: { dynamic: false } } })
  const second = open(standIn.url)
  await second.start()
  expect(standIn.requests.filter(({ line }) => line.startsWith('PUT'))).toHaveLength(2)
  expect([...opened.warnings, ...second.warnings]).toEqual([])
})

test('a template that is not ours stays as it is, and this is said once', async () => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  standIn.templates.set('tts-api', { index_patterns: ['tts-api-*'], priority: 500 })
  const opened = open(standIn.url)
  await opened.start()
  expect(await opened.send(batch())).toEqual(OK)
  expect(standIn.templates.get('tts-api')).toEqual({ index_patterns: ['tts-api-*'], priority: 500 })
  expect(opened.warnings).toEqual([expect.stringMatching(/index template tts-api that is not ours: it stays/)])
})

test('our own template of other settings is replaced, and this is said; a life-cycle policy is in it', async () => {
  const { standIn } = await openStandIn()
  standIn.policies.add('ninety-days')
  const opened = open(standIn.url, { ilmPolicy: 'ninety-days' })
  await opened.start()
  expect(standIn.templates.get('tts-api')).toMatchObject({ template: { settings: { index: { lifecycle: { name: 'ninety-days' } } } } })
  expect(standIn.templates.get('tts-api-dead-letters')).not.toMatchObject({ template: { settings: { index: { lifecycle: {} } } } })
  expect(opened.warnings).toEqual([expect.stringMatching(/template tts-api .* is replaced/)])
})

test.each([
  ['is not there', undefined, /no life-cycle policy ninety-days: nothing removes old log records.*PUT _ilm\/policy\/ninety-days/],
  ['may not be seen', { status: 403 }, /refused to show the life-cycle policy ninety-days with 403.*docs\/elasticsearch\.md.*Nobody knows/],
] as const)('a life-cycle policy that %s is told, once, and holds up nothing', async (_, fault, message) => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  standIn.requestFault = (line) => (line.includes('/_ilm/') ? fault : undefined)
  const opened = open(standIn.url, { ilmPolicy: 'ninety-days' })
  await opened.start()
  expect(await opened.send(batch())).toEqual(OK)
  await expect.poll(() => standIn.requests.filter(({ line }) => line.includes('/_ilm/'))).toHaveLength(2)
  expect(opened.warnings).toEqual([expect.stringMatching(message)])
})

test('of two collectors that start at once the later one finds the template of the other, and complains of nothing', async () => {
  const { standIn } = await openStandIn()
  const made = standIn.templates.get('tts-api')!
  standIn.templates.delete('tts-api')
  standIn.requestFault = (line) => {
    if (!line.startsWith('PUT /_index_template/tts-api?create=true') || standIn.templates.has('tts-api')) return undefined
    standIn.templates.set('tts-api', made)
    return { status: 400, body: { error: { type: 'illegal_argument_exception', reason: 'index template [tts-api] already exists' } } }
  }
  const opened = open(standIn.url)
  await opened.start()
  expect(standIn.requests.filter(({ line }) => line.startsWith('PUT /_index_template/tts-api?'))).toHaveLength(2)
  expect([opened.warnings, await opened.readiness()]).toEqual([[], { ready: true }])
})

test('a template that was removed is back before the next index', async () => {
  const { standIn, opened } = await openStandIn()
  standIn.templates.clear()
  expect(await opened.send(batch())).toEqual(OK)
  expect([...standIn.templates.keys()]).toEqual(['tts-api', 'tts-api-dead-letters'])
})

test('a cluster that was made anew gets the templates before its first document, after an outage and without one', async () => {
  let nowMs = Date.now()
  const { standIn, opened } = await openStandIn({ now: () => nowMs })
  const templates: number[] = []
  standIn.itemFault = () => {
    templates.push(standIn.templates.size)
    return undefined
  }
  const replace = () => {
    standIn.indexes.clear()
    standIn.templates.clear()
  }
  expect(await opened.send(batch())).toEqual(OK)

  standIn.requestFault = () => ({ status: 503 })
  expect((await opened.send(batch())).kind).toBe('retry')
  standIn.requestFault = () => undefined
  replace()
  expect(await opened.send(batch())).toEqual(OK)

  replace()
  nowMs += 60_000
  expect(await opened.send(batch())).toEqual(OK)
  expect(templates).toEqual([2, 2, 2])
})

const STRANGERS = [
  'tts-api',
  'tts-api-dead-letters',
  'tts-api-2020.01.01-restored',
  'tts-api-2020.01',
  'tts-api-2020.02.31',
  'tts-api-staging-2020.01.01',
  'tts-api-2020-01-01',
  'tts-api2020.01.01',
]

test('old days are removed by their exact names, and nothing else', async () => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  const kept = [...STRANGERS, dayName(0), dayName(6), dayName(7)]
  for (const name of [...kept, dayName(8), dayName(100), 'tts-api-2020.01.01'])
    standIn.indexes.set(name, new Map([['id', { '@timestamp': new Date().toISOString() }]]))
  await open(standIn.url, { retentionDays: 7 }).start()
  await expect.poll(() => [...standIn.indexes.keys()].toSorted()).toEqual(kept.toSorted())
  expect(standIn.requests.filter(({ line }) => line.startsWith('DELETE') && /[*,]/.test(line))).toEqual([])
})

test('dead letters go when they are old', async () => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  const letter = (daysAgo: number) => ({ '@timestamp': new Date(Date.now() - daysAgo * DAY_MS).toISOString() })
  standIn.indexes.set(
    'tts-api-dead-letters',
    new Map([
      ['old', letter(8)],
      ['new', letter(6)],
    ]),
  )
  await open(standIn.url, { retentionDays: 7 }).start()
  await expect.poll(() => [...standIn.indexes.get('tts-api-dead-letters')!.keys()]).toEqual(['new'])
})

test('with a life-cycle policy no index is removed', async () => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  standIn.indexes.set('tts-api-2020.01.01', new Map())
  await open(standIn.url, { ilmPolicy: 'ninety-days' }).start()
  // The last thing that a round does.
  await expect.poll(() => standIn.requests.some(({ line }) => line.includes('_search'))).toBe(true)
  expect(standIn.indexes.has('tts-api-2020.01.01')).toBe(true)
})
