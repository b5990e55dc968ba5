import { EventEmitter, once } from 'node:events'
import { createServer, request as httpRequest, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import Fastify from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { installInstrumentation } from '../../src/instrument/install.ts'
import { currentRequest, setUser } from '../../src/request-context.ts'
import { listen, startTelemetry, waitForSpans } from './support.ts'

const telemetry = startTelemetry()
const { names } = installInstrumentation({ contextManager: telemetry.contextManager })
afterEach(() => telemetry.reset())

/** A bare client: `fetch` would add spans and headers of its own. */
function send(url: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const request = httpRequest(url, { method: options.method ?? 'GET', headers: options.headers ?? {}, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode!, body }))
    })
    request.on('error', reject).end(options.body)
  })
}

const activeTrace = () => trace.getActiveSpan()?.spanContext().traceId

test('everything is installed', () => {
  expect(names).toEqual(['http-server', 'fetch', 'fastify', 'google-genai', 'ioredis', 'pg'])
})

test('a request becomes a server span with the stable attributes, without its query', async () => {
  const server = await listen((_request, response) => response.end('ok'))
  await send(`${server.url}/speak?key=secret&text=hello`, { headers: { 'user-agent': 'check/1' } })
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()

  expect(span).toMatchObject({ name: 'GET', kind: SpanKind.SERVER, status: { code: SpanStatusCode.UNSET } })
  expect(span!.attributes).toEqual({
    'http.request.method': 'GET',
    'url.path': '/speak',
    'url.scheme': 'http',
    'server.address': '127.0.0.1',
    'server.port': server.port,
    'client.address': '127.0.0.1',
    'user_agent.original': 'check/1',
    'network.protocol.version': '1.1',
    'http.response.status_code': 200,
    request_id: expect.stringMatching(/^[\da-f-]{36}$/),
  })
})

test('an IPv4 client of a server that listens on IPv6 as well has its IPv4 address', async () => {
  const server = createServer((_request, response) => response.end('ok')).listen(0, '::')
  await once(server, 'listening')
  await send(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [span] = await waitForSpans(telemetry, 1)
  server.close()

  expect(span!.attributes['client.address']).toBe('127.0.0.1')
})

test('proxies say who the client is', async () => {
  const server = await listen((_request, response) => response.end('ok'))
  await send(server.url, { headers: { 'x-forwarded-for': '203.0.113.9, 10.0.0.1', 'x-forwarded-proto': 'https', host: 'tts.example' } })
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()

  expect(span!.attributes).toMatchObject({ 'client.address': '203.0.113.9', 'url.scheme': 'https', 'server.address': 'tts.example' })
  expect(span!.attributes).not.toHaveProperty('server.port')
})

test('an unknown method is _OTHER and named HTTP', async () => {
  const server = await listen((_request, response) => response.end('ok'))
  await send(server.url, { method: 'PURGE' })
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()

  expect(span!.name).toBe('HTTP')
  expect(span!.attributes).toMatchObject({ 'http.request.method': '_OTHER', 'http.request.method_original': 'PURGE' })
})

test.each([
  [404, SpanStatusCode.UNSET, undefined],
  [503, SpanStatusCode.ERROR, '503'],
])('status %i is an error of the server only from 500 on', async (status, code, errorType) => {
  const server = await listen((_request, response) => response.writeHead(status).end())
  await send(server.url)
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()

  expect(span!.status.code).toBe(code)
  expect(span!.attributes['error.type']).toBe(errorType)
})

test('trace context and baggage come in', async () => {
  let seen: string | undefined
  const server = await listen((_request, response) => {
    seen = propagation.getBaggage(context.active())?.getEntry('tenant')?.value
    response.end()
  })
  await send(server.url, { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', baggage: 'tenant=a' } })
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()

  expect(span!.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c')
  expect(span!.parentSpanContext).toMatchObject({ spanId: 'b7ad6b7169203331', isRemote: true })
  expect(seen).toBe('a')
})

test.each([
  ['order-4711', true],
  ['two words', false],
  ['x'.repeat(129), false],
])('X-Request-Id %j is taken over: %s', async (id, isTaken) => {
  let seen: string | undefined
  const server = await listen((_request, response) => {
    seen = currentRequest()?.requestId
    response.end()
  })
  await send(server.url, { headers: { 'x-request-id': id } })
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()

  expect(seen === id).toBe(isTaken)
  expect(span!.attributes.request_id).toBe(seen)
})

test('the context is there in every event of a body that comes in pieces, and is not that of the request before', async () => {
  // A set: how many pieces arrive as one is up to the machine.
  const seen = new Set<string>()
  const server = await listen((request, response) => {
    const note = (event: string) => seen.add(`${event} ${currentRequest()?.requestId} ${activeTrace()}`)
    note('handler')
    request.on('data', () => note('data'))
    request.on('end', () => {
      note('end')
      setTimeout(() => response.end('ok', () => note('sent')), 5)
    })
    response.on('close', () => note('close'))
  })
  const socket = connect(server.port, '127.0.0.1')
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
  for (const id of ['first', 'second']) {
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\nContent-Length: 6\r\n\r\n`)
    for (const piece of ['aa', 'bb', 'cc']) {
      await pause()
      socket.write(piece)
    }
    await pause()
  }
  const spans = await waitForSpans(telemetry, 2)
  socket.destroy()
  await server.close()

  const events = ['handler', 'data', 'end', 'sent', 'close']
  const of = (index: number, request: string) => events.map((event) => `${event} ${request} ${spans[index]!.spanContext().traceId}`)
  expect([...seen]).toEqual([...of(0, 'first'), ...of(1, 'second')])
})

test('a worker outside of any request that answers one after the other never becomes a part of them', async () => {
  const waiting: ServerResponse[] = []
  const arrivals = new EventEmitter()
  const seen: unknown[] = []
  async function work(jobs: number) {
    for (let done = 0; done < jobs; done++) {
      if (waiting.length === 0) await once(arrivals, 'job')
      waiting.shift()?.end('ok')
      seen.push(currentRequest(), activeTrace())
    }
  }
  const worker = work(2)
  const server = await listen((_request, response) => void waiting.push(response))
  const poll = setInterval(() => waiting.length > 0 && arrivals.emit('job'), 5)
  await Promise.all([send(`${server.url}/a`), send(`${server.url}/b`)])
  clearInterval(poll)
  await worker
  await waitForSpans(telemetry, 2)
  await server.close()
  expect(seen).toEqual([undefined, undefined, undefined, undefined])
})

test('a user who is known late is on the span of the request, also when the answer came out of another one', async () => {
  let first: ServerResponse | undefined
  const server = await listen((request, response) => {
    // Not in the server's span, as below a span of the app's.
    context.with(ROOT_CONTEXT, () => setUser(`user of ${request.url}`))
    if (first === undefined) first = response
    else for (const open of [first, response]) open.end()
  })
  const slow = send(`${server.url}/a`)
  await expect.poll(() => first).toBeDefined()
  await Promise.all([slow, send(`${server.url}/b`)])
  const spans = await waitForSpans(telemetry, 2)
  await server.close()
  expect(spans.map(({ attributes }) => [attributes['url.path'], attributes.user_id]).sort()).toEqual([
    ['/a', 'user of /a'],
    ['/b', 'user of /b'],
  ])
})

test('a client that hangs up ends its span: without an error of the server, without a status that was never sent', async () => {
  let closedIn: string | undefined
  const server = await listen((request, response) => {
    response.on('close', () => (closedIn = activeTrace()))
    request.resume()
  })
  const socket = connect(server.port, '127.0.0.1', () => socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()

  expect(span!.attributes['error.type']).toBe('aborted')
  expect(span!.attributes).not.toHaveProperty('http.response.status_code')
  expect(span!.status.code).toBe(SpanStatusCode.UNSET)
  expect(closedIn).toBe(span!.spanContext().traceId)
})

test.each(['/livez', '/readyz', '/health?verbose'])('%s is not traced, nor is what it starts', async (path) => {
  const server = await listen((request, response) => {
    trace.getTracer('test').startSpan(`inside ${request.url}`).end()
    response.end()
  })
  await send(server.url + path)
  await send(`${server.url}/real`)
  await waitForSpans(telemetry, 2)
  await server.close()

  expect(telemetry.spans.map(({ name }) => name)).toEqual(['inside /real', 'GET'])
})

test('pipelined requests keep their own contexts', async () => {
  const seen: (string | undefined)[] = []
  const server = await listen((_request, response) => {
    setTimeout(() => {
      seen.push(currentRequest()?.requestId)
      response.end()
    }, 10)
  })
  const ids = ['a', 'b', 'c']
  const socket = connect(server.port, '127.0.0.1', () => {
    socket.write(ids.map((id) => `GET /${id} HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\n\r\n`).join(''))
  })
  const spans = await waitForSpans(telemetry, 3)
  socket.destroy()
  await server.close()

  expect(seen).toEqual(ids)
  expect(spans.map(({ attributes }) => attributes.request_id)).toEqual(ids)
  expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(3)
})

test('no listener is added that an app could see, and its own close listeners can still write to the span', async () => {
  let listeners: unknown
  const server = await listen((request, response) => {
    listeners = [request.listenerCount('end'), request.listenerCount('close'), response.listenerCount('close')]
    response.on('close', () => {
      trace.getActiveSpan()?.setAttribute('late', true)
    })
    response.end()
  })
  await send(server.url)
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()
  expect(listeners).toEqual([0, 0, 0])
  expect(span!.attributes.late).toBe(true)
})

test('Fastify routes name the span, also where a request is refused before its handler', async () => {
  const app = Fastify()
  const schema = { body: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } } } as const
  app.post('/api/:version/speak', { schema }, async () => ({ trace: activeTrace() }))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const json = { 'content-type': 'application/json' }
  const { body } = await send(`${url}/api/v1/speak`, { method: 'POST', headers: json, body: '{"text":"hi"}' })
  await send(`${url}/api/v1/speak`, { method: 'POST', headers: json, body: '{}' })
  await send(`${url}/nowhere`)
  const spans = await waitForSpans(telemetry, 3)
  await app.close()

  expect(spans.map(({ name }) => name)).toEqual(['POST /api/:version/speak', 'POST /api/:version/speak', 'GET'])
  expect(spans.map(({ attributes }) => attributes['http.route'])).toEqual(['/api/:version/speak', '/api/:version/speak', undefined])
  expect(spans.map(({ attributes }) => attributes['http.response.status_code'])).toEqual([200, 400, 404])
  expect(JSON.parse(body).trace).toBe(spans[0]!.spanContext().traceId)
})

test('duration and active requests are measured', async () => {
  const server = await listen((request, response) => {
    response.statusCode = request.url === '/bad' ? 500 : 200
    response.end()
  })
  await send(`${server.url}/bad`, { method: 'DELETE' })
  await waitForSpans(telemetry, 1)
  await server.close()

  const durations = await telemetry.points('http.server.request.duration')
  expect(durations.map(({ attributes }) => attributes)).toContainEqual({
    'http.request.method': 'DELETE',
    'url.scheme': 'http',
    'http.response.status_code': 500,
    'error.type': '500',
  })
  const active = await telemetry.points('http.server.active_requests')
  expect(active.every(({ value }) => value === 0)).toBe(true)
  expect(active.map(({ attributes }) => attributes['http.request.method'])).toContain('DELETE')
})
