import { expect, test } from 'vitest'
import { ID_GENERATOR } from '../../src/span-ids.ts'

test('ids are lower-case hex of the right length and do not come twice', () => {
  const traces = Array.from({ length: 10_000 }, ID_GENERATOR.generateTraceId)
  const spans = Array.from({ length: 10_000 }, ID_GENERATOR.generateSpanId)

  expect(traces.every((id) => /^[\da-f]{32}$/.test(id))).toBe(true)
  expect(spans.every((id) => /^[\da-f]{16}$/.test(id))).toBe(true)
  expect(new Set(traces).size).toBe(10_000)
  expect(new Set(spans).size).toBe(10_000)
})
