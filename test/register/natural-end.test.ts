import { afterEach, beforeEach, expect, test } from 'vitest'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { REGISTER, runApp } from './app.ts'

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

test.each([
  ['--import', [REGISTER]],
  ['--require', [REGISTER]],
  ['--import twice', [REGISTER, '--import', `${REGISTER}?again`]],
])('%s: what an app made before it ended arrives once, and the app notices nothing', async (flag, paths) => {
  const flags = [flag.split(' ')[0]!, ...paths]
  const { code, stdout, stderr } = await runApp('telemetry.mjs', { endpoint: receiver.url, flags })

  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'done\n', stderr: '' })
  expect(receiver.spans.map(({ name }) => name)).toEqual(['job'])
  expect(receiver.logs.map(({ body }) => body?.stringValue)).toEqual(['job'])
  expect(receiver.metrics.map(({ name }) => name)).toContain('app.jobs')
  expect(attribute(receiver.logs[0], 'log.record.uid')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
})

test('an app that goes on at beforeExit loses nothing of either half', async () => {
  const { code, stderr } = await runApp('goes-on.mjs', { endpoint: receiver.url })

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(receiver.spans.map(({ name }) => name)).toEqual(['first', 'second'])
})

test('a collector that is away does not hold up the end', async () => {
  await receiver.close()
  const startMs = performance.now()
  const env = { TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '15000' }
  const { code, stdout, stderr } = await runApp('telemetry.mjs', { endpoint: receiver.url, env })

  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' })
  expect(performance.now() - startMs).toBeLessThan(10_000)
  expect(stderr).toMatch(/^tts-otel: /)
})

test('an observable that never answers neither holds up the end nor costs the rest', async () => {
  const startMs = performance.now()
  const { code } = await runApp('hanging-observable.mjs', { endpoint: receiver.url, env: { TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '1000' } })

  expect(code).toBe(0)
  expect(performance.now() - startMs).toBeLessThan(10_000)
  expect([receiver.spans.length, receiver.logs.length]).toEqual([1, 1])
  expect(receiver.metrics.map(({ name }) => name).filter((name) => !name?.startsWith('tts_otel.'))).toEqual(['app.jobs'])
})

test('an end with nothing to keep needs no disk: where none can be used, nothing is said', async () => {
  const env = { TTS_OTEL_SPOOL_DIR: '/proc/telemetry' }
  const { code, stderr } = await runApp('hello.mjs', { endpoint: receiver.url, env })

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('OTEL_SDK_DISABLED=true: no telemetry, and the app works', async () => {
  const { code, stdout, stderr } = await runApp('telemetry.mjs', { endpoint: receiver.url, env: { OTEL_SDK_DISABLED: 'true' } })

  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'done\n', stderr: '' })
  expect([...receiver.spans, ...receiver.logs, ...receiver.metrics]).toEqual([])
})

test('OTEL_*_EXPORTER=console prints a JSON object a line, none prints nothing', async () => {
  const env = { OTEL_TRACES_EXPORTER: 'console', OTEL_LOGS_EXPORTER: 'console', OTEL_METRICS_EXPORTER: 'none' }
  const { stdout, stderr } = await runApp('telemetry.mjs', { endpoint: receiver.url, env })

  const lines = stdout
    .trim()
    .split('\n')
    .filter((line) => line !== 'done')
    .map((line) => JSON.parse(line))
  expect(lines).toEqual([
    expect.objectContaining({ span: 'job', kind: 'INTERNAL', scope: 'app', trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) }),
    expect.objectContaining({ log: 'job', scope: 'app' }),
  ])
  expect(stderr).toBe('')
  expect([...receiver.spans, ...receiver.logs, ...receiver.metrics]).toEqual([])
})

test('OTEL_TRACES_EXPORTER=otlp,console: both get everything', async () => {
  const { stdout } = await runApp('telemetry.mjs', { endpoint: receiver.url, env: { OTEL_TRACES_EXPORTER: 'otlp,console' } })

  expect(stdout).toContain('{"span":"job"')
  expect(receiver.spans.map(({ name }) => name)).toEqual(['job'])
})

test('the resource says who sent it', async () => {
  const env = { OTEL_SERVICE_NAME: 'tts-api', HOSTNAME: 'pod-1', OTEL_RESOURCE_ATTRIBUTES: 'service.version=2.0.1,api_key=hunter2' }
  await runApp('telemetry.mjs', { endpoint: receiver.url, env })

  const [resource] = receiver.resources
  expect(attribute(resource, 'service.name')).toBe('tts-api')
  expect(attribute(resource, 'service.version')).toBe('2.0.1')
  expect(attribute(resource, 'host.name')).toBe('pod-1')
  expect(attribute(resource, 'service.instance.id')).toMatch(/^[0-9a-f-]{36}$/)
  expect(JSON.stringify(receiver.resources)).not.toContain('hunter2')
})
