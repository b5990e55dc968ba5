import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import { instrumentFetch } from '../../src/instrument/fetch.ts'
import { createGuard } from '../../src/instrument/guard.ts'
import { suppress } from '../../src/instrument/suppress.ts'
import { listen, startTelemetry, waitForSpans } from './support.ts'

const telemetry = startTelemetry()
instrumentFetch({ guard: createGuard('fetch'), isOwnTraffic: (_origin, path) => path.startsWith('/v1/traces') })
afterEach(() => telemetry.reset())

const echoHeaders = () => listen((request, response) => response.end(JSON.stringify(request.headers)))

test('a request becomes a client span of the caller, which the server can join', async () => {
  const server = await echoHeaders()
  const parent = trace.getTracer('test').startSpan('job')
  const baggage = propagation.createBaggage({ tenant: { value: 'a' } })
  const headers = await context.with(propagation.setBaggage(trace.setSpan(context.active(), parent), baggage), async () => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    return (await fetch(`${server.url}/v1/say?alt=sse&key=secret&text=hello%20world`, { method: 'POST', body: '{}' })).json()
  })
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()

  expect(span).toMatchObject({ name: 'POST', kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } })
  expect(span!.parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
  expect(span!.attributes).toEqual({
    'http.request.method': 'POST',
    'url.full': `${server.url}/v1/say?alt=sse&key=REDACTED&text=REDACTED`,
    'url.scheme': 'http',
    'server.address': '127.0.0.1',
    'server.port': server.port,
    'http.response.status_code': 200,
  })
  const { traceId, spanId } = span!.spanContext()
  expect(headers).toMatchObject({ traceparent: `00-${traceId}-${spanId}-01`, baggage: 'tenant=a' })
})

test.each(['traceparent', 'Traceparent'])('a trace context that the app sends itself (%s) is left alone', async (name) => {
  const server = await echoHeaders()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const headers = await (await fetch(server.url, { headers: { [name]: traceparent } })).json()
  await waitForSpans(telemetry, 1)
  await server.close()
  expect(headers).toMatchObject({ traceparent })
})

test('4xx and 5xx are errors of the call', async () => {
  const server = await listen((_request, response) => response.writeHead(404).end())
  await fetch(server.url)
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()
  expect(span!.status.code).toBe(SpanStatusCode.ERROR)
  expect(span!.attributes).toMatchObject({ 'error.type': '404', 'http.response.status_code': 404 })
})

test.each([
  ['a refused connection', 'ECONNREFUSED', (url: string) => fetch(url)],
  ['a deadline', 'timeout', (url: string) => fetch(url, { signal: AbortSignal.timeout(30) })],
  ['an abort', 'cancelled', (url: string) => fetch(url, { signal: abortSoon() })],
])('%s is named %s', async (_name, type, call) => {
  const server = await listen(() => {})
  if (type === 'ECONNREFUSED') await server.close()
  await expect(call(server.url)).rejects.toThrow()
  const [span] = await waitForSpans(telemetry, 1)
  if (type !== 'ECONNREFUSED') await server.close()
  expect(span!.attributes['error.type']).toBe(type)
  expect(span!.status.code).toBe(SpanStatusCode.ERROR)
})

function abortSoon(): AbortSignal {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 30)
  return controller.signal
}

test('each step of a redirect is a request of its own', async () => {
  const server = await listen((request, response) => {
    if (request.url === '/old') response.writeHead(302, { location: '/new' }).end()
    else response.end('ok')
  })
  await (await fetch(`${server.url}/old`)).text()
  const spans = await waitForSpans(telemetry, 2)
  await server.close()
  expect(spans.map(({ attributes }) => attributes['http.response.status_code'])).toEqual([302, 200])
})

test('the span of a stream lasts until its last byte', async () => {
  const server = await listen((_request, response) => {
    response.write('first')
    setTimeout(() => response.end('last'), 100)
  })
  await (await fetch(server.url)).text()
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()
  expect(span!.duration[1]).toBeGreaterThan(90e6)
})

test('requests to the collector and suppressed ones are neither traced nor marked', async () => {
  const server = await echoHeaders()
  const own = await (await fetch(`${server.url}/v1/traces`, { method: 'POST' })).json()
  const quiet = await context.with(suppress(context.active()), async () => (await fetch(server.url)).json())
  await (await fetch(`${server.url}/other`)).text()
  const [span] = await waitForSpans(telemetry, 1)
  await server.close()
  expect(own).not.toHaveProperty('traceparent')
  expect(quiet).not.toHaveProperty('traceparent')
  expect(span!.attributes['url.full']).toBe(`${server.url}/other`)
})

test('durations are measured by server and status', async () => {
  const server = await listen((_request, response) => response.writeHead(204).end())
  await fetch(server.url, { method: 'PUT' })
  await waitForSpans(telemetry, 1)
  await server.close()
  const points = await telemetry.points('http.client.request.duration')
  expect(points.map(({ attributes }) => attributes)).toContainEqual({
    'http.request.method': 'PUT',
    'url.scheme': 'http',
    'server.address': '127.0.0.1',
    'server.port': server.port,
    'http.response.status_code': 204,
  })
})
