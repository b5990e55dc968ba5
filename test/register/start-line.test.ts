import { closeSync, openSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { VERSION } from '../../src/resource.ts'
import { describeStart, isStartTold } from '../../src/start-line.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runApp } from './app.ts'

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

test('OTEL_LOG_LEVEL=info: one line with version, service, endpoint and what is instrumented; worker threads say nothing', async () => {
  const env = { OTEL_LOG_LEVEL: 'info', OTEL_SERVICE_NAME: 'speech' }
  const { stderr } = await runApp('worker.mjs', { endpoint: `${receiver.url}/?key=hunter2`, env })

  const lines = stderr.split('\n').filter((line) => line.includes('→'))
  expect(lines).toEqual([
    expect.stringMatching(/^tts-otel: \d+\.\d+\.\d+ speech → http:\/\/127\.0\.0\.1:\d+ \(http-server, fetch, [\w, -]+\)$/),
  ])
})

test.each([{}, { OTEL_LOG_LEVEL: 'error' }])('into a pipe nothing is said with %j', async (env) => {
  expect((await runApp('hello.mjs', { endpoint: receiver.url, env })).stderr).toBe('')
})

test('a disabled SDK does not say that it started', async () => {
  const { stderr } = await runApp('hello.mjs', { endpoint: receiver.url, env: { OTEL_LOG_LEVEL: 'info', OTEL_SDK_DISABLED: 'true' } })
  expect(stderr).not.toContain('→')
})

test('a terminal hears it unless only errors are wanted', () => {
  const terminal = openSync('/dev/null', 'w') // a character device, as terminals are
  const levels = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'] as const
  expect(levels.filter((level) => isStartTold(level, terminal))).toEqual(['warn', 'info', 'debug', 'verbose', 'all'])
  closeSync(terminal)
  expect(isStartTold('warn', terminal)).toBe(false)
})

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://me:hunter2@a:4318/x' }, 'unknown_service → https://a:4318'],
  [
    { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://b/v1/logs', OTEL_METRICS_EXPORTER: 'console' },
    'unknown_service → http://localhost:4318, console, http://b',
  ],
  [{ OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }, 'unknown_service → nowhere'],
])('%j', (env, expected) => {
  expect(describeStart(parseConfig(env).config, ['fetch'])).toBe(`${VERSION} ${expected} (fetch)`)
})
