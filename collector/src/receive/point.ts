import { enter, leave, readDouble, readFixed64, readTag, readUint32, readVarint, skip } from '../../../src/wire/protobuf.ts'
import type { Distribution, MetricPoint } from '../batch.ts'
import { fromZigzag, toSignedDouble, toUnsignedDouble } from './number.ts'
import { addRecord } from './request.ts'
import { enterRecord, type Reader } from './text.ts'
import { type Building, readAttribute, readTimeUs } from './value.ts'

/** What all points of one metric have in common. */
export type Series = Pick<MetricPoint, 'resource' | 'scope' | 'name' | 'unit' | 'type' | 'temporality' | 'monotonic'>

/** A point of any kind while it is being read: gauge and sum fill `value`, the others what is behind it. */
export type Draft = {
  readonly attributes: Building
  startUs: number
  timeUs: number
  flags: number
  value: number | null
  count: number
  sum: number | null
  min: number | null
  max: number | null
  readonly bounds: number[]
  readonly counts: number[]
  readonly exponential: { scale: number; zeroCount: number; zeroThreshold: number; positive: Buckets; negative: Buckets }
  readonly quantiles: { quantile: number; value: number }[]
}

export type Buckets = { offset: number; counts: number[] }

/** DataPointFlags: the point marks a gap. */
const NO_RECORDED_VALUE = 1

/** A point with nothing but protobuf's defaults. */
function startPoint(): Draft {
  const none = { offset: 0, counts: [] }
  const exponential = { scale: 0, zeroCount: 0, zeroThreshold: 0, positive: none, negative: none }
  const distribution = { count: 0, sum: null, min: null, max: null, bounds: [], counts: [], exponential, quantiles: [] }
  return { attributes: {}, startUs: 0, timeUs: 0, flags: 0, value: null, ...distribution }
}

/** Adds the finished point to `points`, unless it measured nothing. */
export function addPoint(points: MetricPoint[], series: Series, draft: Draft): void {
  const { attributes, startUs, timeUs, flags, value } = draft
  if ((flags & NO_RECORDED_VALUE) !== 0) return
  const point = { ...series, attributes, startUs, timeUs }
  if (series.type === 'gauge' || series.type === 'sum') {
    if (value !== null) addRecord(points, { ...point, value, distribution: null })
    return
  }
  addRecord(points, { ...point, value: null, distribution: toDistribution(series, draft) })
}

/** Reads one data point of `series` at the cursor. */
export function readPoint(reader: Reader, series: Series, points: MetricPoint[]): void {
  const outer = enterRecord(reader)
  const readField = FIELDS[series.type]
  const draft = startPoint()
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x11) draft.startUs = readTimeUs(reader)
    else if (tag === 0x19) draft.timeUs = readTimeUs(reader)
    else readField(draft, tag, reader)
  }
  leave(reader, outer)
  addPoint(points, series, draft)
}

/** The kinds of point number their fields differently. */
const FIELDS: Record<MetricPoint['type'], (draft: Draft, tag: number, reader: Reader) => void> = {
  gauge: readNumberField,
  sum: readNumberField,
  histogram: readHistogramField,
  exponential_histogram: readExponentialField,
  summary: readSummaryField,
}

/** A summary's sum has no presence in protobuf: absent is 0. */
function toDistribution(series: Series, draft: Draft): Distribution {
  const { count, sum, min, max, bounds, counts, exponential, quantiles } = draft
  if (series.type === 'summary') return { count, sum: sum ?? 0, min, max, bounds, counts, detail: { quantiles } }
  return { count, sum, min, max, bounds, counts, detail: series.type === 'histogram' ? null : exponential }
}

function readNumberField(draft: Draft, tag: number, reader: Reader): void {
  if (tag === 0x21) draft.value = readDouble(reader)
  else if (tag === 0x31) draft.value = readSigned(reader)
  else if (tag === 0x3a) readAttribute(reader, draft.attributes)
  else if (tag === 0x40) draft.flags = readUint32(reader)
  else skip(reader, tag)
}

function readHistogramField(draft: Draft, tag: number, reader: Reader): void {
  if (tag === 0x21) draft.count = readCount(reader)
  else if (tag === 0x29) draft.sum = readDouble(reader)
  else if (tag === 0x32) readPacked(reader, readCount, draft.counts)
  else if (tag === 0x31) draft.counts.push(readCount(reader))
  else if (tag === 0x3a) readPacked(reader, readDouble, draft.bounds)
  else if (tag === 0x39) draft.bounds.push(readDouble(reader))
  else if (tag === 0x4a) readAttribute(reader, draft.attributes)
  else if (tag === 0x50) draft.flags = readUint32(reader)
  else if (tag === 0x59) draft.min = readDouble(reader)
  else if (tag === 0x61) draft.max = readDouble(reader)
  else skip(reader, tag)
}

function readExponentialField(draft: Draft, tag: number, reader: Reader): void {
  const { exponential } = draft
  if (tag === 0x0a) readAttribute(reader, draft.attributes)
  else if (tag === 0x21) draft.count = readCount(reader)
  else if (tag === 0x29) draft.sum = readDouble(reader)
  else if (tag === 0x30) exponential.scale = fromZigzag(readUint32(reader))
  else if (tag === 0x39) exponential.zeroCount = readCount(reader)
  else if (tag === 0x42) exponential.positive = readBuckets(reader)
  else if (tag === 0x4a) exponential.negative = readBuckets(reader)
  else if (tag === 0x50) draft.flags = readUint32(reader)
  else if (tag === 0x61) draft.min = readDouble(reader)
  else if (tag === 0x69) draft.max = readDouble(reader)
  else if (tag === 0x71) exponential.zeroThreshold = readDouble(reader)
  else skip(reader, tag)
}

function readSummaryField(draft: Draft, tag: number, reader: Reader): void {
  if (tag === 0x21) draft.count = readCount(reader)
  else if (tag === 0x29) draft.sum = readDouble(reader)
  else if (tag === 0x32) draft.quantiles.push(readQuantile(reader))
  else if (tag === 0x3a) readAttribute(reader, draft.attributes)
  else if (tag === 0x40) draft.flags = readUint32(reader)
  else skip(reader, tag)
}

function readBuckets(reader: Reader): Buckets {
  const outer = enter(reader)
  const buckets: Buckets = { offset: 0, counts: [] }
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x08) buckets.offset = fromZigzag(readUint32(reader))
    else if (tag === 0x12) readPacked(reader, readVarintCount, buckets.counts)
    else if (tag === 0x10) buckets.counts.push(readVarintCount(reader))
    else skip(reader, tag)
  }
  leave(reader, outer)
  return buckets
}

function readQuantile(reader: Reader): { quantile: number; value: number } {
  const outer = enter(reader)
  const quantile = { quantile: 0, value: 0 }
  while (reader.pos < reader.end) {
    const tag = readTag(reader)
    if (tag === 0x09) quantile.quantile = readDouble(reader)
    else if (tag === 0x11) quantile.value = readDouble(reader)
    else skip(reader, tag)
  }
  leave(reader, outer)
  return quantile
}

function readPacked(reader: Reader, read: (reader: Reader) => number, into: number[]): void {
  const outer = enter(reader)
  while (reader.pos < reader.end) into.push(read(reader))
  leave(reader, outer)
}

function readCount(reader: Reader): number {
  readFixed64(reader)
  return toUnsignedDouble(reader.high, reader.low)
}

function readVarintCount(reader: Reader): number {
  readVarint(reader)
  return toUnsignedDouble(reader.high, reader.low)
}

function readSigned(reader: Reader): number {
  readFixed64(reader)
  return toSignedDouble(reader.high, reader.low)
}
