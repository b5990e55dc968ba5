/** deploy/haproxy.cfg by itself: what a sender hears when a sink is wrongly set up, busy, or gone. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Daemon } from './support/daemon.ts'
import { createHaproxy } from './support/haproxy.ts'
import { freePort } from './support/postgres.ts'

type Sink = { readonly name: string; readonly address: string; readonly server: Server }

/** What every sink answers now, and which of them were asked. */
let status = 200
let asked: string[] = []
const sinks: Sink[] = []
let haproxy: Daemon
let url: string

async function startSink(name: string): Promise<Sink> {
  const server = createServer((request, response) => {
    if (request.url === '/livez') return void response.end('ok')
    asked.push(name)
    request.resume().on('end', () => response.writeHead(status, { 'retry-after': '7' }).end(`${name} says ${status}`))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return { name, server, address: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}` }
}

beforeAll(async () => {
  for (const name of ['fan-out 1', 'fan-out 2', 'evaluator']) sinks.push(await startSink(name))
  const [first, second, evaluator] = sinks.map(({ address }) => address) as [string, string, string]
  const listen = `127.0.0.1:${await freePort()}`
  url = `http://${listen}`
  haproxy = createHaproxy({ listen, fanouts: [first, second], evaluator })
  await haproxy.start()
})
afterAll(async () => {
  await haproxy?.end('SIGKILL')
  for (const { server } of sinks) server.close().closeAllConnections()
})
beforeEach(() => {
  asked = []
  status = 200
})

async function post(path: string): Promise<{ readonly status: number; readonly after: string | null; readonly text: string }> {
  const response = await fetch(url + path, { method: 'POST', body: '{}' })
  return { status: response.status, after: response.headers.get('retry-after'), text: await response.text() }
}

const DATA = ['postgres', 'elasticsearch', 'alerts'].flatMap((sink) =>
  ['logs', 'traces', 'metrics'].map((signal) => `/${sink}/v1/${signal}`),
)

test.each([401, 403, 404])('%d to data is 503, which every sender waits out, with what the sink says', async (refusal) => {
  status = refusal
  for (const path of [...DATA, '/v1/logs']) {
    const answer = await post(path)
    expect({ path, ...answer }).toMatchObject({ path, status: 503, text: expect.stringContaining(`says ${refusal}`) })
  }
})

test.each([200, 400, 413, 415, 429, 500, 503])('%d to data stays what it is', async (said) => {
  status = said
  for (const path of DATA) expect({ path, ...(await post(path)) }).toMatchObject({ path, status: said, after: '7' })
})

test.each([401, 403, 404])('%d to a person who reads stays what it is', async (refusal) => {
  status = refusal
  for (const path of ['/api/logs', '/api/traces/1', '/', '/v1/logs/other'])
    expect([path, (await post(path)).status]).toEqual([path, refusal])
})

test('who asks about alerts is answered by the evaluator, also when it silences; who reads anything else by a fan-out', async () => {
  for (const path of ['/api/alerts', '/api/alerts?rule=a', '/api/alerts/history', '/api/alerts/deliveries']) await fetch(url + path)
  for (const path of ['/api/alerts/silences', '/api/alerts/Late/test']) await post(path)
  expect([...new Set(asked)]).toEqual(['evaluator'])
  asked = []
  for (const path of ['/api/logs', '/api/alertsome', '/']) await fetch(url + path)
  expect(asked).not.toContain('evaluator')
  expect(asked).toHaveLength(3)
})

test('data for alerts goes to the evaluator alone, all other to the fan-outs, both of them', async () => {
  await post('/alerts/v1/logs')
  expect(asked).toEqual(['evaluator'])
  asked = []
  await Promise.all(Array.from({ length: 20 }, () => post('/postgres/v1/logs')))
  expect([...new Set(asked)].toSorted()).toEqual(['fan-out 1', 'fan-out 2'])
})

test('a fan-out that is gone costs no answer: the other has it; without any a sender hears 503', async () => {
  const [first, second] = sinks as [Sink, Sink, Sink]
  first.server.close().closeAllConnections()
  for (let sent = 0; sent < 10; sent++) expect(await post('/postgres/v1/logs')).toMatchObject({ status: 200, text: 'fan-out 2 says 200' })
  second.server.close().closeAllConnections()
  await expect.poll(async () => (await post('/postgres/v1/logs')).status, { timeout: 30_000 }).toBe(503)
  expect((await post('/alerts/v1/logs')).status).toBe(200)
})
