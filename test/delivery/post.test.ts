import { channel } from 'node:diagnostics_channel'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { isTracingSuppressed } from '@opentelemetry/core'
import { afterEach, expect, test } from 'vitest'
import { createPost, type PostOptions } from '../../src/delivery/post.ts'
import { createEncoder } from '../../src/wire/encode.ts'
import type { Outcome } from '../../src/wire/outcome.ts'
import { makeCertificate } from './support/certificate.ts'
import { type Collector, type CollectorOptions, startCollector } from './support/collector.ts'
import { makeSpans, names } from './support/items.ts'

const running: Collector[] = []
afterEach(() => Promise.all(running.splice(0).map((collector) => collector.stop())))

async function collectorThat(options: CollectorOptions = {}): Promise<Collector> {
  const collector = await startCollector(options)
  running.push(collector)
  return collector
}

const chunk = createEncoder('traces', 'protobuf').encode(makeSpans(50))

function post(url: string, options: Partial<PostOptions> = {}, signal = new AbortController().signal): Promise<Outcome> {
  return createPost({ url, headers: {}, compression: 'none', timeoutMs: 2_000, ...options })(chunk, signal)
}

const PROTOBUF_OK = { status: 200, headers: { 'content-type': 'application/x-protobuf' } }

const messageOf = (outcome: Outcome) => (outcome.kind === 'ok' ? '' : outcome.error.message)

test.each(['gzip', 'zstd', 'none'] as const)('OTEL_EXPORTER_OTLP_COMPRESSION=%s arrives as such and reads back', async (compression) => {
  const collector = await collectorThat()
  expect(await post(`${collector.url}/v1/traces`, { compression })).toEqual({ kind: 'ok' })
  const [request] = collector.received
  expect(request?.headers['content-encoding']).toBe(compression === 'none' ? undefined : compression)
  expect(request?.headers['content-type']).toBe('application/x-protobuf')
  expect(request?.names).toEqual(names(50))
  expect(Buffer.compare(request?.body ?? Buffer.alloc(0), chunk.bytes)).toBe(0)
})

test('a small body is not compressed', async () => {
  const collector = await collectorThat()
  const send = createPost({ url: collector.url, headers: {}, compression: 'gzip', timeoutMs: 2_000 })
  await send(createEncoder('traces', 'protobuf').encode(makeSpans(1)), new AbortController().signal)
  expect(collector.received[0]?.headers['content-encoding']).toBeUndefined()
})

test('OTEL_EXPORTER_OTLP_HEADERS are sent; the content type stays ours', async () => {
  const collector = await collectorThat()
  await post(`${collector.url}/v1/traces`, { headers: { Authorization: 'Bearer abcdef', 'Content-Type': 'text/plain' } })
  expect(collector.received[0]?.headers).toMatchObject({
    authorization: 'Bearer abcdef',
    'content-type': 'application/x-protobuf',
    'user-agent': 'tts-otel',
  })
})

test('user and password in the address become basic authentication and are never shown', async () => {
  const collector = await collectorThat({ answer: () => ({ status: 401 }) })
  const address = `${collector.url.replace('://', '://me:s3cret%21@')}/v1/traces?key=topsecret`
  const message = messageOf(await post(address))
  const [request] = collector.received
  expect(request?.headers.authorization).toBe(`Basic ${Buffer.from('me:s3cret!').toString('base64')}`)
  expect(request?.path).toBe('/v1/traces?key=topsecret')
  expect(message).toBe(`${collector.url}/v1/traces answered 401; set the right token in OTEL_EXPORTER_OTLP_HEADERS`)
})

test('a secret that the collector repeats is taken out of the message', async () => {
  const body = JSON.stringify({ code: 16, message: 'token abc-123 of Bearer abc-123 has expired\n' })
  const collector = await collectorThat({ answer: () => ({ status: 403, headers: { 'content-type': 'application/json' }, body }) })
  const message = messageOf(await post(collector.url, { headers: { authorization: 'Bearer abc-123' } }))
  expect(message).toContain('has expired')
  expect(message).not.toContain('abc-123')
})

test("a protobuf status is quoted with the collector's words", async () => {
  const words = 'span 3 has no trace id'
  const body = Buffer.concat([Buffer.from([0x08, 3, 0x12, words.length]), Buffer.from(words)])
  const collector = await collectorThat({ answer: () => ({ status: 400, headers: { 'content-type': 'application/x-protobuf' }, body }) })
  const outcome = await post(`${collector.url}/v1/traces`)
  expect(outcome).toMatchObject({ kind: 'drop', reason: 'poison' })
  expect(messageOf(outcome)).toBe(`${collector.url}/v1/traces answered 400 (${words})`)
})

test.each([
  ['7', 7_000],
  [new Date(Date.now() + 60_000).toUTCString(), 60_000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['99999999999', 3_600_000],
])('Retry-After: %s is a wait of %i ms', async (value, expectedMs) => {
  const collector = await collectorThat({ answer: () => ({ status: 429, headers: { 'retry-after': value } }) })
  const outcome = await post(collector.url)
  expect(outcome.kind === 'retry' && outcome.afterMs).toBeGreaterThan(expectedMs - 2_000)
  expect(outcome.kind === 'retry' && outcome.afterMs).toBeLessThanOrEqual(expectedMs)
})

test('a Retry-After that is neither seconds nor a date changes nothing', async () => {
  const collector = await collectorThat({ answer: () => ({ status: 503, headers: { 'retry-after': 'soon' } }) })
  expect(await post(collector.url)).not.toHaveProperty('afterMs')
})

test('partial_success in protobuf is read, and a warning without a rejection passes', async () => {
  const text = 'late spans'
  const partial = (rejected: number) =>
    Buffer.concat([Buffer.from([0x0a, text.length + 4, 0x08, rejected, 0x12, text.length]), Buffer.from(text)])
  const collector = await collectorThat({ answer: (_, count) => ({ ...PROTOBUF_OK, body: partial(count === 1 ? 2 : 0) }) })
  expect(await post(collector.url)).toEqual({ kind: 'ok', rejected: { count: 2, message: text } })
  expect(await post(collector.url)).toEqual({ kind: 'ok', rejected: { count: 0, message: text } })
})

test('an answer of 5 MB is read to 64 KiB only, and its connection given up', async () => {
  const body = Buffer.alloc(5_000_000, 'x')
  const collector = await collectorThat({ answer: () => ({ status: 200, headers: { 'content-type': 'application/json' }, body }) })
  const before = process.memoryUsage().arrayBuffers
  const send = createPost({ url: collector.url, headers: {}, compression: 'none', timeoutMs: 2_000 })
  expect(await send(chunk, new AbortController().signal)).toEqual({ kind: 'ok' })
  expect(await send(chunk, new AbortController().signal)).toEqual({ kind: 'ok' })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(15_000_000)
  expect(collector.connections()).toBe(2)
})

test('a web page with 200 is no acceptance', async () => {
  const collector = await collectorThat({
    answer: () => ({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<html>' }),
  })
  expect(await post(collector.url)).toMatchObject({ kind: 'drop', reason: 'refused' })
})

test('a kept connection that breaks just as it is used again is replaced without a retry', async () => {
  const collector = await collectorThat({ answer: (_, count) => (count === 2 ? 'reset' : PROTOBUF_OK) })
  const send = createPost({ url: collector.url, headers: {}, compression: 'none', timeoutMs: 2_000 })
  expect(await send(chunk, new AbortController().signal)).toEqual({ kind: 'ok' })
  expect(await send(chunk, new AbortController().signal)).toEqual({ kind: 'ok' })
  expect(collector.connections()).toBe(2)
  expect(collector.received).toHaveLength(3)
})

test('a collector that hangs is given up after the timeout, by name', async () => {
  const collector = await collectorThat({ answer: () => 'hang' })
  const startMs = performance.now()
  const outcome = await post(`${collector.url}/v1/traces`, { timeoutMs: 100 })
  expect(outcome.kind).toBe('retry')
  expect(messageOf(outcome)).toBe(`${collector.url}/v1/traces: no answer within 100 ms`)
  expect(performance.now() - startMs).toBeLessThan(1_000)
})

test('a header that cannot be sent is a refusal that names the header and not its value', async () => {
  const collector = await collectorThat()
  const outcome = await post(collector.url, { headers: { 'x-token': 'se\ncret' } })
  expect(outcome).toMatchObject({ kind: 'drop', reason: 'refused' })
  expect(messageOf(outcome)).toContain('x-token')
  expect(messageOf(outcome)).not.toContain('cret')
})

test('what watches node:http sees our request with tracing suppressed', async () => {
  const manager = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(manager)
  const suppressed: boolean[] = []
  const listener = () => void suppressed.push(isTracingSuppressed(context.active()))
  channel('http.client.request.start').subscribe(listener)
  try {
    const collector = await collectorThat()
    await post(collector.url)
  } finally {
    channel('http.client.request.start').unsubscribe(listener)
    context.disable()
  }
  expect(suppressed).toEqual([true])
})

test('TLS: the certificate given is trusted, an unknown one is not, and the message says what to set', async () => {
  const certificate = makeCertificate('127.0.0.1')
  const collector = await collectorThat({ tls: certificate })
  expect(await post(`${collector.url}/v1/traces`, { tls: { ca: certificate.cert } })).toEqual({ kind: 'ok' })
  expect(collector.received[0]?.names).toEqual(names(50))

  const outcome = await post(`${collector.url}/v1/traces`)
  expect(outcome.kind).toBe('retry')
  expect(messageOf(outcome)).toContain('OTEL_EXPORTER_OTLP_CERTIFICATE')
})

test('DNS: a name that nobody knows is tried again, and the message says where it comes from', async () => {
  const outcome = await post('http://collector.invalid:4318/v1/traces', { timeoutMs: 20_000 })
  expect(outcome.kind).toBe('retry')
  expect(messageOf(outcome)).toContain('OTEL_EXPORTER_OTLP_ENDPOINT')
})

test('TLS: the client shows its certificate to a collector that asks for one', async () => {
  const server = makeCertificate('127.0.0.1')
  const client = makeCertificate('client')
  const collector = await collectorThat({ tls: { ...server, ca: client.cert, requestCert: true, rejectUnauthorized: true } })
  expect(await post(collector.url, { tls: { ca: server.cert, cert: client.cert, key: client.key } })).toEqual({ kind: 'ok' })

  const without = await post(collector.url, { tls: { ca: server.cert } })
  expect(without.kind).toBe('retry')
  expect(messageOf(without)).toMatch(
    /: tlsv13 alert certificate required; the collector wants a client certificate: set OTEL_EXPORTER_OTLP_CLIENT_/,
  )

  const ofAnother = await post(collector.url, { tls: { ca: server.cert, cert: client.cert, key: server.key } })
  expect(ofAnother.kind).toBe('retry')
  expect(messageOf(ofAnother)).toMatch(
    /: key values mismatch; see that OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and .*_KEY name a certificate and its key/,
  )
})

test('TLS: a collector that answers without it', async () => {
  const collector = await collectorThat({})
  const outcome = await post(collector.url.replace('http:', 'https:'))
  expect(outcome.kind).toBe('retry')
  expect(messageOf(outcome)).toMatch(/: wrong version number; it answers without TLS: write http:\/\//)
})
