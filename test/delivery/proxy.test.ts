import http from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createPost, type PostOptions } from '../../src/delivery/post.ts'
import { createEncoder } from '../../src/wire/encode.ts'
import { findProxy } from '../../src/wire/proxy.ts'
import { makeCertificate } from './support/certificate.ts'
import { startCollector } from './support/collector.ts'
import { makeSpans, names } from './support/items.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

type Seen = { readonly method: string; readonly url: string; readonly authorization: string | undefined }

/** A forward proxy that knows every name as 127.0.0.1. With status 0 it never answers a CONNECT. */
async function startProxy({ status = 200 } = {}): Promise<{ readonly url: string; readonly seen: readonly Seen[] }> {
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const note = ({ method = '', url = '', headers }: http.IncomingMessage) =>
    seen.push({ method, url, authorization: headers['proxy-authorization'] })

  const server = http.createServer((request, response) => {
    note(request)
    const { port, pathname } = new URL(request.url ?? '')
    const { 'proxy-authorization': _, ...headers } = request.headers
    const onward = http.request({ host: '127.0.0.1', port, path: pathname, method: 'POST', headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  server.on('connect', (request, client: Socket) => {
    note(request)
    sockets.add(client)
    if (status === 0) return
    if (status !== 200) return client.end(`HTTP/1.1 ${status} No\r\n\r\n`)
    const upstream = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => socket.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const chunk = createEncoder('traces', 'protobuf').encode(makeSpans(5))

function createSend(options: Partial<PostOptions> & { readonly url: string }) {
  const send = createPost({ headers: {}, compression: 'none', timeoutMs: 2_000, ...options })
  return () => send(chunk, new AbortController().signal)
}

test('HTTPS_PROXY: an https collector is reached through a tunnel that serves several requests', async () => {
  const certificate = makeCertificate('collector.test')
  const collector = await startCollector({ tls: certificate })
  stops.push(collector.stop)
  const proxy = await startProxy()
  const url = `https://collector.test:${collector.port}/v1/traces`
  const send = createSend({ url, tls: { ca: certificate.cert }, proxy: { https: `http://me:p%40ss@${proxy.url}` } })

  expect(await send()).toEqual({ kind: 'ok' })
  expect(await send()).toEqual({ kind: 'ok' })
  expect(collector.stored).toEqual([...names(5), ...names(5)])
  const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
  expect(proxy.seen).toEqual([{ method: 'CONNECT', url: `collector.test:${collector.port}`, authorization }])
})

test('HTTPS_PROXY: the certificate is checked against the name of the collector', async () => {
  const certificate = makeCertificate('other.test')
  const collector = await startCollector({ tls: certificate })
  stops.push(collector.stop)
  const proxy = await startProxy()
  const url = `https://collector.test:${collector.port}/v1/traces`
  const outcome = await createSend({ url, tls: { ca: certificate.cert }, proxy: { https: proxy.url } })()
  expect(outcome.kind === 'retry' && outcome.error.message).toContain('other.test')
  expect(collector.received).toHaveLength(0)
})

test('HTTPS_PROXY: a proxy that refuses is named without its password', async () => {
  const proxy = await startProxy({ status: 407 })
  const outcome = await createSend({ url: 'https://collector.test:4318/v1/traces', proxy: { https: `http://me:secret@${proxy.url}` } })()
  expect(outcome).toMatchObject({ kind: 'retry' })
  const message = outcome.kind === 'retry' ? outcome.error.message : ''
  expect(message).toBe(`https://collector.test:4318/v1/traces: the proxy ${proxy.url} answered 407 to CONNECT`)
})

test('HTTPS_PROXY: a proxy that hangs costs the timeout and no more', async () => {
  const proxy = await startProxy({ status: 0 })
  const outcome = await createSend({ url: 'https://collector.test:4318/v1/traces', proxy: { https: proxy.url }, timeoutMs: 100 })()
  expect(outcome).toMatchObject({ kind: 'retry' })
  expect(outcome.kind === 'retry' && outcome.error.message).toBe('https://collector.test:4318/v1/traces: no answer within 100 ms')
})

test('HTTP_PROXY: an http collector is asked for by its whole address', async () => {
  const collector = await startCollector()
  stops.push(collector.stop)
  const proxy = await startProxy()
  const url = `http://collector.test:${collector.port}/v1/traces`
  expect(await createSend({ url, proxy: { http: proxy.url } })()).toEqual({ kind: 'ok' })
  expect(collector.stored).toEqual(names(5))
  expect(collector.received[0]?.headers.host).toBe(`collector.test:${collector.port}`)
  expect(proxy.seen).toEqual([{ method: 'POST', url, authorization: undefined }])
})

test.each([
  ['collector.test', true],
  ['.test', true],
  ['*.test', true],
  ['example.org, test', true],
  ['COLLECTOR.TEST:4318', true],
  ['collector.test:4319', false],
  ['ector.test', false],
  ['*', true],
  ['', false],
])('NO_PROXY=%s spares collector.test:4318: %s', (no, isSpared) => {
  const proxy = findProxy(new URL('http://collector.test:4318/v1/traces'), { http: 'http://proxy.test:3128', no })
  expect(proxy === undefined).toBe(isSpared)
})

test.each(['http://localhost:4318', 'http://127.0.0.2:4318', 'http://[::1]:4318'])('%s never goes through a proxy', (url) => {
  expect(findProxy(new URL(url), { http: 'http://proxy.test:3128' })).toBeUndefined()
})

test('a SOCKS proxy is refused in plain words, without its password', () => {
  expect(() => findProxy(new URL('https://collector.test'), { https: 'socks5://me:secret@proxy.test' })).toThrow(
    /^the proxy address for https is not an http:\/\/ or https:\/\/ URL$/,
  )
})
