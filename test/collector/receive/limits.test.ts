import { once } from 'node:events'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Outcome } from '../../../src/wire/outcome.ts'
import { seededRandom } from '../../support/random.ts'
import { openSocket, post, startReceiver } from './receiver.ts'
import { randomTelemetry, serialize } from './telemetry.ts'

const logs = serialize('logs', 'protobuf', randomTelemetry(seededRandom(1), 12))
const MIB = 2 ** 20

test('a body of 21 MiB is refused with 413, declared or chunked, and the connection can be used again', async () => {
  const { url, stats } = await startReceiver()
  const large = new Uint8Array(21 * MIB)
  expect((await post(`${url}/v1/logs`, large)).status).toBe(413)
  const chunked = await fetch(`${url}/v1/logs`, {
    method: 'POST',
    body: new Blob([large]).stream(),
    headers: { 'content-type': 'application/json' },
    duplex: 'half',
  })
  expect([chunked.status, await chunked.json()]).toEqual([413, { code: 3, message: expect.stringContaining('larger than 20971520 bytes') }])
  expect((await post(`${url}/v1/logs`, logs)).status).toBe(200)
  expect(stats.snapshot().logs).toMatchObject({ received: 12, refused: { too_large: 2 } })
})

test.each([
  ['gzip', (zeros: Uint8Array) => gzipSync(zeros)],
  ['zstd', (zeros: Uint8Array) => zstdCompressSync(zeros)],
])('a %s bomb of 200 MiB is refused with 413 and never unfolds', async (encoding, compress) => {
  const { url } = await startReceiver()
  const bomb = compress(new Uint8Array(200 * MIB))
  expect(bomb.length).toBeLessThan(MIB)
  const before = process.memoryUsage().rss
  const responses = await Promise.all(Array.from({ length: 8 }, () => post(`${url}/v1/logs`, bomb, { 'content-encoding': encoding })))
  expect(responses.every(({ status }) => status === 413 || status === 429)).toBe(true)
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * MIB) // 8 × 200 MiB otherwise
})

test('a zstd frame that claims a window of 128 MiB is refused', async () => {
  const { url } = await startReceiver()
  const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 }
  const body = zstdCompressSync(logs, { params })
  const header = Buffer.from(body)
  header[5] = 17 << 3 // window descriptor: 2^(10 + 17) bytes
  const response = await post(`${url}/v1/logs`, header, { 'content-encoding': 'zstd' })
  expect(response.status).toBe(400)
})

test('more bytes in hand than allowed: 429 with Retry-After, and room again after the answer', async () => {
  const release = Promise.withResolvers<Outcome>()
  const { url, stats, batches } = await startReceiver(() => release.promise, {
    limits: { inFlightBytesMax: 2 * 8_192 + Math.ceil(logs.length * 1.5) },
  })
  const first = post(`${url}/v1/logs`, logs)
  while (batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const second = await post(`${url}/v1/logs`, logs)
  expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1'])
  release.resolve({ kind: 'ok' })
  expect((await first).status).toBe(200)
  expect((await post(`${url}/v1/logs`, logs)).status).toBe(200)
  expect(stats.snapshot().logs.refused.overloaded).toBe(1)
})

test('a body that trickles in is answered with 503 when its time is up', async () => {
  const { port, stats } = await startReceiver({ kind: 'ok' }, { limits: { bodyMs: 200 } })
  const { socket, text } = await openSocket(port)
  socket.write('POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{')
  await once(socket, 'data')
  expect(text()).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1\r\n.*did not arrive within 0.2 s/s)
  expect(stats.snapshot().logs.refused.too_slow).toBe(1)
})

test('headers that trickle in are cut off', async () => {
  const { port } = await startReceiver({ kind: 'ok' }, { limits: { headersMs: 200 } })
  const { socket, text, closed } = await openSocket(port)
  socket.write('POST /v1/logs HTTP/1.1\r\nHost: loc')
  await closed
  expect(text()).toMatch(/^HTTP\/1.1 408 /)
})

test('headers larger than 16 KiB: 431', async () => {
  const { port } = await startReceiver()
  const { socket, text, closed } = await openSocket(port)
  socket.write(`POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
  await closed
  expect(text()).toMatch(/^HTTP\/1.1 431 .*larger than 16384 bytes/s)
})

test('a sender that goes on for ever after a refusal is cut off', async () => {
  const { port } = await startReceiver({ kind: 'ok' }, { limits: { bodyBytesMax: 1_000, drainBytesMax: 100_000 } })
  const { socket, text, closed } = await openSocket(port)
  socket.write('POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n')
  const chunk = `2710\r\n${'x'.repeat(10_000)}\r\n`
  const writing = setInterval(() => socket.write(chunk), 2)
  await closed
  clearInterval(writing)
  expect(text()).toMatch(/^HTTP\/1.1 413 /)
})

test('a connection that ends within a body is counted, and nothing is stored', async () => {
  const { port, stats, batches } = await startReceiver()
  const { socket } = await openSocket(port)
  socket.write(
    'POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"resourceLogs":[',
  )
  setTimeout(() => socket.destroy(), 50)
  while (stats.snapshot().logs.refused.aborted === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(batches).toEqual([])
})

test('a connection too many is closed, the others work on', async () => {
  const { port } = await startReceiver({ kind: 'ok' }, { limits: { connectionsMax: 1 } })
  const first = await openSocket(port)
  const second = await openSocket(port)
  await second.closed
  first.socket.write('POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}')
  await once(first.socket, 'data')
  expect(first.text()).toMatch(/^HTTP\/1.1 200 /)
})

test('stop waits for what is in hand, answers it, and takes no more', async () => {
  const release = Promise.withResolvers<Outcome>()
  const { url, stop, batches } = await startReceiver(() => release.promise)
  const inHand = post(`${url}/v1/logs`, logs)
  while (batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const stopped = stop(5_000)
  await expect(post(`${url}/v1/logs`, logs)).rejects.toThrow()
  release.resolve({ kind: 'ok' })
  expect((await inHand).status).toBe(200)
  expect(await stopped).toBe(true)
})

test('a request that was still coming when the stop began hears 503', async () => {
  const release = Promise.withResolvers<Outcome>()
  const { url, port, stop, stats, batches } = await startReceiver(() => release.promise)
  const inHand = post(`${url}/v1/logs`, logs)
  const { socket, text, closed } = await openSocket(port)
  socket.write('POST /v1/logs HTTP/1.1\r\nHost: localhost\r\n')
  while (batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const stopped = stop(5_000)
  socket.write('Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}')
  await closed
  expect(text()).toMatch(/^HTTP\/1.1 503 .*Connection: close.*The collector is stopping/s)
  expect(stats.snapshot().logs.refused.stopping).toBe(1)
  release.resolve({ kind: 'ok' })
  expect([(await inHand).status, await stopped]).toEqual([200, true])
})

test('a silent connection does not hold up the stop', async () => {
  const { port, stop } = await startReceiver()
  const { closed } = await openSocket(port)
  expect(await stop(5_000)).toBe(true)
  await closed
})

test('a sink that never ends is aborted when the time to stop is over', async () => {
  let aborted = false
  const { url, stop, batches } = await startReceiver((_batch, signal) => {
    signal.addEventListener('abort', () => {
      aborted = true
    })
    return new Promise(() => {})
  })
  const lost = post(`${url}/v1/logs`, logs).catch(() => 'cut')
  while (batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const start = performance.now()
  expect(await stop(200)).toBe(false)
  expect(performance.now() - start).toBeLessThan(2_000)
  expect([await lost, aborted]).toEqual(['cut', true])
})
