import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'

const PEM = '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n'

function traces(env: Record<string, string>, readFile?: (path: string) => string) {
  const { config, problems } = parseConfig(env, readFile ? { readFile } : {})
  return { ...config.signals.traces, problems }
}

test('unset: protobuf, uncompressed, ten seconds, the exporter otlp', () => {
  expect(traces({})).toMatchObject({ encoding: 'protobuf', compression: 'none', timeoutMs: 10_000, exporters: ['otlp'], problems: [] })
})

test('OTEL_EXPORTER_OTLP_PROTOCOL for all and for one', () => {
  expect(traces({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }).encoding).toBe('json')
  const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'HTTP/protobuf' }
  expect(traces(env)).toMatchObject({ encoding: 'protobuf', problems: [] })
})

test('OTEL_EXPORTER_OTLP_PROTOCOL=grpc says which port to use', () => {
  const { encoding, problems } = traces({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })
  expect(encoding).toBe('protobuf')
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(
    /grpc is not supported: point OTEL_EXPORTER_OTLP_ENDPOINT at the HTTP port of the collector, usually 4318\); using http\/protobuf$/,
  )
})

test('OTEL_EXPORTER_OTLP_COMPRESSION', () => {
  expect(traces({ OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' })).toMatchObject({ compression: 'zstd', problems: [] })
  expect(traces({ OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip', OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none' }).compression).toBe('none')
  expect(traces({ OTEL_EXPORTER_OTLP_COMPRESSION: 'brotli' })).toMatchObject({
    compression: 'none',
    problems: ['OTEL_EXPORTER_OTLP_COMPRESSION="brotli" is not none, gzip or zstd; using none'],
  })
})

test('OTEL_EXPORTER_OTLP_TIMEOUT: 0 is no limit, the export timeout of the queue may be shorter', () => {
  expect(traces({ OTEL_EXPORTER_OTLP_TIMEOUT: '2500' })).toMatchObject({ timeoutMs: 2_500, problems: [] })
  expect(traces({ OTEL_EXPORTER_OTLP_TIMEOUT: '0' }).timeoutMs).toBe(30_000)
  expect(traces({ OTEL_EXPORTER_OTLP_TIMEOUT: '0', OTEL_BSP_EXPORT_TIMEOUT: '0' }).timeoutMs).toBe(2 ** 31 - 1)
  expect(traces({ OTEL_BSP_EXPORT_TIMEOUT: '500' }).timeoutMs).toBe(500)
})

test.each(['-1', '1.5', '10s', '99999999999'])('a wrong OTEL_EXPORTER_OTLP_TIMEOUT=%s takes the default', (value) => {
  expect(traces({ OTEL_EXPORTER_OTLP_TIMEOUT: value })).toMatchObject({
    timeoutMs: 10_000,
    problems: [`OTEL_EXPORTER_OTLP_TIMEOUT="${value}" is not a whole number from 0 (no limit) to 2147483647; using 10000 ms`],
  })
})

test.each([
  ['console', ['console']],
  ['none', []],
  ['OTLP, console,otlp', ['otlp', 'console']],
])('OTEL_TRACES_EXPORTER=%s', (value, exporters) => {
  expect(traces({ OTEL_TRACES_EXPORTER: value })).toMatchObject({ exporters, problems: [] })
})

test('an exporter that does not exist here is named', () => {
  expect(traces({ OTEL_TRACES_EXPORTER: 'zipkin' })).toMatchObject({
    exporters: ['otlp'],
    problems: ['OTEL_TRACES_EXPORTER="zipkin" is not none or a list of otlp, console; using otlp'],
  })
})

test('certificates are read from their files', () => {
  const env = {
    OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem',
    OTEL_EXPORTER_OTLP_CLIENT_KEY: '/key.pem',
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: '/cert.pem',
  }
  expect(traces(env, (path) => `${PEM}${path}`)).toMatchObject({
    tls: { ca: `${PEM}/ca.pem`, key: `${PEM}/key.pem`, cert: `${PEM}/cert.pem` },
    problems: [],
  })
  expect(traces({}).tls).toEqual({ ca: undefined, key: undefined, cert: undefined })
})

test('a certificate file that is missing or no PEM is told once', () => {
  const missing = traces({ OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/ca.pem' })
  expect(missing.tls.ca).toBeUndefined()
  expect(missing.problems).toHaveLength(1)
  expect(missing.problems[0]).toMatch(/^OTEL_EXPORTER_OTLP_CERTIFICATE="\/nowhere\/ca.pem" cannot be read \(ENOENT.*\); ignored$/)
  expect(traces({ OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: '/x' }, () => 'text').problems).toEqual([
    'OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE="/x" is not a PEM file: it has no line -----BEGIN …-----; ignored',
  ])
})

test('proxies in either case; lower case wins', () => {
  const { config, problems } = parseConfig({
    HTTPS_PROXY: 'http://upper:1',
    https_proxy: 'http://lower:2',
    HTTP_PROXY: 'proxy:8080',
    no_proxy: 'a,.b',
  })
  expect(config.proxy).toEqual({ https: 'http://lower:2', http: 'proxy:8080', no: 'a,.b' })
  expect(problems).toEqual([])
  expect(parseConfig({}).config.proxy).toEqual({ https: undefined, http: undefined, no: undefined })
})

test('a wrong proxy is told without its password', () => {
  const { config, problems } = parseConfig({ HTTPS_PROXY: 'socks5://user:hunter2@proxy:1080' })
  expect(config.proxy.https).toBeUndefined()
  expect(problems).toEqual(['HTTPS_PROXY="socks5://[REDACTED]@proxy:1080" is not the http:// or https:// address of a proxy; ignored'])
})
