import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'

function headers(env: Record<string, string>) {
  const { config, problems } = parseConfig(env)
  return { traces: config.signals.traces.headers, logs: config.signals.logs.headers, problems }
}

test('OTEL_EXPORTER_OTLP_HEADERS unset: none', () => {
  expect(headers({})).toEqual({ traces: {}, logs: {}, problems: [] })
})

test.each([
  ['api-key=secret', { 'api-key': 'secret' }],
  ['Authorization=Bearer%20abc%3D%3D,x-tenant= a ', { Authorization: 'Bearer abc==', 'x-tenant': 'a' }],
  ['authorization=Basic dXNlcjpwYXNz==', { authorization: 'Basic dXNlcjpwYXNz==' }],
  ['a=1,,b=,', { a: '1', b: '' }],
])('OTEL_EXPORTER_OTLP_HEADERS=%s', (value, expected) => {
  expect(headers({ OTEL_EXPORTER_OTLP_HEADERS: value })).toEqual({ traces: expected, logs: expected, problems: [] })
})

test('headers of one signal come on top of the general ones', () => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2', OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'b=3' }
  expect(headers(env)).toEqual({ traces: { a: '1', b: '2' }, logs: { a: '1', b: '3' }, problems: [] })
})

test.each(['secret', '=secret', 'a b=secret', 'a=secret%0d%0aevil: 1', 'a=secret%', 'a=secret%e2%82%ac'])(
  'a wrong OTEL_EXPORTER_OTLP_HEADERS=%s is told without showing it',
  (value) => {
    const { traces, problems } = headers({ OTEL_EXPORTER_OTLP_HEADERS: value })
    expect(traces).toEqual({})
    expect(problems).toEqual([
      'OTEL_EXPORTER_OTLP_HEADERS="…" is not a list of HTTP headers like api-key=secret,name=value with percent-encoded values; ignored',
    ])
  },
)
