import { gzipSync, zstdCompressSync } from 'node:zlib'
import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { expect, test } from 'vitest'
import { createReceiver } from '../../../collector/src/receive/http.ts'
import { createStats } from '../../../collector/src/stats.ts'
import { createTokens } from '../../../collector/src/token.ts'
import { openCursor, readBytes, readTag, readUint32, skip } from '../../../src/wire/protobuf.ts'
import { SIGNALS } from '../../../src/wire/signal.ts'
import { seededRandom } from '../../support/random.ts'
import { openSocket, post, startReceiver } from './receiver.ts'
import { randomTelemetry, serialize } from './telemetry.ts'

const telemetry = randomTelemetry(seededRandom(1), 12)
const logs = serialize('logs', 'protobuf', telemetry)
const jsonLogs = serialize('logs', 'json', telemetry)
const JSON_TYPE = { 'content-type': 'application/json' }

test.each(SIGNALS)('%s in protobuf and JSON, plain, gzip and zstd, all arrive', async (signal) => {
  const { url, batches, stats } = await startReceiver()
  for (const encoding of ['protobuf', 'json'] as const) {
    const bytes = serialize(signal, encoding, telemetry)
    const type = encoding === 'json' ? JSON_TYPE : undefined
    for (const [body, headers] of [
      [bytes, {}],
      [gzipSync(bytes), { 'content-encoding': 'gzip' }],
      [zstdCompressSync(bytes), { 'content-encoding': 'zstd' }],
    ] as const) {
      const response = await post(`${url}/v1/${signal}`, body, { ...type, ...headers })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe(encoding === 'json' ? 'application/json' : 'application/x-protobuf')
      expect(await response.text()).toBe(encoding === 'json' ? '{}' : '')
    }
  }
  expect(batches.length).toBe(6)
  expect(new Set(batches.map((batch) => `${batch.signal} ${batch.records.length}`)).size).toBe(1)
  const { received, stored } = stats.snapshot()[signal]
  expect([received, stored]).toEqual([batches[0]!.records.length * 6, batches[0]!.records.length * 6])
})

test('a request that holds nothing is answered without bothering the sink', async () => {
  const { url, batches } = await startReceiver({ kind: 'retry', error: new Error('down') })
  expect((await post(`${url}/v1/logs`, '')).status).toBe(200)
  expect((await post(`${url}/v1/logs`, '{}', JSON_TYPE)).status).toBe(200)
  expect(batches).toEqual([])
})

test('records that can never be stored are reported as partial success, as the official exporter reads it', async () => {
  const { url, stats } = await startReceiver({ kind: 'ok', rejected: { count: 2, message: 'postgres: no such day: größer' } })
  const response = await post(`${url}/v1/logs`, logs)
  expect(response.status).toBe(200)
  expect(ProtobufLogsSerializer.deserializeResponse(new Uint8Array(await response.arrayBuffer()))).toEqual({
    partialSuccess: { rejectedLogRecords: 2, errorMessage: 'postgres: no such day: größer' },
  })
  expect(await (await post(`${url}/v1/logs`, jsonLogs, JSON_TYPE)).json()).toEqual({
    partialSuccess: { rejectedLogRecords: '2', errorMessage: 'postgres: no such day: größer' },
  })
  expect(stats.snapshot().logs).toMatchObject({ received: 24, stored: 20, rejected: 4 })
})

test('a batch that is dropped as a whole is partial success with all of it rejected', async () => {
  const { url, stats } = await startReceiver({ kind: 'drop', reason: 'poison', error: new Error('not storable') })
  const response = await post(`${url}/v1/traces`, serialize('traces', 'protobuf', telemetry))
  expect(response.status).toBe(200)
  const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(new Uint8Array(await response.arrayBuffer()))
  expect(partialSuccess).toEqual({ rejectedSpans: 12, errorMessage: 'not storable' })
  expect(stats.snapshot().traces).toMatchObject({ received: 12, stored: 0, rejected: 12 })
})

test.each([
  [7_200, '8'],
  [1, '1'],
  [undefined, '5'],
])('a sink that wants to be asked again in %s ms: 503 with Retry-After %s', async (afterMs, seconds) => {
  const { url, stats } = await startReceiver({ kind: 'retry', error: new Error('database down'), ...(afterMs && { afterMs }) })
  const response = await post(`${url}/v1/logs`, logs)
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, seconds])
  expect(response.headers.get('content-type')).toBe('application/x-protobuf')
  expect(readStatus(await response.bytes())).toEqual({ code: 14, message: 'database down' })
  expect(stats.snapshot().logs).toMatchObject({ received: 12, stored: 0, refused: { sink_unavailable: 1 } })
})

test('a sink with a bug gives 503, never 500, and the fault is told', async () => {
  const { url, faults } = await startReceiver(() => Promise.reject(new TypeError('undefined is not a function')))
  const response = await post(`${url}/v1/logs`, jsonLogs, JSON_TYPE)
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('5')
  expect(await response.json()).toEqual({ code: 14, message: 'An unexpected fault of the collector; see its log.' })
  expect(faults.map(String)).toEqual(['TypeError: undefined is not a function'])
})

test.each([
  ['truncated protobuf', () => logs.subarray(0, logs.length - 3), {}, /no OTLP logs request in protobuf: .* at byte \d+/],
  ['broken JSON', () => '{"resourceLogs": [', JSON_TYPE, /no OTLP logs request in JSON: /],
  ['JSON of the wrong shape', () => '{"resourceLogs": 7}', JSON_TYPE, /resourceLogs must be an array, not 7/],
  ['JSON sent as protobuf', () => jsonLogs, {}, /no OTLP logs request in protobuf/],
  ['a damaged gzip', () => gzipSync(logs).fill(7, 12, 40), { 'content-encoding': 'gzip' }, /cannot be decompressed .* \(gzip\)/],
  ['a cut zstd', () => zstdCompressSync(logs).subarray(0, 60), { 'content-encoding': 'zstd' }, /cannot be decompressed .* \(zstd\)/],
  ['plain bytes called gzip', () => logs, { 'content-encoding': 'gzip' }, /cannot be decompressed .* \(gzip\)/],
])('%s: 400 with what is wrong', async (_name, body, headers, message) => {
  const { url, stats, batches } = await startReceiver()
  const response = await post(`${url}/v1/logs`, body(), headers)
  expect(response.status).toBe(400)
  const status = 'content-type' in headers ? await response.json() : readStatus(await response.bytes())
  expect(status).toEqual({ code: 3, message: expect.stringMatching(message) })
  expect(batches).toEqual([])
  expect(stats.snapshot().logs.refused.undecodable).toBe(1)
})

test('tokens: none, a wrong one, an old and a new right one', async () => {
  const { url, stats } = await startReceiver({ kind: 'ok' }, { checkSender: createTokens(['old-token', 'new-token']).check })
  const send = async (authorization?: string) => {
    const response = await post(`${url}/v1/logs`, jsonLogs, { ...JSON_TYPE, ...(authorization && { authorization }) })
    return [response.status, response.headers.get('www-authenticate')]
  }
  expect(await send()).toEqual([401, 'Bearer'])
  expect(await send('Bearer old-token2')).toEqual([401, 'Bearer'])
  expect(await send('Basic old-token')).toEqual([401, 'Bearer'])
  expect(await send('Bearer old-token')).toEqual([200, null])
  expect(await send('bearer new-token')).toEqual([200, null])
  expect(stats.snapshot().logs.refused.unauthorized).toBe(3)
})

test('wrong method, wrong path, wrong content type, wrong content encoding', async () => {
  const { url, stats } = await startReceiver()
  const get = await fetch(`${url}/v1/logs`)
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
  const nowhere = await post(`${url}/v1/profiles`, logs)
  expect([nowhere.status, await nowhere.json()]).toEqual([404, { code: 5, message: expect.stringContaining('POST /v1/traces') }])
  const text = await post(`${url}/v1/logs`, logs, { 'content-type': 'text/plain' })
  expect([text.status, await text.json()]).toEqual([415, { code: 3, message: expect.stringContaining('"text/plain"') }])
  const brotli = await post(`${url}/v1/logs`, logs, { 'content-encoding': 'br' })
  expect([brotli.status, readStatus(await brotli.bytes()).message]).toEqual([415, expect.stringContaining('"br"')])
  expect((await post(`${url}/v1/logs`, jsonLogs, { 'content-type': 'Application/JSON; charset=utf-8' })).status).toBe(200)
  expect(stats.snapshot().logs.refused).toMatchObject({ bad_method: 1, unsupported_type: 2 })
})

test('a sink with its own path gets only what is sent there', async () => {
  const seen: string[] = []
  const sink = (name: string) => async () => {
    seen.push(name)
    return { kind: 'ok' } as const
  }
  const { url } = await startReceiver({ kind: 'ok' }, { routes: { all: sink('all'), postgres: sink('postgres'), alerts: sink('alerts') } })
  await post(`${url}/postgres/v1/traces`, serialize('traces', 'protobuf', telemetry))
  await post(`${url}/alerts/v1/logs?x=1`, logs)
  await post(`${url}/v1/logs`, logs)
  expect((await post(`${url}/elasticsearch/v1/logs`, logs)).status).toBe(404)
  expect(seen).toEqual(['postgres', 'alerts', 'all'])
})

test('other paths are given to the reading side', async () => {
  const { url } = await startReceiver(
    { kind: 'ok' },
    {
      api: (request, response) => {
        if (request.url !== '/readyz') return false
        response.end('ready')
        return true
      },
    },
  )
  expect(await (await fetch(`${url}/readyz`)).text()).toBe('ready')
  expect((await fetch(`${url}/nothing`)).status).toBe(404)
})

test.each([
  ['127.0.0.1:4318', undefined, 200],
  ['localhost', undefined, 200],
  ['[::1]:4318', undefined, 200],
  ['app.localhost.:4318', undefined, 200],
  ['evil.example', undefined, 403],
  ['localhost.evil.example', undefined, 403],
  ['127.0.0.1.evil.example', undefined, 403],
  ['a b', undefined, 403],
  ['127.0.0.1:4318', 'http://127.0.0.1:4318', 200],
  ['127.0.0.1:4318', 'https://evil.example', 403],
  ['127.0.0.1:4318', 'http://127.0.0.1:3000', 403],
  ['127.0.0.1:4318', 'null', 403],
])('Host %s, Origin %s: %i', async (host, origin, status) => {
  const { port, stats } = await startReceiver()
  const { socket, text, closed } = await openSocket(port)
  socket.write(`POST /v1/logs HTTP/1.1\r\nHost: ${host}\r\n${origin ? `Origin: ${origin}\r\n` : ''}Content-Type: application/json\r\n`)
  socket.write('Content-Length: 2\r\nConnection: close\r\n\r\n{}')
  await closed
  expect(text()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  if (status === 403) expect(text()).toMatch(/not a name of this collector|other origins/)
  expect(stats.snapshot().logs.refused.forbidden).toBe(status === 403 ? 1 : 0)
})

test('requests written one behind the other on one connection are answered in order', async () => {
  const { port, batches } = await startReceiver(async ({ records }) => {
    await new Promise((resolve) => setTimeout(resolve, records.length === 1 ? 80 : 0)) // the first takes longest
    return { kind: 'ok', rejected: { count: records.length, message: 'counted' } }
  })
  const { socket, text, closed } = await openSocket(port)
  const request = (records: number, connection: string) => {
    const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: Array(records).fill({}) }] }] })
    const head = `POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: ${connection}`
    return `${head}\r\n\r\n${body}`
  }
  socket.write(request(1, 'keep-alive') + request(2, 'keep-alive') + request(3, 'close'))
  await closed
  expect([...text().matchAll(/"rejectedLogRecords":"(\d)"/g)].map(([, count]) => count)).toEqual(['1', '2', '3'])
  expect(batches.length).toBe(3)
})

test('bytes that are no HTTP get one clear answer', async () => {
  const { port } = await startReceiver()
  const { socket, text, closed } = await openSocket(port)
  socket.write('\x16\x03\x01 this is TLS, or gRPC\r\n\r\n')
  await closed
  expect(text()).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*This is not HTTP\/1.1/s)
})

test('mutated and random bodies get 200, 400 or 413, and the collector lives on', async () => {
  const { url, faults } = await startReceiver()
  const random = seededRandom(3)
  const byte = () => Math.floor(random() * 256)
  const encodings = [{}, { 'content-encoding': 'gzip' }, { 'content-encoding': 'zstd' }]
  const seen = new Map<number, number>()
  for (let round = 0; round < 600; round++) {
    const [type, bytes] = round % 2 ? [undefined, logs] : [JSON_TYPE, jsonLogs]
    const encoding = encodings[round % 3]!
    const packed = round % 3 === 0 ? Buffer.from(bytes) : round % 3 === 1 ? gzipSync(bytes) : zstdCompressSync(bytes)
    const body = random() < 0.2 ? Buffer.from(Array.from({ length: 50 }, byte)) : packed
    for (let i = 0; i < 3; i++) body[Math.floor(random() * body.length)] = byte()
    const { status } = await post(`${url}/v1/logs`, body, { ...type, ...encoding })
    seen.set(status, (seen.get(status) ?? 0) + 1)
  }
  expect([...seen.keys()].filter((status) => ![200, 400, 413].includes(status))).toEqual([])
  expect(seen.get(400)).toBeGreaterThan(100)
  expect(faults).toEqual([])
  expect((await post(`${url}/v1/logs`, logs)).status).toBe(200)
})

test('a busy port is named, with what to do', async () => {
  const { port } = await startReceiver()
  const second = createReceiver({ routes: {}, stats: createStats() })
  await expect(second.listen('127.0.0.1', port)).rejects.toThrow(
    `The collector cannot listen on 127.0.0.1:${port}: port ${port} is taken by another process. Stop that one (perhaps another collector), or choose another port, for example COLLECTOR_LISTEN=127.0.0.1:${port + 1}.`,
  )
})

/** Reads a google.rpc.Status. */
function readStatus(bytes: Uint8Array): { code: number; message: string } {
  const cursor = openCursor(bytes)
  const status = { code: 0, message: '' }
  while (cursor.pos < cursor.end) {
    const tag = readTag(cursor)
    if (tag === 0x08) status.code = readUint32(cursor)
    else if (tag === 0x12) status.message = cursor.bytes.toString('utf8', readBytes(cursor), cursor.pos)
    else skip(cursor, tag)
  }
  return status
}
