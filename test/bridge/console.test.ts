import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { REGISTER } from '../register/app.ts'
import { attribute, type OtlpItem, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { type Ended, runNode } from '../support/run-node.ts'

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

const APP = fileURLToPath(new URL('../fixtures/bridge/console.mjs', import.meta.url))

function run(env: Readonly<Record<string, string>>): Promise<Ended> {
  return runNode(['--import', REGISTER, APP], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', ...env },
  })
}

const bodyOf = ({ body }: OtlpItem) => body?.stringValue
const captured = () => receiver.logs.filter((record) => attribute(record, 'source') === 'console')

test('with TTS_OTEL_CAPTURE_CONSOLE each line of the console is a record as well, with its request and span, without secrets', async () => {
  const { code, stdout, stderr } = await run({ TTS_OTEL_CAPTURE_CONSOLE: '1' })
  expect(code).toBe(0)
  expect(stdout).toContain("captured log { password: 'hunter2', n: 1 }")
  expect(stderr).toContain('captured warn\ncaptured error TypeError: no voice')

  const records = captured().filter((record) => bodyOf(record)?.startsWith('captured'))
  expect(records.map((record) => [bodyOf(record), record.severityText])).toEqual([
    ["captured log { password: '[REDACTED]', n: 1 }", 'INFO'],
    ['captured info', 'INFO'],
    ['captured debug', 'DEBUG'],
    ['captured warn', 'WARNING'],
    ['captured error TypeError: no voice', 'ERROR'],
  ])
  const job = receiver.spans.find(({ name }) => name === 'job')
  for (const record of records) {
    expect(record).toMatchObject({ traceId: job?.traceId, spanId: job?.spanId })
    expect(attribute(record, 'request_id')).toBe('r-1')
    expect(attribute(record, 'log.record.uid')).toMatch(/^[0-9a-f-]{36}$/)
  }
  expect(attribute(records[4], 'exception.type')).toBe('TypeError')
})

test('what writes to the console while it is shown does not come round again', async () => {
  const { code } = await run({ TTS_OTEL_CAPTURE_CONSOLE: '1' })
  expect(code).toBe(0)
  const bodies = captured().map(bodyOf)
  expect(bodies.slice(5)).toEqual(['shown', 'from inside', 'last'])
  expect(receiver.logs.filter((record) => bodyOf(record) === 'own record')).toHaveLength(1)
})

test('without the setting nothing is captured', async () => {
  await run({})
  expect(captured()).toEqual([])
  expect(receiver.logs.map(bodyOf)).toEqual(['own record'])
})
