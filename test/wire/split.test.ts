import { expect, test } from 'vitest'
import { createEncoder } from '../../src/wire/encode.ts'
import { type Chunk, SIGNALS, type Signal } from '../../src/wire/signal.ts'
import { splitChunk } from '../../src/wire/split.ts'
import { randomTelemetry } from '../collector/receive/telemetry.ts'
import { seededRandom } from '../support/random.ts'

const telemetry = randomTelemetry(seededRandom(3), 30)

function encodeAs(signal: Signal, encoding: Chunk['encoding']): Chunk {
  if (signal === 'traces') return createEncoder(signal, encoding).encode(telemetry.traces)
  if (signal === 'logs') return createEncoder(signal, encoding).encode(telemetry.logs)
  return createEncoder(signal, encoding).encode([telemetry.metrics])
}

/** Cuts until nothing can be cut any more. */
function cutToPieces(chunk: Chunk): readonly Chunk[] {
  const halves = splitChunk(chunk)
  return halves ? halves.flatMap(cutToPieces) : [chunk]
}

const cases = SIGNALS.flatMap((signal) => (['protobuf', 'json'] as const).map((encoding) => [signal, encoding] as const))

test.each(cases)('%s in %s are cut into halves, down to single items, none lost and none doubled', (signal, encoding) => {
  const chunk = encodeAs(signal, encoding)
  const halves = splitChunk(chunk)
  expect(halves?.map((half) => half.items)).toEqual([chunk.items >> 1, chunk.items - (chunk.items >> 1)])

  const pieces = cutToPieces(chunk)
  expect(pieces.map((piece) => piece.items)).toEqual(Array(chunk.items).fill(1))
  if (encoding === 'json') expect(pieces.flatMap(readItems)).toEqual(readItems(chunk))
})

/** Each item with its resource, scope and metric, as text. */
function readItems(chunk: Chunk): string[] {
  const items: string[] = []
  const collect = (node: unknown, context: unknown[]): void => {
    if (typeof node !== 'object' || node === null) return
    const lists = Object.entries(node).filter(([key]) => CONTAINERS.has(key))
    const rest = Object.entries(node).filter(([key]) => !CONTAINERS.has(key))
    if (lists.length === 0) items.push(JSON.stringify([...context, rest]))
    for (const [, inner] of lists) for (const child of Array.isArray(inner) ? inner : [inner]) collect(child, [...context, rest])
  }
  collect(JSON.parse(Buffer.from(chunk.bytes).toString()), [])
  return items
}

const CONTAINERS = new Set([
  ...['resourceSpans', 'scopeSpans', 'spans', 'resourceLogs', 'scopeLogs', 'logRecords', 'resourceMetrics', 'scopeMetrics', 'metrics'],
  ...['gauge', 'sum', 'histogram', 'exponentialHistogram', 'dataPoints'],
])

test.each(['protobuf', 'json'] as const)('bytes that cannot be read (%s) are not cut', (encoding) => {
  const bytes = Buffer.from('{"resourceSpans":')
  expect(splitChunk({ signal: 'traces', encoding, bytes, items: 5 })).toBeUndefined()
})
