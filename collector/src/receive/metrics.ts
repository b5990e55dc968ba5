import { enter, leave, readTag, readUint32, skip } from '../../../src/wire/protobuf.ts'
import type { MetricPoint } from '../batch.ts'
import { readName } from './name.ts'
import { readPoint, type Series } from './point.ts'
import { type Place, readRequest } from './request.ts'
import type { Reader } from './text.ts'

/** Reads an ExportMetricsServiceRequest as points. https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto */
export function readMetrics(bytes: Uint8Array): MetricPoint[] {
  return readRequest(bytes, readMetric)
}

/** AggregationTemporality by its number. */
export const TEMPORALITIES = ['unspecified', 'delta', 'cumulative'] as const

const TYPES: { readonly [tag: number]: MetricPoint['type'] } = {
  42: 'gauge',
  58: 'sum',
  74: 'histogram',
  82: 'exponential_histogram',
  90: 'summary',
}

/** Name and unit may stand behind the points: a first pass, which skips the points, collects them. */
function readMetric(reader: Reader, { resource, scope }: Place, records: MetricPoint[]): void {
  const outer = enter(reader)
  const start = reader.pos
  let name = ''
  let unit = ''
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) name = readName(reader)
    else if (tag === 0x1a) unit = readName(reader)
    else skip(reader, tag)
  }
  reader.pos = start
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    const type = TYPES[tag]
    if (type === undefined) skip(reader, tag)
    else readData(reader, { resource, scope, name, unit, type, temporality: 'unspecified', monotonic: false }, records)
  }
  leave(reader, outer)
}

/** As above: temporality and monotonicity are commonly written behind the points. */
function readData(reader: Reader, metric: Series, records: MetricPoint[]): void {
  const outer = enter(reader)
  const start = reader.pos
  let { temporality, monotonic } = metric
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x10) temporality = TEMPORALITIES[readUint32(reader)] ?? 'unspecified'
    else if (tag === 0x18) monotonic = readUint32(reader) !== 0
    else skip(reader, tag)
  }
  reader.pos = start
  const series = { ...metric, temporality, monotonic }
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x0a) readPoint(reader, series, records)
    else skip(reader, tag)
  }
  leave(reader, outer)
}
