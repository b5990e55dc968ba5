import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { createJsonEncoder } from './encode-json.ts'
import type { ItemOf } from './item.ts'
import type { Chunk, Signal } from './signal.ts'
import { writeLogRecord } from './write-log-record.ts'
import { writeMetric } from './write-metric.ts'
import { createRequestEncoder, groupItems, groupMetrics } from './write-request.ts'
import { writeSpan } from './write-span.ts'

/** All that the delivery of one signal has to know about its items. */
export type Encoder<T> = {
  readonly signal: Signal
  /** Most items for one `encode`, which runs in one turn of the event loop: 512 spans take about 1 ms. */
  readonly itemsMax: number
  /** One complete OTLP request. Throws what the serializer throws on a broken item. */
  readonly encode: (items: readonly T[]) => Chunk
  /** Spans, records or data points that the item stands for in the counters. */
  readonly count: (item: T) => number
  /** About as many bytes as the item will need in protobuf; cheap, for limits only. */
  readonly estimateBytes: (item: T) => number
}

type Row<T> = {
  readonly itemsMax: number
  readonly protobuf: (items: readonly T[]) => Uint8Array
  readonly count: (item: T) => number
  readonly estimateBytes: (item: T) => number
}

const ROWS: { readonly [S in Signal]: Row<ItemOf[S]> } = {
  traces: {
    itemsMax: 512,
    protobuf: createRequestEncoder(groupItems<ReadableSpan>, writeSpan),
    count: () => 1,
    estimateBytes: estimateSpan,
  },
  logs: {
    itemsMax: 512,
    protobuf: createRequestEncoder(groupItems<ReadableLogRecord>, writeLogRecord),
    count: () => 1,
    estimateBytes: estimateLogRecord,
  },
  metrics: {
    // One ResourceMetrics may hold thousands of points.
    itemsMax: 1,
    protobuf: createRequestEncoder(groupMetrics, writeMetric),
    count: countDataPoints,
    estimateBytes: (metrics) => countDataPoints(metrics) * DATA_POINT_BYTES,
  },
}

/** The encoder of one signal: `createEncoder('traces', 'protobuf')`. */
export function createEncoder<S extends Signal>(signal: S, encoding: Chunk['encoding']): Encoder<ItemOf[S]> {
  const row: Row<ItemOf[S]> = ROWS[signal]
  const encodeItems = encoding === 'json' ? createJsonEncoder(signal) : row.protobuf
  return {
    signal,
    itemsMax: row.itemsMax,
    count: row.count,
    estimateBytes(item) {
      try {
        return row.estimateBytes(item)
      } catch {
        return RECORD_BYTES // a getter of the app's that throws: `encode` will say so, outside of the app's call
      }
    },
    encode(items) {
      const bytes = encodeItems([...items])
      if (bytes === undefined) throw new Error(`the ${encoding} serializer gave nothing for ${items.length} ${signal}`)
      return { signal, encoding, bytes, items: items.reduce((sum, item) => sum + row.count(item), 0) }
    },
  }
}

function countDataPoints(metrics: ResourceMetrics): number {
  let points = 0
  for (const scope of metrics.scopeMetrics) for (const metric of scope.metrics) points += metric.dataPoints.length
  return points
}

/** Seen in encoded requests: ids, times and framing of a record, of an attribute besides its texts, and of a histogram point. */
const RECORD_BYTES = 100
const ATTRIBUTE_BYTES = 12
const DATA_POINT_BYTES = 200

/** Attribute values are flat or nearly so; a body deeper than this is not measured further. */
const DEPTH_MAX = 4

function estimateSpan(span: ReadableSpan): number {
  let bytes = RECORD_BYTES + span.name.length + estimateValue(span.attributes, DEPTH_MAX) + RECORD_BYTES * span.links.length
  for (const event of span.events) bytes += event.name.length + estimateValue(event.attributes, DEPTH_MAX)
  return bytes
}

function estimateLogRecord(record: ReadableLogRecord): number {
  return RECORD_BYTES + estimateValue(record.body, DEPTH_MAX) + estimateValue(record.attributes, DEPTH_MAX)
}

function estimateValue(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  if (value instanceof Uint8Array) return value.length
  if (depth === 0) return 0
  let bytes = 0
  for (const [key, inner] of Object.entries(value)) bytes += ATTRIBUTE_BYTES + key.length + estimateValue(inner, depth - 1)
  return bytes
}
