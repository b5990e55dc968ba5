import { inspect } from 'node:util'
import { type AnyValue, type LogRecord, SpanStatusCode } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import { withRequest } from '../../src/request-context.ts'
import { attribute } from '../support/otlp-receiver.ts'
import { type Open, openSdk } from './open.ts'

let open: Open
afterEach(() => open.close())

async function sent(records: readonly LogRecord[], env: Record<string, string> = {}) {
  open = await openSdk(env)
  const logger = open.sdk.loggerProvider.getLogger('test')
  for (const record of records) logger.emit(record)
  expect(await open.sdk.forceFlush()).toBe(true)
  return open.receiver.logs
}

const bodyOf = (body: unknown) => JSON.stringify(body)

test('every record gets an id of its own that sorts by time', async () => {
  const logs = await sent([{ body: 'one' }, { body: 'two' }, { body: 'three', attributes: { 'log.record.uid': 'mine' } }])
  const ids = logs.map((log) => String(attribute(log, 'log.record.uid')))
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(ids[0]! < ids[1]!).toBe(true)
  expect(ids[2]).toBe('mine')
})

test('the ids are there at the attribute limit', async () => {
  open = await openSdk({ OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: '1' })
  const logger = open.sdk.loggerProvider.getLogger('test')
  withRequest({ requestId: 'r-1', userId: 'u-1' }, () => logger.emit({ body: 'full', attributes: { a: 1, b: 2 } }))
  await open.sdk.forceFlush()
  const [log] = open.receiver.logs
  expect(attribute(log, 'log.record.uid')).toBeDefined()
  expect([attribute(log, 'request_id'), attribute(log, 'user_id'), attribute(log, 'b')]).toEqual(['r-1', 'u-1', undefined])
})

test('secrets are gone from the body and the attributes, and the objects of the app are as they were', async () => {
  const body = { user: 'ann', password: 'hunter2', list: ['Bearer abcdefghijklmnopqrstuvwxyz0123456789'] }
  const attributes = { api_key: 'hunter2', plain: 1 }
  const logs = await sent([{ body, attributes }, { body: 'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789' }])
  expect(logs).toHaveLength(2)
  expect(JSON.stringify(logs)).not.toMatch(/hunter2|abcdefghijklmnop/)
  expect(JSON.stringify(logs)).toContain('ann')
  expect(body.password).toBe('hunter2')
  expect(attributes.api_key).toBe('hunter2')
})

test('what the app changes after the call is not sent', async () => {
  open = await openSdk()
  const body = { step: 'before' }
  open.sdk.loggerProvider.getLogger('test').emit({ body })
  body.step = 'hunter2'
  await open.sdk.forceFlush()
  expect(bodyOf(open.receiver.logs[0]?.body)).toContain('before')
})

test('bodies that OTLP has no type for are sent as text', async () => {
  const cyclic: Record<string, AnyValue> = { name: 'cyclic' }
  cyclic.self = cyclic
  const error: unknown = new Error('broken')
  const logs = await sent([{ body: cyclic }, Reflect.apply(Object.assign, Object, [{}, { body: error }])])
  expect(bodyOf(logs[0]?.body)).toContain('cyclic')
  expect(bodyOf(logs[1]?.body)).toContain('broken')
})

test('a body that throws when it is shown does not throw into the app', async () => {
  const body: unknown = {
    at: new Date(0),
    [inspect.custom]() {
      throw new Error('not now')
    },
  }
  const logs = await sent([Reflect.apply(Object.assign, Object, [{}, { body }])])
  expect(bodyOf(logs[0]?.body)).toContain('1970')
})

test.each([
  ['logs', 0],
  ['logs/dup', 1],
] as const)('OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN=%s makes log records of exceptions', async (mode, events) => {
  open = await openSdk({ OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: mode })
  const span = open.sdk.tracerProvider.getTracer('app.tts').startSpan('job', { attributes: { request_id: 'r-1' } })
  span.recordException(new TypeError('token=hunter2 refused'))
  span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
  expect(await open.sdk.forceFlush()).toBe(true)

  const { logs, spans } = open.receiver
  expect(logs).toHaveLength(1)
  expect(logs[0]).toMatchObject({
    eventName: 'exception',
    severityText: 'ERROR',
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
  })
  expect(attribute(logs[0], 'exception.type')).toBe('TypeError')
  expect(attribute(logs[0], 'request_id')).toBe('r-1')
  expect(spans[0]).toMatchObject({ events: { length: events } })
  expect(JSON.stringify([logs, spans])).not.toContain('hunter2')
})

test('OTEL_LOGS_EXPORTER=none: loggers say that they are not enabled', async () => {
  open = await openSdk({ OTEL_LOGS_EXPORTER: 'none' })
  expect(open.sdk.loggerProvider.getLogger('test').enabled()).toBe(false)
})
