import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'

function urls(env: Record<string, string>) {
  const { config, problems } = parseConfig(env)
  const { traces, metrics, logs } = config.signals
  return { urls: [traces.url, metrics.url, logs.url], problems }
}

const own = (host: string) => [`${host}/v1/traces`, `${host}/v1/metrics`, `${host}/v1/logs`]

test('OTEL_EXPORTER_OTLP_ENDPOINT unset: a collector on this machine', () => {
  expect(urls({})).toEqual({ urls: own('http://localhost:4318'), problems: [] })
  expect(urls({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' })).toEqual({ urls: own('http://localhost:4318'), problems: [] })
})

test.each([
  ['http://collector:4318', 'http://collector:4318'],
  ['https://collector/', 'https://collector'],
  ['https://collector/base', 'https://collector/base'],
  ['https://collector/base/', 'https://collector/base'],
])('OTEL_EXPORTER_OTLP_ENDPOINT=%s gets the path of each signal', (endpoint, base) => {
  expect(urls({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual({ urls: own(base), problems: [] })
})

test('OTEL_EXPORTER_OTLP_ENDPOINT keeps its query behind the path', () => {
  expect(urls({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector/otlp?tenant=a' }).urls[0]).toBe('https://collector/otlp/v1/traces?tenant=a')
})

test('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used as it is, for traces alone', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:1', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b:2' }
  expect(urls(env).urls).toEqual(['http://b:2/', 'http://a:1/v1/metrics', 'http://a:1/v1/logs'])
  expect(urls({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://b:2/my/path' }).urls[2]).toBe('http://b:2/my/path')
})

test('a wrong OTEL_EXPORTER_OTLP_ENDPOINT is told once, with what to write', () => {
  const { urls: used, problems } = urls({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })
  expect(used).toEqual(own('http://localhost:4318'))
  expect(problems).toEqual([
    'OTEL_EXPORTER_OTLP_ENDPOINT="collector:4318" is not an address that starts with http:// or https:// (write http://collector:4318); using http://localhost:4318',
  ])
})

test('a wrong endpoint of one signal leaves the general one in force', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:1', OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'grpc://b:4317' }
  expect(urls(env)).toEqual({
    urls: own('http://a:1'),
    problems: [
      'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="grpc://b:4317" is not an address that starts with http:// or https://; the value of OTEL_EXPORTER_OTLP_ENDPOINT holds',
    ],
  })
})

test('a password and a query in a wrong address are not shown', () => {
  const { problems } = urls({ OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://user:hunter2@host/path?token=hunter2' })
  expect(problems[0]).toContain('"ftp://[REDACTED]@host/path?…"')
  expect(problems.join()).not.toContain('hunter2')
})

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://user:hunter2/x@host:4318'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://user:hunter2?x@host:4318'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'user:1hunter2@host:4318'],
  ['HTTPS_PROXY', 'user:hunter2%zz@proxy:3128'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'api_key=hunter2,broken%zz'],
])('the message about a wrong %s=%s holds no secret', (name, value) => {
  const { problems } = parseConfig({ [name]: value })
  expect(problems).toHaveLength(1)
  expect(problems[0]).not.toContain('hunter2')
})
