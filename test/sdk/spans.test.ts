import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import { setUser, withRequest } from '../../src/request-context.ts'
import { attribute } from '../support/otlp-receiver.ts'
import { type Open, openSdk } from './open.ts'

let open: Open
afterEach(() => open.close())

async function sent(work: (tracer: ReturnType<Open['sdk']['tracerProvider']['getTracer']>) => void, env: Record<string, string> = {}) {
  open = await openSdk(env)
  work(open.sdk.tracerProvider.getTracer('test', '1.2.3'))
  expect(await open.sdk.forceFlush()).toBe(true)
  return open.receiver.spans
}

test('every span of a request carries its request_id and user_id', async () => {
  const spans = await sent((tracer) => {
    withRequest({ requestId: 'r-1', userId: 'u-1' }, () => tracer.startSpan('inside').end())
    tracer.startSpan('outside').end()
  })
  expect(spans.map((span) => [span.name, attribute(span, 'request_id'), attribute(span, 'user_id')])).toEqual([
    ['inside', 'r-1', 'u-1'],
    ['outside', undefined, undefined],
  ])
})

test('a user who is known only later is on the span that had started before', async () => {
  const [span] = await sent((tracer) => {
    withRequest({ requestId: 'r-1' }, () => {
      const server = tracer.startSpan('server')
      setUser('u-9')
      server.end()
    })
  })
  expect(attribute(span, 'user_id')).toBe('u-9')
})

test('ids that the app set itself stay', async () => {
  const [span] = await sent((tracer) => {
    withRequest({ requestId: 'r-1' }, () => tracer.startSpan('mine', { attributes: { request_id: 'own' } }).end())
  })
  expect(attribute(span, 'request_id')).toBe('own')
})

test('the ids are not lost to the attribute limit', async () => {
  const [span] = await sent(
    (tracer) => withRequest({ requestId: 'r-1' }, () => tracer.startSpan('full', { attributes: { a: 1, b: 2, c: 3 } }).end()),
    { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '2' },
  )
  expect(attribute(span, 'request_id')).toBe('r-1')
  expect(attribute(span, 'c')).toBeUndefined()
})

test('secrets are gone from names, attributes, status, events, exceptions and links', async () => {
  const key = 'AIzaSyA1234567890abcdefghijklmnopqrstuv'
  const context = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED }
  const spans = await sent((tracer) => {
    const span = tracer.startSpan(`GET /?key=${key}`, { attributes: { password: key }, links: [{ context, attributes: { api_key: key } }] })
    span.setAttribute('url.full', `https://host/?key=${key}`)
    span.addEvent(`sent ${key}`, { authorization: `Bearer ${key}` })
    span.recordException(new Error(`refused: ${key}`))
    span.setStatus({ code: SpanStatusCode.ERROR, message: `refused: ${key}` })
    span.end()
  })
  expect(spans).toHaveLength(1)
  expect(JSON.stringify(spans)).not.toContain(key)
})

test('limits cut what is too much', async () => {
  const [span] = await sent(
    (tracer) => {
      const span = tracer.startSpan('limited', { attributes: { text: 'abcdef' } })
      for (const name of ['one', 'two', 'three']) span.addEvent(name)
      span.end()
    },
    { OTEL_SPAN_EVENT_COUNT_LIMIT: '2', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3' },
  )
  expect(span).toMatchObject({ droppedEventsCount: 1 })
  expect(attribute(span, 'text')).toBe('abc')
})

test('what plain JavaScript can pass for a name does not throw into the app', async () => {
  const spans = await sent((tracer) => {
    const span = Reflect.apply(tracer.startSpan, tracer, [undefined])
    Reflect.apply(span.addEvent, span, [42])
    span.end()
  })
  expect(spans.map(({ name }) => name)).toEqual(['undefined'])
})

test('a span whose name throws when it is read is counted, and the app hears nothing', async () => {
  open = await openSdk()
  const tracer = open.sdk.tracerProvider.getTracer('test')
  Reflect.apply(tracer.startSpan, tracer, [Object.create(null)]).end()
  tracer.startSpan('next').end()
  await open.sdk.forceFlush()
  expect(open.receiver.spans.map(({ name }) => name)).toEqual(['next'])
  expect(open.sdk.stats().traces).toMatchObject({ created: 2, sent: 1, waiting: 0, dropped: { encode: 1 } })
})

test('a trace that is not sampled is not sent, and is counted', async () => {
  const spans = await sent(
    (tracer) => {
      tracer.startSpan('root').end()
      const parent = trace.setSpanContext(ROOT_CONTEXT, { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED })
      tracer.startSpan('child of a sampled caller', { kind: SpanKind.SERVER }, parent).end()
    },
    { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
  )
  expect(spans.map(({ name }) => name)).toEqual(['child of a sampled caller'])
  expect(open.sdk.stats().traces).toMatchObject({ created: 1, sampledOut: 1, sent: 1 })
})

test('OTEL_TRACES_SAMPLER=traceidratio keeps about its share', async () => {
  const spans = await sent(
    (tracer) => {
      for (let index = 0; index < 400; index++) tracer.startSpan('some').end()
    },
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
  )
  expect(spans.length).toBeGreaterThan(120)
  expect(spans.length).toBeLessThan(280)
  expect(open.sdk.stats().traces.sampledOut).toBe(400 - spans.length)
})
