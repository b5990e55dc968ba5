/** What a web page in somebody's browser could do to a collector: re-bound names, foreign origins, images and forms. On every kind of path, over TLS and IPv6. */
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, test } from 'vitest'
import { createReceiver } from '../../../collector/src/receive/http.ts'
import { createRefusalStats } from '../../../collector/src/refusal-stats.ts'
import { createStats } from '../../../collector/src/stats.ts'
import { createAuthority } from '../support/authority.ts'

const authority = createAuthority()
const server = { ...authority.issue(['localhost']), clientCa: undefined }

const WAYS = [
  { way: 'HTTP', host: '127.0.0.1', secure: false },
  { way: 'HTTP over IPv6', host: '::1', secure: false },
  { way: 'TLS', host: '127.0.0.1', secure: true },
  { way: 'TLS over IPv6', host: '::1', secure: true },
]

type Headers = Readonly<Record<string, string>>
type Way = (typeof WAYS)[number]

async function startCollector({ host, secure }: Pick<Way, 'host' | 'secure'>) {
  const [stats, refusals] = [createStats(), createRefusalStats()]
  const taken: string[] = []
  const sink = async () => {
    taken.push('sink')
    return { kind: 'ok' } as const
  }
  const receiver = createReceiver({
    routes: { all: sink, postgres: sink },
    stats,
    refusals,
    tls: secure ? server : undefined,
    api: (request, response) => {
      taken.push(request.url ?? '')
      response.end('{}')
      return true
    },
  })
  const { port } = await receiver.listen(host, 0)
  const own = `${host.includes(':') ? `[${host}]` : host}:${port}`

  function ask(line: string, headers: Headers): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = secure ? connectTls({ host, port, ca: authority.ca, servername: 'localhost' }) : connect({ host, port })
      let text = ''
      socket.on('data', (data) => {
        text += data
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(Number(text.slice(9, 12))))
      const lines = Object.entries({ Host: own, 'Content-Type': 'application/json', ...headers }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      )
      const body = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}'
      const rest = line.startsWith('POST') ? `Content-Length: ${body.length}\r\n\r\n${body}` : '\r\n'
      socket.write(`${line} HTTP/1.1\r\n${lines.join('')}Connection: close\r\n${rest}`)
    })
  }
  return { ask, own, taken, stats, refusals, stop: () => receiver.stop(1_000) }
}

const LINES = ['POST /v1/logs', 'POST /postgres/v1/logs', 'GET /api/logs', 'GET /', 'GET /metrics']

test.each(WAYS)('$way: foreign hosts, origins and sites are refused on every path', async (way) => {
  const { ask, own, taken, stats, refusals, stop } = await startCollector(way)
  const scheme = way.secure ? 'https' : 'http'
  const foreign: Headers[] = [
    { Host: 'evil.example' },
    { Host: `rebound.evil.example:${own.split(':').at(-1)}` },
    { Host: 'localhost@evil.example' },
    { Host: '0.0.0.0:4318' },
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: `${scheme}://localhost:1` },
    { Host: 'evil.example', Origin: 'http://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
    { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
  ]
  for (const line of LINES) for (const headers of foreign) expect([line, headers, await ask(line, headers)]).toEqual([line, headers, 403])
  expect(taken).toEqual([])
  expect(stats.snapshot().logs.refused.forbidden).toBe(2 * foreign.length)
  expect(refusals.prometheus()).toContain(`reads_refused_total{reason="forbidden"} ${3 * foreign.length}\n`)
  await stop()
})

test.each(WAYS)('$way: its own names and its own pages are served', async (way) => {
  const { ask, own, taken, stop } = await startCollector(way)
  const scheme = way.secure ? 'https' : 'http'
  const port = own.split(':').at(-1)
  const fine: Headers[] = [
    {},
    { Host: `localhost:${port}` },
    { Host: `tts.localhost:${port}` },
    { Host: `[::1]:${port}` },
    { Host: '127.0.0.1' },
    { Origin: `${scheme}://${own}`, 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' },
    { Host: `LOCALHOST:${port}`, Origin: `${scheme}://localhost:${port}` },
    { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' },
  ]
  for (const line of LINES) for (const headers of fine) expect([line, headers, await ask(line, headers)]).toEqual([line, headers, 200])
  expect(taken.length).toBe(LINES.length * fine.length)
  await stop()
})

test('a link on another site may be followed to what the collector shows, a form may not be sent', async () => {
  const { ask, stop } = await startCollector({ host: '127.0.0.1', secure: false })
  const followed = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }
  expect(await ask('GET /', followed)).toBe(200)
  expect(await ask('POST /v1/logs', followed)).toBe(403)
  await stop()
})

test('on an address that other machines reach any name may lead to the collector, but not a page of another', async () => {
  const { ask, own, stop } = await startCollector({ host: '0.0.0.0', secure: false })
  const port = own.split(':').at(-1)
  expect(await ask('POST /v1/logs', { Host: 'collector.example' })).toBe(200)
  expect(await ask('POST /v1/logs', { Host: 'collector.example', Origin: 'https://collector.example' })).toBe(200)
  expect(await ask('POST /v1/logs', { Host: 'collector.example:443', Origin: 'https://collector.example' })).toBe(200)
  expect(await ask('POST /v1/logs', { Host: 'collector.example', Origin: `https://collector.example:${port}` })).toBe(403)
  expect(await ask('POST /v1/logs', { Host: 'collector.example', Origin: 'https://evil.example' })).toBe(403)
  await stop()
})
