/** What every channel that posts has in common: where it goes, what it believes, what it says. Real sockets on loopback. */
import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { deliver } from '../../../collector/src/notify/answer.ts'
import { createPost, type Outside } from '../../../collector/src/notify/post.ts'
import { type Issued, issueCertificate } from '../support/authority.ts'
import { type Listener, startListener, status } from '../support/listener.ts'
import { type OutsideOptions, outside, untold } from '../support/outside.ts'

let issued: Issued
beforeAll(() => {
  issued = issueCertificate('alerts.test')
})

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function listen(options: Parameters<typeof startListener>[0] = {}): Promise<Listener> {
  const listener = await startListener(options)
  closers.push(() => listener.close())
  return listener
}

type PostOptions = { readonly options?: OutsideOptions; readonly ca?: string; readonly signal?: AbortSignal; readonly body?: string }

async function post(url: string, { options = {}, ca, signal = untold(), body = '{"a":1}' }: PostOptions = {}) {
  return await deliver(createPost(new URL(url), outside(options), ca), { body }, signal)
}

test('a body arrives whole, as JSON, by POST, with path and query', async () => {
  const listener = await listen()
  const body = JSON.stringify({ text: 'ü☎🚨'.repeat(10_000) })
  expect(await post(`${listener.url}/hook/x?token=y`, { body })).toEqual({ kind: 'ok' })
  expect(listener.received).toMatchObject([
    {
      method: 'POST',
      path: '/hook/x?token=y',
      body,
      headers: {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'tts-otel-collector',
      },
    },
  ])
})

test.each([200, 201, 202, 204])('%i is taken', async (code) => {
  const listener = await listen()
  listener.answer = status(code)
  expect(await post(listener.url)).toEqual({ kind: 'ok' })
})

test.each([408, 425, 429, 500, 502, 503, 504, 599])('%i is tried again', async (code) => {
  const listener = await listen()
  listener.answer = status(code, {}, 'internal detail')
  expect(await post(listener.url)).toEqual({ kind: 'retry', error: new Error(`${listener.url} answered ${code}`) })
})

test.each([400, 401, 403, 404, 410, 413, 422])('%i is not tried again', async (code) => {
  const listener = await listen()
  listener.answer = status(code, {}, 'internal detail')
  const outcome = await post(`${listener.url}/T0PSECRET?token=T0PSECRET`)
  expect(outcome).toMatchObject({ kind: 'drop', reason: 'refused' })
  const message = outcome.kind === 'drop' ? outcome.error.message : ''
  expect(message).toContain(`${listener.url} answered ${code}`)
  expect(message).not.toMatch(/T0PSECRET|internal detail/)
})

test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (code) => {
  const [listener, other] = [await listen(), await listen()]
  listener.answer = status(code, { location: other.url })
  expect(await post(listener.url)).toEqual({
    kind: 'drop',
    reason: 'refused',
    error: new Error(`${listener.url} answered ${code}; redirects are not followed: set the final address`),
  })
  expect(other.connections).toBe(0)
})

test.each([
  ['120', 120_000],
  [new Date(Date.UTC(2026, 10, 22, 10, 0, 30)).toUTCString(), 30_000],
  ['nonsense', undefined],
])('Retry-After: %s', async (value, afterMs) => {
  const listener = await listen()
  listener.answer = status(429, { 'retry-after': value })
  const outcome = await post(listener.url, { options: { nowMs: Date.UTC(2026, 10, 22, 10) } })
  expect(outcome).toMatchObject({ kind: 'retry', ...(afterMs !== undefined && { afterMs }) })
  if (afterMs === undefined) expect(outcome).not.toHaveProperty('afterMs')
})

test('an endless answer is not read to its end, and its status counts', async () => {
  const listener = await listen()
  let written = 0
  listener.answer = (response) => {
    response.writeHead(503)
    const timer = setInterval(() => {
      written += 65_536
      response.write(Buffer.alloc(65_536, 'x'))
    }, 1)
    response.on('close', () => clearInterval(timer))
  }
  expect(await post(listener.url)).toMatchObject({ kind: 'retry' })
  expect(written).toBeLessThan(10 * 2 ** 20)
})

test('an answer whose body never comes is believed by its status', async () => {
  const listener = await listen()
  listener.answer = (response) => {
    response.writeHead(200, { 'content-length': '10' })
    response.flushHeaders()
  }
  expect(await post(listener.url)).toEqual({ kind: 'ok' })
})

test('a server that never answers costs no more than the attempt', async () => {
  const listener = await listen()
  listener.answer = () => {}
  const outcome = await post(`${listener.url}/secret`, { signal: AbortSignal.timeout(200) })
  expect(outcome).toMatchObject({ kind: 'retry' })
  expect(outcome.kind === 'retry' && outcome.error.message).toMatch(/^http:\/\/127\.0\.0\.1:\d+ did not answer: .*timeout/)
})

test('a connection that is reset is tried again', async () => {
  const listener = await listen()
  listener.answer = (response) => void response.socket?.resetAndDestroy()
  expect(await post(listener.url)).toMatchObject({ kind: 'retry' })
})

test('a port that nobody listens on is tried again, with the reason', async () => {
  const listener = await listen()
  await listener.close()
  const outcome = await post(listener.url)
  expect(outcome).toMatchObject({ kind: 'retry' })
  expect(outcome.kind === 'retry' && outcome.error.message).toContain('ECONNREFUSED')
})

test('what answers something other than HTTP is tried again', async () => {
  const server = createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1')
  closers.push(() => server.close())
  await once(server, 'listening')
  expect(await post(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).toMatchObject({ kind: 'retry' })
})

test('https is trusted by the authority that is named, for the names in the certificate', async () => {
  const listener = await listen({ tls: issued })
  const options: OutsideOptions = { resolve: async () => [{ address: '127.0.0.1', family: 4 }] }
  expect(await post(`https://alerts.test:${listener.port}/x`, { options, ca: issued.ca })).toEqual({ kind: 'ok' })
  expect(listener.received[0]?.headers.host).toBe(`alerts.test:${listener.port}`)

  const other = await post(`https://other.test:${listener.port}/x`, { options, ca: issued.ca })
  expect(other).toMatchObject({ kind: 'retry' })
  const untrusted = await post(`https://alerts.test:${listener.port}/x`, { options })
  expect(untrusted.kind === 'retry' && untrusted.error.message).toContain('NODE_EXTRA_CA_CERTS')
  expect(listener.received).toHaveLength(1)
})

test('a name is resolved once for each connection, and the address that was judged is the one that is used', async () => {
  const listener = await listen()
  const answers = ['127.0.0.1', '127.0.0.1', '10.0.0.1']
  let asked = 0
  const resolve = async () => [{ address: answers[asked++] ?? '10.0.0.1', family: 4 }]
  const outcomes = []
  for (let i = 0; i < 3; i++) outcomes.push(await post(`http://rebinding.test:${listener.port}/`, { options: { resolve } }))
  expect(asked).toBe(3)
  expect(outcomes.map(({ kind }) => kind)).toEqual(['ok', 'ok', 'retry'])
  expect(listener.received).toHaveLength(2)
})

test('a name with one private address among public ones is not connected to at all', async () => {
  const listener = await listen()
  const resolve = async () => ['127.0.0.1', '10.0.0.1'].map((address) => ({ address, family: 4 }))
  const outcome = await post(`http://mixed.test:${listener.port}/`, { options: { resolve } })
  expect(outcome.kind === 'retry' && outcome.error.message).toContain('it resolves to 10.0.0.1, which is no public address')
  expect(listener.connections).toBe(0)
})

test('an address that is not allowed is refused before anything is sent', async () => {
  const listener = await listen()
  expect(() => createPost(new URL(`${listener.url}/secret`), outside({ allow: '10.0.0.0/8' }))).toThrow(
    `${listener.url} is no public address; if it is yours and meant, add it to ALERT_ALLOW_PRIVATE`,
  )
  expect(listener.connections).toBe(0)
})

/** A proxy that knows every name as 127.0.0.1. With status 0 it never answers. */
async function startProxy(code = 200): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = http.createServer()
  server.on('connect', (request, client: Socket) => {
    asked.push(request.url ?? '')
    sockets.add(client.on('error', () => {}))
    if (code === 0) return
    if (code !== 200) return void client.end(`HTTP/1.1 ${code} No\r\n\r\n`)
    const upstream = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    sockets.add(upstream.on('error', () => {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const unresolvable: OutsideOptions['resolve'] = async () => {
  throw new Error('only the proxy resolves')
}

test('HTTPS_PROXY: https goes through its tunnel, and the proxy resolves the name', async () => {
  const listener = await listen({ tls: issued })
  const proxy = await startProxy()
  const options = { resolve: unresolvable, proxy: { https: proxy.url } }
  expect(await post(`https://alerts.test:${listener.port}/x`, { options, ca: issued.ca })).toEqual({ kind: 'ok' })
  expect(proxy.asked).toEqual([`alerts.test:${listener.port}`])
})

test('NO_PROXY and http go directly', async () => {
  const listener = await listen()
  const proxy = await startProxy()
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  expect(await post(`http://alerts.test:${listener.port}/`, { options: { resolve, proxy: { https: proxy.url } } })).toEqual({ kind: 'ok' })
  const secure = await listen({ tls: issued })
  const spared = { resolve, proxy: { https: proxy.url, no: '.test' } }
  expect(await post(`https://alerts.test:${secure.port}/`, { options: spared, ca: issued.ca })).toEqual({ kind: 'ok' })
  expect(proxy.asked).toEqual([])
})

test('behind a proxy the address is still judged as far as it is written', () => {
  const through: Outside = outside({ allow: '', proxy: { https: 'http://proxy.test:3128' } })
  expect(() => createPost(new URL('https://10.0.0.1/'), through)).toThrow('is no public address')
  expect(() => createPost(new URL('https://intranet/'), through)).toThrow('name it in NO_PROXY')
  expect(() => createPost(new URL('https://example.org:22/'), through)).toThrow('has port 22')
  expect(() => createPost(new URL('https://example.org/'), through)).not.toThrow()
})

test.each([407, 0])('a proxy that does not open a tunnel (%i) costs no more than the attempt', async (code) => {
  const proxy = await startProxy(code)
  const options = { proxy: { https: proxy.url }, ports: [8443] }
  expect(await post('https://alerts.test:8443/x', { options, signal: AbortSignal.timeout(500) })).toMatchObject({ kind: 'retry' })
})
