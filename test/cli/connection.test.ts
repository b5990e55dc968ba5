import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { startCollector } from '../delivery/support/collector.ts'
import { attribute, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { diagnose, listen, type Stops } from './support/endpoint.ts'

const stops: Stops = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

test('an OTLP receiver of somebody else gets one marked span, metric point and log record; reading back is not tried', async () => {
  const receiver = await startOtlpReceiver()
  stops.push(receiver.close)
  const report = await diagnose(stops, receiver.url, { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_TRACES_SAMPLER: 'always_off' })

  expect({ exitCode: report.exitCode, problems: report.codes('problem'), stderr: report.stderr }).toEqual({
    exitCode: 0,
    problems: [],
    stderr: '',
  })
  expect(report.of('delivery')[0]).toMatch(/^ok: acknowledged: span in \d+ ms, metric point in \d+ ms, log record in \d+ ms$/)
  expect(report.of('collector')[0]).toMatch(/^skipped: /)
  const items = [...receiver.spans, ...receiver.logs]
  expect([receiver.spans.length, receiver.logs.length, receiver.metrics.length]).toEqual([1, 1, 1])
  expect(items.map((item) => attribute(item, 'tts_otel.doctor'))).toEqual([true, true])
  const senders = receiver.resources.map((resource) => [attribute(resource, 'service.name'), attribute(resource, 'tts_otel.doctor')])
  expect(senders).toEqual([0, 1, 2].map(() => ['speech', 'true']))
})

test('nothing listens: the port is named, nothing else is tried', async () => {
  const port = await listen(stops, createServer())
  for (const stop of stops.splice(0)) await stop()
  const report = await diagnose(stops, `http://127.0.0.1:${port}`)

  expect(report.exitCode).toBe(1)
  expect(report.codes('problem')).toEqual(['tcp'])
  expect(report.of('tcp')).toEqual([`problem: 127.0.0.1:${port} is not reached: connect ECONNREFUSED 127.0.0.1:${port}`])
  expect(report.of('delivery')).toEqual([`skipped: traces, metrics, logs: not tried, there is no way to http://127.0.0.1:${port}`])
})

test('a name that nobody knows', async () => {
  // Longer than a label may be, so that no name server is asked.
  const name = 'x'.repeat(64)
  const report = await diagnose(stops, `http://${name}:4317`)

  expect(report.codes('problem')).toEqual(['dns'])
  expect(report.of('dns')[0]).toMatch(new RegExp(`^problem: ${name} is not found: `))
  expect(report.of('grpc-port')).toEqual([`warning: http://${name}:4317 has the port of gRPC`])
})

test('401: the remedy is the token, which is not shown', async () => {
  const answer = () => ({ status: 401, headers: { 'content-type': 'text/plain' }, body: 'no such token: hunter2hunter2' })
  const collector = await startCollector({ answer })
  stops.push(collector.stop)
  const report = await diagnose(stops, collector.url, { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer hunter2hunter2' })

  expect({ exitCode: report.exitCode, problems: report.codes('problem') }).toEqual({ exitCode: 1, problems: ['auth'] })
  expect(report.of('auth')[0]).toMatch(/^problem: traces, metrics, logs: \S+\/v1\/traces answered 401 \(no such token: \S+\)$/)
  expect(report.findings.find(({ code }) => code === 'auth')?.remedy).toContain('OTEL_EXPORTER_OTLP_HEADERS')
  expect(report.stdout).not.toContain('hunter2')
})

test('what a collector says to write for a token is shown as it says it', async () => {
  const says = 'This collector wants "Authorization: Bearer <token>" (set OTEL_EXPORTER_OTLP_HEADERS to authorization=Bearer%20<token>).'
  const collector = await startCollector({ answer: () => ({ status: 401, headers: { 'content-type': 'text/plain' }, body: says }) })
  stops.push(collector.stop)
  const report = await diagnose(stops, collector.url)

  expect(report.of('auth')[0]).toContain(says)
})

test('one signal with an address of its own that does not exist', async () => {
  const answer = ({ path }: { readonly path: string }) => ({
    status: path === '/v1/logs' ? 404 : 200,
    headers: { 'content-type': 'application/x-protobuf' },
  })
  const collector = await startCollector({ answer })
  stops.push(collector.stop)
  const report = await diagnose(stops, collector.url)

  expect(report.of('answer')).toEqual([
    `problem: logs: ${collector.url}/v1/logs answered 404`,
    'ok: traces, metrics: an empty request is answered',
  ])
  expect(report.of('delivery')).toEqual([expect.stringMatching(/^ok: acknowledged: span/), 'skipped: logs: not tried after this answer'])
})

test('a collector that takes nothing but empty requests', async () => {
  const answer = ({ body }: { readonly body: Buffer }) => ({
    status: body.length > 0 ? 500 : 200,
    headers: { 'content-type': 'application/x-protobuf' },
  })
  const collector = await startCollector({ answer })
  stops.push(collector.stop)
  const report = await diagnose(stops, collector.url)

  expect(report.codes('problem')).toEqual(['delivery', 'delivery', 'delivery'])
  expect(report.of('delivery')[0]).toContain('/v1/traces answered 500')
})

test('a server that accepts and says nothing costs five seconds, not more', async () => {
  const port = await listen(stops, createServer())
  const report = await diagnose(stops, `http://127.0.0.1:${port}`)

  expect(report.codes('problem')).toEqual(['answer'])
  expect(report.of('answer')[0]).toMatch(/traces, metrics, logs: .*no answer within \d+ ms$/)
  expect(JSON.parse(report.stdout).duration_ms).toBeLessThan(9_000)
})

test('nothing is sent where nothing should be', async () => {
  const collector = await startCollector()
  stops.push(collector.stop)
  const off = await diagnose(stops, collector.url, { OTEL_SDK_DISABLED: 'true' })
  const partly = await diagnose(stops, collector.url, { OTEL_LOGS_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'console' })

  expect(off.of('sdk-enabled')).toEqual(['warning: OTEL_SDK_DISABLED is true: no telemetry'])
  expect(partly.of('sdk-enabled')).toEqual(['skipped: not sent, as configured: logs'])
  expect(new Set(collector.received.map(({ path }) => path))).toEqual(new Set(['/v1/traces', '/health']))
})
