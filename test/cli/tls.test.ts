import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { startReceiver } from '../collector/receive/receiver.ts'
import { createAuthority } from '../collector/support/authority.ts'
import { makeCertificate } from '../delivery/support/certificate.ts'
import { startCollector } from '../delivery/support/collector.ts'
import { runCli } from './support/doctor.ts'
import { diagnose, listen, type Stops, writeCertificate } from './support/endpoint.ts'

const stops: Stops = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

test('a certificate of an unknown authority; with its certificate all is well but the date', async () => {
  const certificate = makeCertificate('127.0.0.1')
  const collector = await startCollector({ tls: certificate })
  stops.push(collector.stop)

  const refused = await diagnose(stops, collector.url)
  expect(refused.codes('problem')).toEqual(['tls-trust'])
  expect(refused.of('tls-trust')[0]).toMatch(
    /^problem: the certificate of 127\.0\.0\.1:\d+ \(of 127\.0\.0\.1, by 127\.0\.0\.1\) is refused: /,
  )

  const trusted = await diagnose(stops, collector.url, { OTEL_EXPORTER_OTLP_CERTIFICATE: writeCertificate(stops, certificate.cert) })
  expect(trusted.codes('problem')).toEqual([])
  expect(trusted.of('tls-expiry')[0]).toMatch(/^warning: the certificate ends \d{4}-\d\d-\d\d, in 1 day$/)
  expect(trusted.of('delivery')[0]).toMatch(/^ok: /)
})

test('a certificate for another name', async () => {
  const certificate = makeCertificate('elsewhere.test')
  const collector = await startCollector({ tls: certificate })
  stops.push(collector.stop)
  const report = await diagnose(stops, collector.url, { OTEL_EXPORTER_OTLP_CERTIFICATE: writeCertificate(stops, certificate.cert) })

  expect(report.codes('problem')).toEqual(['tls-trust'])
  expect(report.of('tls-trust')[0]).toContain('elsewhere.test')
})

test('a collector that wants a client certificate: with one all is well, without one it says which variables', async () => {
  const authority = createAuthority()
  const { port } = await startReceiver({ kind: 'ok' }, { tls: { ...authority.issue(['localhost']), clientCa: authority.ca } })
  const client = authority.issue(['app'])
  const trusting = { OTEL_EXPORTER_OTLP_CERTIFICATE: writeCertificate(stops, authority.ca) }
  const withOne = await diagnose(stops, `https://127.0.0.1:${port}`, {
    ...trusting,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: writeCertificate(stops, client.cert),
    OTEL_EXPORTER_OTLP_CLIENT_KEY: writeCertificate(stops, client.key),
  })
  expect(withOne.codes('problem')).toEqual([])
  expect(withOne.of('delivery')[0]).toMatch(/^ok: /)

  const without = await diagnose(stops, `https://127.0.0.1:${port}`, trusting)
  expect(without.codes('problem')).toEqual(['tls'])
  expect(without.findings.find(({ status }) => status === 'problem')?.remedy).toContain('OTEL_EXPORTER_OTLP_CLIENT_KEY')
  expect(without.of('tls').join()).toContain('the collector wants a client certificate: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE')
})

test('stored log records are read over TLS with a client certificate, and without one it is said what to set', async () => {
  const authority = createAuthority()
  const api = (_request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('content-type', 'application/json').end('{"logs":[],"next_cursor":null}')
    return true
  }
  const { port } = await startReceiver({ kind: 'ok' }, { tls: { ...authority.issue(['localhost']), clientCa: authority.ca }, api })
  const client = authority.issue(['app'])
  const read = (env: Record<string, string>) =>
    runCli(['logs', '--request-id', 'r-1'], {
      env: {
        TTS_OTEL_COLLECTOR_URL: `https://127.0.0.1:${port}`,
        OTEL_EXPORTER_OTLP_CERTIFICATE: writeCertificate(stops, authority.ca),
        ...env,
      },
    })
  const withOne = await read({
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: writeCertificate(stops, client.cert),
    OTEL_EXPORTER_OTLP_CLIENT_KEY: writeCertificate(stops, client.key),
  })
  expect([withOne.code, withOne.stderr]).toEqual([0, expect.not.stringContaining('not reached')])
  const without = await read({})
  expect(without.code).toBe(1)
  expect(without.stderr).toContain('the collector wants a client certificate: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE')
})

test('https for a collector without TLS', async () => {
  const collector = await startCollector()
  stops.push(collector.stop)
  const report = await diagnose(stops, collector.url.replace('http:', 'https:'))

  expect(report.codes('problem')).toEqual(['tls'])
  expect(report.of('tls')[0]).toContain('it answers without TLS (plain HTTP?)')
})

test('through a proxy: the way to it, the way it opens, and its refusal without the password', async () => {
  const certificate = makeCertificate('collector.test')
  const collector = await startCollector({ tls: certificate })
  stops.push(collector.stop)
  const proxy = http.createServer()
  proxy.on('connect', ({ headers }, client: Socket) => {
    if (headers['proxy-authorization'] === undefined) return client.end('HTTP/1.1 407 No\r\n\r\n')
    const upstream = connect(collector.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())
    stops.push(() => upstream.destroy())
  })
  const port = await listen(stops, proxy)
  const env = {
    OTEL_EXPORTER_OTLP_CERTIFICATE: writeCertificate(stops, certificate.cert),
    HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${port}`,
  }

  const report = await diagnose(stops, 'https://collector.test:4318', env)
  expect(report.codes('problem')).toEqual([])
  expect(report.of('tcp')[0]).toMatch(new RegExp(`^ok: the proxy 127.0.0.1:${port} is reached`))
  expect(report.of('proxy')).toEqual([`ok: the proxy 127.0.0.1:${port} opens a way to collector.test:4318`])
  expect(report.of('delivery')[0]).toMatch(/^ok: /)
  expect(report.stdout).not.toContain('hunter2')

  const refused = await diagnose(stops, 'https://collector.test:4318', { ...env, HTTPS_PROXY: `http://127.0.0.1:${port}` })
  expect(refused.codes('problem')).toEqual(['proxy'])
  expect(refused.of('proxy')).toEqual([`problem: the proxy 127.0.0.1:${port} answered 407 to CONNECT`])
})
