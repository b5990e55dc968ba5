/** `transport: { target: 'tts-otel/pino' }`: pino's worker loads the built bundle. */
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'

const register = fileURLToPath(new URL('../../register.js', import.meta.url))
const app = fileURLToPath(new URL('../fixtures/bridge/pino-transport.mjs', import.meta.url))

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

/** At an abrupt end the process has 300 ms, which a machine that is busy with other tests may not give it. */
const busy = { retry: 3 }

test.each([
  ['its natural end', 'end', 0],
  ['process.exit', 'exit', 3],
  ['an uncaught error', 'throw', 1],
])('lines of pino arrive from its worker, also when the app ends by %s', busy, async (_, end, expectedCode) => {
  receiver.spans.length = 0
  receiver.logs.length = 0
  const { code } = await runNode(['--import', register, app, end], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
  })
  expect(code).toBe(expectedCode)
  const records = receiver.logs.filter((record) => attribute(record, 'source') === 'app.tts')
  expect(records.map(({ body, severityText }) => [body?.stringValue, severityText])).toEqual([
    ['from the worker', 'notice'],
    ['no voice', 'error'],
  ])
  const job = receiver.spans.find(({ name }) => name === 'job')
  for (const record of records) {
    expect(record).toMatchObject({ traceId: job?.traceId, spanId: job?.spanId })
    expect(attribute(record, 'request_id')).toBe('r-9')
  }
  expect(attribute(records[1], 'exception.type')).toBe('TypeError')
  expect(JSON.stringify(receiver.logs)).not.toContain('hunter2')
})

test('without register the worker makes an SDK of its own from the environment', async () => {
  const { code } = await runNode([app], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
  })
  expect(code).toBe(0)
  expect(receiver.logs.map(({ body }) => body?.stringValue)).toEqual(['from the worker', 'no voice'])
})

test.each(['SIGTERM', 'SIGINT'] as const)('lines of pino arrive from its worker when the app dies of %s', async (signal) => {
  const ended = await runNode(['--import', register, app, 'signal'], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '15000' },
    onReady: (child) => void child.kill(signal),
  })
  expect([ended.code, ended.signal]).toEqual([null, signal])
  const last = receiver.logs.map(({ body }) => body?.stringValue).filter((message) => message?.startsWith('last'))
  expect(last).toEqual(Array.from({ length: 100 }, (_, line) => `last ${line}`))
})
