/** Senders that are slow, greedy or broken, over raw sockets: each is refused and counted by reason, and the others are served. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { serve } from '../../../collector/src/api/serve.ts'
import { groupOf } from '../../../collector/src/receive/connections.ts'
import { createRefusalStats, type RefusalStats } from '../../../collector/src/refusal-stats.ts'
import type { Outcome } from '../../../src/wire/outcome.ts'
import { seededRandom } from '../../support/random.ts'
import { openSocket, post, startReceiver } from './receiver.ts'
import { randomTelemetry, serialize } from './telemetry.ts'

const logs = serialize('logs', 'protobuf', randomTelemetry(seededRandom(1), 12))
const MIB = 2 ** 20
const HEAD = 'POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const WHOLE = `${HEAD}Content-Length: 2\r\n\r\n{}`

/** Connections that were refused, by reason; those without any are left out. */
function refused(refusals: RefusalStats): Record<string, number> {
  const found = refusals.prometheus().matchAll(/connections_refused_total\{reason="(\w+)"\} ([1-9]\d*)/g)
  return Object.fromEntries([...found].map(([, reason, count]) => [reason, Number(count)]))
}

test('who connects and says nothing is cut off when the headers are due', async () => {
  const { port, refusals } = await startReceiver({ kind: 'ok' }, { limits: { headersMs: 200 } })
  const silent = await Promise.all(Array.from({ length: 5 }, () => openSocket(port)))
  await Promise.all(silent.map(({ closed }) => closed))
  expect(refused(refusals)).toEqual({ too_slow: 5 })
})

test('headers that trickle in byte by byte are cut off in time, however busy the line', async () => {
  const { port, refusals } = await startReceiver({ kind: 'ok' }, { limits: { headersMs: 500 } })
  const { socket, text, closed } = await openSocket(port)
  const head = `${HEAD}X-Long: ${'x'.repeat(10_000)}`
  let sent = 0
  const writing = setInterval(() => socket.write(head[sent++] ?? 'x'), 10)
  await closed
  clearInterval(writing)
  expect(text()).toMatch(/^HTTP\/1.1 408 /)
  expect(refused(refusals)).toEqual({ too_slow: 1 })
})

test.each([
  ['headers of 20 KB', `${HEAD}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ['no HTTP', 'hello\r\n\r\n', 400, 'bad_http'],
  ['a length and chunks at once', `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`, 400, 'bad_http'],
  ['two lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, 'bad_http'],
  ['no Host', 'POST /v1/logs HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 400, undefined],
])('%s: %i', async (_name, bytes, status, reason) => {
  const { port, refusals, batches } = await startReceiver()
  const { socket, text, closed } = await openSocket(port)
  socket.write(bytes)
  await closed
  expect(text()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(refused(refusals)).toEqual(reason === undefined ? {} : { [reason]: 1 })
  expect(batches).toEqual([])
})

test.each([
  ['no HTTP', 'hello\r\n\r\n', 'bad_http'],
  ['silence', '', 'too_slow'],
])('who sends %s and does not hang up is hung up on, and counted once', async (_name, bytes, reason) => {
  const { port, refusals } = await startReceiver({ kind: 'ok' }, { limits: { headersMs: 200 } })
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  const end = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {}).resume()
  socket.write(bytes)
  // A connection that the other side has cut takes nothing any more.
  const writing = setInterval(() => socket.write('x'), 500)
  await end
  clearInterval(writing)
  expect(refused(refusals)).toEqual({ [reason]: 1 })
})

test.each(['gzip', 'zstd'])('a %s body that trickles in gets 503 when its time is up', async (encoding) => {
  const { port, stats } = await startReceiver({ kind: 'ok' }, { limits: { bodyMs: 300 } })
  const { socket, text } = await openSocket(port)
  const body = encoding === 'gzip' ? gzipSync(logs) : zstdCompressSync(logs)
  socket.write(`${HEAD}Content-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n\r\n`)
  let sent = 0
  const writing = setInterval(() => socket.write(body.subarray(sent, ++sent)), 20)
  await once(socket, 'data')
  clearInterval(writing)
  expect(text()).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1\r\n/s)
  expect(stats.snapshot().logs.refused.too_slow).toBe(1)
})

test('more connections than allowed, over all and from one address: closed and counted, and room again after the others', async () => {
  for (const [limits, reason] of [
    [{ connectionsMax: 3 }, 'too_many'],
    [{ connectionsPerAddressMax: 3 }, 'too_many_of_address'],
  ] as const) {
    const { port, refusals } = await startReceiver({ kind: 'ok' }, { limits })
    const open = await Promise.all(Array.from({ length: 3 }, () => openSocket(port)))
    const more = await Promise.all(Array.from({ length: 4 }, () => openSocket(port)))
    await Promise.all(more.map(({ closed }) => closed))
    expect(refused(refusals)).toEqual({ [reason]: 4 })
    for (const { socket } of open) socket.destroy()
    await expect.poll(() => served(port), { timeout: 10_000 }).toBe(200)
  }
})

test('addresses are grouped by what one sender can choose', () => {
  expect(['10.0.0.1', '::ffff:10.0.0.1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', 'fe80::1%eth0', '::1'].map(groupOf)).toEqual([
    '10.0.0.1',
    '::ffff:10.0.0.1',
    '2001:db8:1:2',
    '2001:db8:1:2',
    'fe80:0:0:0',
    ':0:0:0',
  ])
})

test('a connection ends with the answer to its last allowed request', async () => {
  const { port } = await startReceiver({ kind: 'ok' }, { limits: { requestsPerConnectionMax: 3 } })
  const { socket, text, closed } = await openSocket(port)
  for (let request = 0; request < 3; request++) {
    socket.write(WHOLE)
    await expect.poll(() => text().match(/HTTP\/1.1 200/g)?.length, { timeout: 10_000 }).toBe(request + 1)
  }
  await closed
  expect(text().match(/Connection: close/g)?.length).toBe(1)
  expect(await served(port)).toBe(200)
})

test('small requests written one behind the other are bounded like large ones', async () => {
  const release = Promise.withResolvers<Outcome>()
  const { port, batches, stats } = await startReceiver(() => release.promise, { limits: { inFlightBytesMax: 100_000 } })
  const { socket, text } = await openSocket(port)
  const body = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}'
  socket.write(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`.repeat(100))
  await expect.poll(() => stats.snapshot().logs.refused.overloaded, { timeout: 10_000 }).toBeGreaterThan(80)
  expect(batches.length).toBeLessThan(15)
  release.resolve({ kind: 'ok' })
  await expect.poll(() => text().match(/HTTP\/1.1 (200|429)/g)?.length, { timeout: 10_000 }).toBe(100)
})

test('an answer that nobody takes is given up, and with it the connection', async () => {
  const large = Buffer.alloc(30 * MIB)
  const { port, refusals } = await startReceiver(
    { kind: 'ok' },
    {
      limits: { answerMs: 300 },
      api: (_request, response) => {
        response.end(large)
        return true
      },
    },
  )
  const { socket, closed } = await openSocket(port)
  socket.pause()
  socket.write('GET /api/logs HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(() => refused(refusals), { timeout: 10_000 }).toEqual({ answer_not_taken: 1 })
  socket.resume()
  await closed
})

test('too many questions at once: 429 and counted, and health is answered all the same', async () => {
  const refusals = createRefusalStats()
  const hold = Promise.withResolvers<void>()
  const api = serve(
    async ({ path }) => {
      if (path === '/api/logs') await hold.promise
      return { status: 200, contentType: 'text/plain', body: 'answered' }
    },
    { refusals, readsMax: 2 },
  )
  const { url } = await startReceiver({ kind: 'ok' }, { api })
  const asked = [fetch(`${url}/api/logs`), fetch(`${url}/api/logs`)]
  await expect
    .poll(async () => {
      const response = await fetch(`${url}/api/traces`)
      return [response.status, response.headers.get('retry-after')]
    })
    .toEqual([429, '1'])
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  hold.resolve()
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200])
  await expect.poll(async () => (await fetch(`${url}/api/traces`)).status).toBe(200)
  expect(refusals.prometheus()).toMatch(/reads_refused_total\{reason="overloaded"\} [1-9]/)
})

test('the body of a question: too long gets its answer and the connection lives on, too slow is cut off and counted', async () => {
  const refusals = createRefusalStats()
  const bodies: unknown[] = []
  const api = serve(
    async ({ body }) => {
      const given = await body?.()
      bodies.push(given)
      return { status: given === undefined ? 400 : 200, contentType: 'text/plain', body: 'answered' }
    },
    { refusals, bodyMs: 300 },
  )
  const { port } = await startReceiver({ kind: 'ok' }, { api })
  const { socket, text, closed } = await openSocket(port)
  const head = 'POST /api/alerts/silences HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  socket.write(`${head}Content-Length: 200000\r\n\r\n"${'x'.repeat(199_998)}"`)
  await expect.poll(() => text().match(/HTTP\/1.1 400/g)?.length, { timeout: 10_000 }).toBe(1)
  socket.write(`${head}Content-Length: 4\r\n\r\n"ok"`)
  await expect.poll(() => text().match(/HTTP\/1.1 200/g)?.length, { timeout: 10_000 }).toBe(1)
  socket.write(`${head}Content-Length: 100\r\n\r\n{`)
  await closed
  expect(bodies.slice(0, 2)).toEqual([undefined, 'ok'])
  expect(refused(refusals)).toEqual({ too_slow: 1 })
})

test('a body for a path that does not exist is read away, and no further than any other', async () => {
  const { port } = await startReceiver({ kind: 'ok' }, { limits: { drainBytesMax: 100_000 } })
  const { socket, text, closed } = await openSocket(port)
  socket.write('POST /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
  const chunk = `2710\r\n${'x'.repeat(10_000)}\r\n`
  const writing = setInterval(() => socket.write(chunk), 2)
  await closed
  clearInterval(writing)
  expect(text()).toMatch(/^HTTP\/1.1 404 /)
})

test('while many are slow, greedy and broken, others are served and memory stays bounded', { timeout: 60_000 }, async () => {
  const limits = { headersMs: 4_000, bodyMs: 4_000 }
  const { url, port, stats, refusals } = await startReceiver({ kind: 'ok' }, { limits })
  const bombs = { gzip: gzipSync(new Uint8Array(200 * MIB)), zstd: zstdCompressSync(new Uint8Array(200 * MIB)) }
  const before = process.memoryUsage().rss
  let highest = before
  const watching = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss)
  }, 20)

  const slow = await Promise.all(Array.from({ length: 300 }, () => openSocket(port)))
  for (const [index, { socket }] of slow.entries())
    socket.write(
      [HEAD, `${HEAD}Content-Length: 1000\r\n\r\n{`, `${HEAD}Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n\x1f`][index % 3]!,
    )
  const exploding = (['gzip', 'zstd'] as const).map(async (encoding) => {
    const answers = new Set<number>()
    for (let round = 0; round < 5; round++)
      answers.add((await post(`${url}/v1/logs`, bombs[encoding], { 'content-encoding': encoding })).status)
    return [...answers]
  })
  for (let round = 0; round < 30; round++) expect((await post(`${url}/v1/logs`, logs)).status).toBe(200)
  expect(await Promise.all(exploding)).toEqual([[413], [413]])

  await Promise.all(slow.map(({ closed }) => closed))
  clearInterval(watching)
  expect(highest - before).toBeLessThan(300 * MIB)
  expect(stats.snapshot().logs.refused).toMatchObject({ too_slow: 200, too_large: 10 })
  // A connection that was told its body is late is cut when it still does not come.
  expect(refused(refusals).too_slow).toBeGreaterThanOrEqual(100)
  expect((await post(`${url}/v1/logs`, logs)).status).toBe(200)
})

/** The status of a small request on a connection of its own; undefined when it is refused. */
async function served(port: number): Promise<number | undefined> {
  const { socket, text, closed } = await openSocket(port)
  socket.write(WHOLE.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  await closed
  const status = /^HTTP\/1.1 (\d+)/.exec(text())?.[1]
  return status === undefined ? undefined : Number(status)
}
