import { expect, test } from 'vitest'
import { createStats } from '../../collector/src/stats.ts'

test('GET /metrics text has every counter by signal, refusals by reason', () => {
  const stats = createStats()
  stats.addReceived('logs', 10)
  stats.addStored('logs', 7)
  stats.addRejected('logs', 3)
  stats.addBelowLevel('logs', 4)
  stats.addRefused('traces', 'too_large')
  const text = stats.prometheus()
  expect(text).toContain('tts_otel_collector_records_received_total{signal="logs"} 10\n')
  expect(text).toContain('tts_otel_collector_records_stored_total{signal="logs"} 7\n')
  expect(text).toContain('tts_otel_collector_records_rejected_total{signal="logs"} 3\n')
  expect(text).toContain('tts_otel_collector_records_below_level_total{signal="logs"} 4\n')
  expect(text).toContain('tts_otel_collector_requests_refused_total{signal="traces",reason="too_large"} 1\n')
  expect(text.match(/^# TYPE .* counter$/gm)?.length).toBe(5)
})

test('a snapshot stays as it was', () => {
  const stats = createStats()
  const before = stats.snapshot()
  stats.addReceived('metrics', 1)
  stats.addRefused('metrics', 'undecodable')
  expect(before.metrics).toMatchObject({ received: 0, refused: { undecodable: 0 } })
  expect(stats.snapshot().metrics).toMatchObject({ received: 1, refused: { undecodable: 1 } })
})
