import { expect, test } from 'vitest'
import { createEncoder } from '../../src/wire/encode.ts'
import { countItems } from '../../src/wire/protobuf.ts'
import { splitChunk } from '../../src/wire/split.ts'
import { randomTelemetry } from '../collector/receive/telemetry.ts'
import { seededRandom } from '../support/random.ts'

const telemetry = randomTelemetry(seededRandom(7), 60)
const large = randomTelemetry(seededRandom(8), 400)

test.each(['protobuf', 'json'] as const)('spans, log records and metric points are counted as they are encoded (%s)', (encoding) => {
  const chunks = [
    createEncoder('traces', encoding).encode(telemetry.traces),
    createEncoder('logs', encoding).encode(telemetry.logs),
    createEncoder('metrics', encoding).encode([telemetry.metrics]),
  ]
  for (const chunk of chunks) {
    expect(chunk.items).toBeGreaterThanOrEqual(21)
    const items = chunk.encoding === 'protobuf' ? countItems(chunk.signal, chunk.bytes) : undefined
    if (items !== undefined) expect(chunk.items).toBe(items)
    else expect(splitChunk(chunk)?.map((half) => half.items)).toEqual([chunk.items >> 1, chunk.items - (chunk.items >> 1)])
  }
})

test('a chunk, which may wait for long, holds hardly more memory than its bytes', () => {
  for (const signal of ['traces', 'logs'] as const) {
    const { bytes } =
      signal === 'traces' ? createEncoder(signal, 'protobuf').encode(large.traces) : createEncoder(signal, 'protobuf').encode(large.logs)
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(bytes.byteLength * 1.1)
  }
})

test('the estimate of bytes is near enough to bound memory: between half and three times the protobuf', () => {
  const estimates = [
    { encoder: createEncoder('traces', 'protobuf'), items: large.traces },
    { encoder: createEncoder('logs', 'protobuf'), items: large.logs },
    { encoder: createEncoder('metrics', 'protobuf'), items: [large.metrics] },
  ] as const
  const ratios = [
    ratio(estimates[0].encoder, estimates[0].items),
    ratio(estimates[1].encoder, estimates[1].items),
    ratio(estimates[2].encoder, estimates[2].items),
  ]
  for (const value of ratios) {
    expect(value).toBeGreaterThan(0.5)
    expect(value).toBeLessThan(3)
  }
})

type Measurable<T> = {
  readonly encode: (items: readonly T[]) => { readonly bytes: Uint8Array }
  readonly estimateBytes: (item: T) => number
}

function ratio<T>(encoder: Measurable<T>, items: readonly T[]): number {
  const estimate = items.reduce((sum, item) => sum + encoder.estimateBytes(item), 0)
  return estimate / encoder.encode(items).bytes.length
}

test('a log body of any depth, even a circular one, is measured without an error', () => {
  const body: Record<string, unknown> = { text: 'x'.repeat(1_000) }
  body.self = body
  const [record] = telemetry.logs
  const circular = { ...record!, body: body as never }
  expect(createEncoder('logs', 'protobuf').estimateBytes(circular)).toBeGreaterThan(1_000)
})
