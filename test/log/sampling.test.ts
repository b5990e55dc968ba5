import { context, TraceFlags, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Line } from '../../src/log/line.ts'
import { createLoggers, type Logger } from '../../src/log/logger.ts'
import { isSampled } from '../../src/log/sample.ts'
import { withRequest } from '../../src/request-context.ts'
import { startTelemetry } from '../tts/support.ts'

const lines: Line[] = []
let telemetry: ReturnType<typeof startTelemetry>
beforeEach(() => {
  lines.length = 0
  telemetry = startTelemetry()
})
afterEach(() => telemetry.stop())

/** A logger as one process has it. */
function startProcess(sampleRatio: number): Logger {
  const format = (line: Line) => {
    lines.push(line)
    return ''
  }
  const route = {
    least: 0,
    sinks: [
      { kind: 'lines' as const, least: 0, format, write: () => {} },
      { kind: 'otlp' as const, least: 0 },
    ],
  }
  const routes = { find: () => route }
  return createLoggers({
    routing: { current: () => routes, add: () => {} },
    config: () => ({ hashKey: undefined, sampleRatio }),
  }).getLogger('app')
}

/** Random as trace ids of others are: only the last 56 bits need be. */
const traceIds = Array.from(
  { length: 2_000 },
  () => `000000000000000000${Array.from({ length: 14 }, () => Math.floor(Math.random() * 16).toString(16)).join('')}`,
)
const inTrace = <T>(traceId: string, run: () => T): T =>
  context.with(trace.setSpanContext(context.active(), { traceId, spanId: '00f067aa0ba902b7', traceFlags: TraceFlags.SAMPLED }), run)

describe('of the DEBUG records of traces', () => {
  test('the share is kept, a trace as a whole, and by every process the same', () => {
    const [one, two] = [startProcess(0.25), startProcess(0.25)]
    const kept = traceIds.filter((traceId) => {
      const ids = inTrace(traceId, () => [one.debug('a'), one.child({}).debug('b'), two.debug('c')])
      expect(new Set(ids.map((id) => id === '')).size, 'all or none').toBe(1)
      return ids[0] !== ''
    })
    expect(kept.length / traceIds.length).toBeGreaterThan(0.2)
    expect(kept.length / traceIds.length).toBeLessThan(0.3)
    expect(lines).toHaveLength(kept.length * 3)
    expect(telemetry.records()).toHaveLength(kept.length * 3)
  })

  test('a trace that a ratio keeps is kept by every higher one', () => {
    for (const traceId of traceIds) {
      const kept = [0.01, 0.1, 0.5, 0.9, 1].map((ratio) => isSampled(ratio, { traceId, requestId: undefined }))
      expect(kept).toEqual(kept.toSorted())
    }
  })

  test.each([
    ['ffffffffffffff', 0.000_001, true],
    ['00000000000000', 0.999_999, false],
    ['80000000000000', 0.5, true],
    ['7fffffffffffff', 0.5, false],
  ])('the random part %s is kept by %s: %s, as OpenTelemetry defines it', (random, ratio, kept) => {
    expect(isSampled(ratio, { traceId: `ffffffffffffffffff${random}`.slice(-32), requestId: undefined })).toBe(kept)
  })
})

test('without a trace those of a request are kept together, a share of the requests', () => {
  const log = startProcess(0.25)
  const kept = Array.from({ length: 2_000 }, (_, index) =>
    withRequest({ requestId: `job-${index}` }, () => {
      const ids = [log.debug('a'), log.debug('b')]
      expect(ids[0] === '').toBe(ids[1] === '')
      return ids[0] !== ''
    }),
  )
  const share = kept.filter(Boolean).length / kept.length
  expect(share).toBeGreaterThan(0.2)
  expect(share).toBeLessThan(0.3)
})

test('without either each is decided by chance', () => {
  const kept = Array.from({ length: 1_000 }, (_, index) =>
    isSampled(0.3, { traceId: undefined, requestId: undefined }, () => index / 1_000),
  )
  expect(kept.filter(Boolean)).toHaveLength(300)
})

test('what is kept says the ratio, in lines and in OpenTelemetry', () => {
  const log = startProcess(0.999)
  while (log.debug('m') === '');
  expect(lines[0]?.attributes).toMatchObject({ 'log.sample_ratio': 0.999 })
  expect(telemetry.records()[0]?.attributes).toMatchObject({ 'log.sample_ratio': 0.999 })
})

test('INFO and worse are never dropped and say no ratio', () => {
  const log = startProcess(0)
  const ids = [log.debug('d'), log.info('i'), log.warning('w'), log.error('e'), log.critical('c')]
  expect(ids.map((id) => id !== '')).toEqual([false, true, true, true, true])
  for (const { attributes } of lines) expect(attributes).not.toHaveProperty('log.sample_ratio')
})

test('a ratio of 1 keeps all and says none', () => {
  const log = startProcess(1)
  expect(log.debug('m')).not.toBe('')
  expect(lines[0]?.attributes).not.toHaveProperty('log.sample_ratio')
})
