/** What becomes of log records that are sent to an Elasticsearch, whatever it answers. */
import { expect, onTestFinished, test } from 'vitest'
import { log, logs, metrics, NOW_US, point, sender, span, traces } from '../postgres/records.ts'
import { open, openStandIn } from './open.ts'
import { type ItemFault, type StandIn, startStandIn } from './stand-in.ts'

const OK = { kind: 'ok' }
const TODAY = `tts-api-${new Date().toISOString().slice(0, 10).replaceAll('-', '.')}`
const source = sender()

const bulks = ({ requests }: StandIn) => requests.filter(({ line }) => line.startsWith('POST /_bulk'))
const stored = ({ indexes }: StandIn) =>
  [...indexes].filter(([name]) => name !== 'tts-api-dead-letters').flatMap(([, index]) => [...index.keys()])
const deadLetters = ({ indexes }: StandIn) => [...(indexes.get('tts-api-dead-letters') ?? [])]

const DAY_OLD: ItemFault = {
  status: 400,
  type: 'document_parsing_exception',
  reason: "failed to parse field [metadata]. Preview of field's value: 'hunter2'",
}
const BUSY: ItemFault = { status: 429, type: 'es_rejected_execution_exception', reason: 'the queue is full' }

test('a record becomes a document with these fields, in the index of its day', async () => {
  const resource = { ...source, attributes: { ...source.attributes, 'host.name': 'web-1' } }
  const record = log(resource, {
    timeUs: Date.UTC(2026, 10, 22, 23, 59, 59, 999) * 1000 + 123,
    severity: 17,
    body: 'Speech failed',
    attributes: { request_id: 'r1', user_id: 42, source: 'app.tts', voice: { name: 'Kore', tags: ['a'] } },
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    eventName: 'tts.failed',
  })
  const { standIn, opened } = await openStandIn({ now: () => record.timeUs / 1000 })
  expect(await opened.send(logs([record]))).toEqual(OK)
  expect(standIn.indexes.get('tts-api-2026.11.22')?.get(record.uid)).toEqual({
    '@timestamp': '2026-11-22T23:59:59.999123Z',
    level: 'ERROR',
    message: 'Speech failed',
    request_id: 'r1',
    user_id: '42',
    source: 'app.tts',
    metadata: { voice: { name: 'Kore', tags: ['a'] }, 'event.name': 'tts.failed' },
    host: 'web-1',
    trace_id: 'a'.repeat(32),
    span_id: 'b'.repeat(16),
    service: 'tts-api',
  })
})

test('what is not known of a record is not in its document', async () => {
  const { standIn, opened } = await openStandIn()
  expect(await opened.send(logs([log(source)]))).toEqual(OK)
  const [document] = standIn.indexes.get(TODAY)!.values()
  expect(Object.keys(Object(document))).toEqual(['@timestamp', 'level', 'message', 'source', 'service', 'metadata'])
})

test('what is sent again is stored once, also when the answer was lost', async () => {
  const { standIn, opened } = await openStandIn()
  const batch = logs([log(source), log(source)])
  standIn.requestFault = (line) => (line.startsWith('POST /_bulk') ? 'cut' : undefined)
  expect(await opened.send(batch)).toMatchObject({ kind: 'retry' })
  standIn.requestFault = () => undefined
  expect(await opened.send(batch)).toEqual(OK)
  expect(await opened.send(batch)).toEqual(OK)
  expect(stored(standIn)).toHaveLength(2)
})

test('only what a busy server has put off is sent again', async () => {
  const { standIn, opened } = await openStandIn()
  const records = Array.from({ length: 100 }, (_, index) => log(source, { body: `${index}` }))
  let busy = 7
  standIn.itemFault = ({ message }) => (Number(message) % 10 === 3 && busy-- > 0 ? BUSY : undefined)
  expect(await opened.send(logs(records))).toEqual(OK)
  expect(bulks(standIn).map(({ items }) => items)).toEqual([100, 7])
  expect(stored(standIn)).toHaveLength(100)
})

test('a server that stays busy is left to the sender after some rounds', { timeout: 15_000 }, async () => {
  const { standIn, opened } = await openStandIn()
  standIn.itemFault = ({ message }) => (message === 'busy' ? BUSY : undefined)
  const batch = logs([log(source), log(source, { body: 'busy' })])
  expect(await opened.send(batch)).toMatchObject({
    kind: 'retry',
    afterMs: 1_000,
    error: { message: expect.stringContaining('the queue is full') },
  })
  expect(bulks(standIn).map(({ items }) => items)).toEqual([2, 1, 1, 1, 1])
  standIn.itemFault = () => undefined
  expect(await opened.send(batch)).toEqual(OK)
  expect(stored(standIn)).toHaveLength(2)
})

test('a document that a field refuses is a dead letter with the reason; the others are stored', async () => {
  const { standIn, opened } = await openStandIn()
  standIn.itemFault = ({ message }, index) => (message === 'poison' && !index.endsWith('dead-letters') ? DAY_OLD : undefined)
  const poison = log(source, { body: 'poison', attributes: { user_id: 'u1', secret: 'hunter2' } })
  const batch = logs([log(source), poison, log(source)])
  for (let sent = 0; sent < 2; sent++) {
    const outcome = await opened.send(batch)
    expect(outcome).toMatchObject({
      kind: 'ok',
      rejected: {
        count: 1,
        message: expect.stringMatching(/kept in tts-api-dead-letters: failed to parse field \[metadata\] \(document_parsing_exception\)$/),
      },
    })
    expect(JSON.stringify(outcome)).not.toContain('hunter2')
  }
  expect(stored(standIn)).toHaveLength(2)
  expect(deadLetters(standIn)).toEqual([
    [
      poison.uid,
      {
        '@timestamp': expect.any(String),
        signal: 'logs',
        code: 'document_parsing_exception',
        reason: 'failed to parse field [metadata] (document_parsing_exception): because of "poison"',
        user_id: 'u1',
        record: expect.stringContaining('"body":"poison","attributes":{"user_id":"u1","secret":"hunter2"}'),
      },
    ],
  ])
})

test('a dead letter that cannot be kept is not reported as kept', async () => {
  const { standIn, opened } = await openStandIn()
  standIn.itemFault = (_, index) =>
    index.endsWith('dead-letters') ? { status: 403, type: 'security_exception', reason: 'no right' } : DAY_OLD
  expect(await opened.send(logs([log(source)]))).toMatchObject({ kind: 'retry', afterMs: 10_000 })
  standIn.itemFault = (_, index) => (index.endsWith('dead-letters') ? undefined : DAY_OLD)
  expect(await opened.send(logs([log(source)]))).toMatchObject({ kind: 'ok', rejected: { count: 1 } })
})

test.each([
  [{ status: 403, type: 'cluster_block_exception', reason: 'index is read-only' }, 10_000],
  [{ status: 404, type: 'index_not_found_exception', reason: 'may not be made' }, 10_000],
  [{ status: 400, type: 'validation_exception', reason: 'maximum shards open' }, 10_000],
  [{ status: 400, type: 'index_closed_exception', reason: 'closed' }, 10_000],
] as [ItemFault, number][])('what a person has to mend is no fault of the record: %j', async (fault, afterMs) => {
  const { standIn, opened } = await openStandIn()
  standIn.itemFault = () => fault
  for (let sent = 0; sent < 12; sent++)
    expect(await opened.send(logs([log(source, { uid: '11111111-1111-4111-8111-111111111111' })]))).toMatchObject({
      kind: 'retry',
      afterMs,
    })
  expect(bulks(standIn)).toHaveLength(12)
  expect(deadLetters(standIn)).toEqual([])
})

test('a fault that a record meets each time is waited out ten times, then it is a dead letter and the others are stored', async () => {
  const { standIn, opened } = await openStandIn()
  standIn.itemFault = ({ message }, index) =>
    message === 'cursed' && !index.endsWith('dead-letters')
      ? { status: 400, type: 'illegal_argument_exception', reason: 'who knows' }
      : undefined
  const batch = logs([log(source), log(source, { body: 'cursed' })])
  for (let sent = 1; sent < 10; sent++) expect((await opened.send(batch)).kind).toBe('retry')
  expect(deadLetters(standIn)).toEqual([])
  expect(await opened.send(batch)).toMatchObject({ kind: 'ok', rejected: { count: 1 } })
  expect([stored(standIn).length, deadLetters(standIn).length]).toEqual([1, 1])
})

test.each([
  { status: 500, body: { error: { type: 'null_pointer_exception', reason: 'who knows' } } },
  { status: 400, body: { error: { type: 'illegal_argument_exception', reason: 'who knows' } } },
])('so is a fault that ends the whole request: %j', async (fault) => {
  const { standIn, opened } = await openStandIn()
  standIn.requestFault = (_line, body) => (body.includes('"message":"cursed"') ? fault : undefined)
  const records = Array.from({ length: 40 }, (_, index) => log(source, { body: index === 13 ? 'cursed' : 'fine' }))
  const batch = logs(records)
  for (let sent = 1; sent < 10; sent++) expect((await opened.send(batch)).kind).toBe('retry')
  expect([stored(standIn), deadLetters(standIn)]).toEqual([[], []])
  expect(await opened.send(batch)).toMatchObject({ kind: 'ok', rejected: { count: 1, message: expect.stringContaining('who knows') } })
  expect([stored(standIn).length, deadLetters(standIn).map(([id]) => id)]).toEqual([39, [records[13]!.uid]])
})

test('so is a record that we fail to make a document of', async () => {
  const { standIn, opened } = await openStandIn()
  const broken = JSON.parse('null')
  const cursed = log({ ...source, attributes: broken })
  const batch = logs([log(source), cursed, log(source)])
  for (let sent = 1; sent < 10; sent++) expect((await opened.send(batch)).kind).toBe('retry')
  expect(await opened.send(batch)).toMatchObject({ kind: 'ok', rejected: { count: 1 } })
  expect([stored(standIn).length, deadLetters(standIn).map(([id]) => id)]).toEqual([2, [cursed.uid]])
})

test('a server that answers everything with the same fault makes no dead letters: it takes none', async () => {
  const { standIn, opened } = await openStandIn()
  standIn.requestFault = (line) => (line.startsWith('POST /_bulk') ? { status: 500 } : undefined)
  const batch = logs([log(source), log(source)])
  for (let sent = 0; sent < 25; sent++) expect((await opened.send(batch)).kind).toBe('retry')
  standIn.requestFault = () => undefined
  expect(await opened.send(batch)).toEqual(OK)
  expect(stored(standIn)).toHaveLength(2)
})

test('a fault at the template of a new day is not the fault of the records of that day', async () => {
  let nowMs = Date.now()
  const { standIn, opened } = await openStandIn({ now: () => nowMs })
  nowMs += 86_400_000
  standIn.requestFault = (line) => (line.includes('/_index_template/') ? { status: 400 } : undefined)
  const batch = logs([log(source, { timeUs: nowMs * 1_000 })])
  for (let sent = 0; sent < 12; sent++) expect((await opened.send(batch)).kind).toBe('retry')
  standIn.requestFault = () => undefined
  expect(await opened.send(batch)).toEqual(OK)
})

test.each([
  [{ status: 429, headers: { 'retry-after': '7' } }, 7_000, /429/],
  [{ status: 503, headers: { 'retry-after': '86400' } }, 300_000, /503/],
  [{ status: 503, headers: { 'retry-after': '99999999999' } }, 300_000, /503/],
  [{ status: 503, headers: { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' } }, 300_000, /503/],
  [{ status: 503, headers: { 'retry-after': '0' } }, 1_000, /503/],
  [{ status: 503, body: 'no backend' }, 1_000, /503: no backend/],
  [
    { status: 401, body: { error: { type: 'security_exception', reason: 'unable to authenticate' } } },
    10_000,
    /unable to authenticate.*ELASTICSEARCH_API_KEY/,
  ],
  [{ status: 403 }, 10_000, /docs\/elasticsearch\.md/],
  [{ status: 302 }, 10_000, /302/],
] as const)('a whole request that is refused with %j is sent again later', async (fault, afterMs, message) => {
  const { standIn, opened } = await openStandIn()
  standIn.requestFault = (line) => (line.startsWith('POST /_bulk') ? fault : undefined)
  expect(await opened.send(logs([log(source)]))).toMatchObject({
    kind: 'retry',
    afterMs,
    error: { message: expect.stringMatching(message) },
  })
})

test('a bulk that the server has no room for comes again in smaller ones, and only what is left of it', async () => {
  const { standIn, opened } = await openStandIn()
  standIn.requestFault = (line) =>
    line.startsWith('POST /_bulk') && standIn.requests.at(-1)!.bytes > 2_000_000 ? { status: 429 } : undefined
  const body = 'x'.repeat(100_000)
  expect(await opened.send(logs(Array.from({ length: 33 }, () => log(source, { body }))))).toEqual(OK)
  expect(bulks(standIn).map(({ items }) => items)).toEqual([33, 12, 12, 9])
  expect(stored(standIn)).toHaveLength(33)
})

test('a bulk that is too large for the server is halved; a record that is too large alone is a dead letter', async () => {
  const { standIn, opened } = await openStandIn()
  const noise = (characters: number) => Array.from({ length: characters }, () => String.fromCharCode(40 + Math.random() * 50)).join('')
  standIn.requestFault = (line) =>
    line.startsWith('POST /_bulk') && standIn.requests.at(-1)!.bytes > 100_000
      ? { status: 413, body: 'Request Entity Too Large' }
      : undefined
  const records = [...Array.from({ length: 20 }, () => log(source, { body: noise(20_000) })), log(source, { body: noise(200_000) })]
  expect(await opened.send(logs(records))).toMatchObject({ kind: 'ok', rejected: { count: 1, message: expect.stringContaining('413') } })
  expect([stored(standIn).length, deadLetters(standIn).length]).toEqual([20, 1])
})

test('a large batch goes in several bulks side by side, of some MB at most', async () => {
  const { standIn, opened } = await openStandIn()
  expect(await opened.send(logs(Array.from({ length: 5_001 }, () => log(source))))).toEqual(OK)
  const before = bulks(standIn).length
  expect(before).toBeGreaterThan(2)
  expect(new Set(stored(standIn)).size).toBe(5_001)
  const long = 'x'.repeat(1_000_000)
  expect(await opened.send(logs(Array.from({ length: 9 }, () => log(source, { body: long }))))).toEqual(OK)
  expect(
    bulks(standIn)
      .slice(before)
      .map(({ items }) => items),
  ).toEqual([4, 4, 1])
})

test('what leaves the machine is compressed', async () => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  const opened = open(standIn.url, { connection: { url: standIn.url, ca: undefined, credentials: undefined, gzip: true } })
  await opened.start()
  expect(await opened.send(logs([log(source, { body: 'x'.repeat(100_000) })]))).toEqual(OK)
  expect(stored(standIn)).toHaveLength(1)
  expect(bulks(standIn)[0]?.bytes).toBeLessThan(10_000)
})

test('compressed in many pieces, refused in part and put off in part, each record is where it belongs', async () => {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  const opened = open(standIn.url, { connection: { url: standIn.url, ca: undefined, credentials: undefined, gzip: true } })
  await opened.start()
  const bodies = Array.from({ length: 600 }, (_, index) => `${index} é🎙 ${'x'.repeat(200)}`)
  const records = bodies.map((body) => log(source, { body }))
  const numberOf = (message: unknown) => Number.parseInt(String(message), 10)
  const busy = new Set(bodies.map(numberOf).filter((number) => number % 50 === 3))
  standIn.itemFault = ({ message }, index) => {
    if (index.endsWith('dead-letters')) return undefined
    if (numberOf(message) % 50 === 7) return DAY_OLD
    return busy.delete(numberOf(message)) ? BUSY : undefined
  }
  expect(await opened.send(logs(records))).toMatchObject({ kind: 'ok', rejected: { count: 12 } })
  const messages = [...standIn.indexes.get(TODAY)!.values()].map((document) => Object(document).message)
  expect(messages.toSorted()).toEqual(bodies.filter((body) => numberOf(body) % 50 !== 7).toSorted())
  const poison = records.filter((_, index) => index % 50 === 7).map(({ uid }) => uid)
  expect(deadLetters(standIn).map(([id]) => id)).toEqual(poison)
})

test('a time outside of the days that are kept makes no index', async () => {
  const { standIn, opened } = await openStandIn({ retentionDays: 2 })
  const day = 86_400_000_000
  const times = [1, NOW_US - 40 * day, NOW_US - 3 * day, NOW_US + 4 * day, 9_000_000_000_000_001]
  const batch = logs([
    ...times.map((timeUs) => log(source, { timeUs })),
    log(source, { timeUs: 0, observedUs: 0 }),
    log(source, { timeUs: NOW_US - 2 * day }),
  ])
  for (let sent = 0; sent < 2; sent++) expect(await opened.send(batch)).toMatchObject({ kind: 'ok', rejected: { count: 6 } })
  expect(standIn.indexes.size).toBe(2)
  expect(deadLetters(standIn).map(([, { reason }]) => reason)).toContainEqual(expect.stringContaining('RETENTION_DAYS=2'))
})

test('spans and metric points are rejected, and say where they belong', async () => {
  const { standIn, opened } = await openStandIn()
  expect(await opened.send(traces([span(source)]))).toMatchObject({
    kind: 'drop',
    error: { message: expect.stringContaining('/v1/traces') },
  })
  expect(await opened.send(metrics([point(source)]))).toMatchObject({ kind: 'drop' })
  expect(bulks(standIn)).toEqual([])
})

test('a server that hangs is left when the time is over', async () => {
  const { standIn, opened } = await openStandIn()
  standIn.requestFault = (line) => (line.startsWith('POST /_bulk') ? 'hang' : undefined)
  const signal = AbortSignal.timeout(100)
  expect(await opened.send(logs([log(source)]), signal)).toMatchObject({
    kind: 'retry',
    error: { message: expect.stringMatching(/did not answer.*timeout/) },
  })
})
