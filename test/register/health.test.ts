import { expect, test } from 'vitest'
import { getTelemetryHealth } from '../../src/index.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runApp } from './app.ts'

test('getTelemetryHealth tells what became of the telemetry of this process', async () => {
  const receiver = await startOtlpReceiver()
  const { stdout } = await runApp('health.mjs', { endpoint: receiver.url })
  await receiver.close()
  expect(JSON.parse(stdout)).toEqual({ spans: 1, waiting: 1, logs: 1 })
})

test('without register it is all zero', () => {
  expect(getTelemetryHealth().traces).toMatchObject({ created: 0, sent: 0, waiting: 0 })
})
