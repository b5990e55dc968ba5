import { ValueType } from '@opentelemetry/api'
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import {
  closeMessage,
  openMessage,
  type Writer,
  writeDouble,
  writeDoubles,
  writeFixed64,
  writeFixed64s,
  writeString,
  writeTime,
  writeVarint,
  writeVarints,
} from './protobuf-writer.ts'
import { writeAttributes } from './write-value.ts'

/** Fields of Metric that hold its points. */
const DATA: Readonly<Record<DataPointType, number>> = {
  [DataPointType.GAUGE]: 0x2a,
  [DataPointType.SUM]: 0x3a,
  [DataPointType.HISTOGRAM]: 0x4a,
  [DataPointType.EXPONENTIAL_HISTOGRAM]: 0x52,
}

/** Fields of Gauge, Sum, Histogram and ExponentialHistogram: the numbers are the same for all that have them. */
const POINT = 0x0a
const TEMPORALITY = 0x10
const IS_MONOTONIC = 0x18

/** Guess for `openMessage`: points of 128 bytes to 16 KiB. */
const DATA_LENGTH_BYTES = 2

/**
 * Writes the fields of one Metric, in their order and as the official serializer does.
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
 */
export function writeMetric(writer: Writer, metric: MetricData): void {
  const { name, description, unit } = metric.descriptor
  writeString(writer, 0x0a, name)
  if (description) writeString(writer, 0x12, description)
  if (unit) writeString(writer, 0x1a, unit)
  const start = openMessage(writer, DATA[metric.dataPointType], DATA_LENGTH_BYTES)
  writePoints(writer, metric)
  if (metric.dataPointType !== DataPointType.GAUGE) writeTemporality(writer, metric.aggregationTemporality)
  if (metric.dataPointType === DataPointType.SUM && metric.isMonotonic) writeVarint(writer, IS_MONOTONIC, 1)
  closeMessage(writer, start, DATA_LENGTH_BYTES)
}

function writePoints(writer: Writer, metric: MetricData): void {
  switch (metric.dataPointType) {
    case DataPointType.HISTOGRAM:
      for (const point of metric.dataPoints) writeHistogram(writer, point)
      break
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      for (const point of metric.dataPoints) writeExponentialHistogram(writer, point)
      break
    default:
      for (const point of metric.dataPoints) writeNumber(writer, point, metric.descriptor.valueType)
  }
}

function writeTemporality(writer: Writer, temporality: AggregationTemporality): void {
  writeVarint(writer, TEMPORALITY, temporality === AggregationTemporality.DELTA ? 1 : 2)
}

function writeNumber(writer: Writer, point: DataPoint<number>, type: ValueType): void {
  const start = openMessage(writer, POINT)
  writeTimes(writer, point)
  if (type === ValueType.INT) writeFixed64(writer, 0x31, point.value)
  else writeDouble(writer, 0x21, point.value)
  if (point.attributes) writeAttributes(writer, 0x3a, point.attributes)
  closeMessage(writer, start)
}

function writeHistogram(writer: Writer, point: DataPoint<Histogram>): void {
  const { count, sum, min, max, buckets } = point.value
  const start = openMessage(writer, POINT)
  writeTimes(writer, point)
  writeFixed64(writer, 0x21, count)
  if (sum !== undefined) writeDouble(writer, 0x29, sum)
  if (buckets.counts.length > 0) writeFixed64s(writer, 0x32, buckets.counts)
  if (buckets.boundaries.length > 0) writeDoubles(writer, 0x3a, buckets.boundaries)
  if (point.attributes) writeAttributes(writer, 0x4a, point.attributes)
  if (min !== undefined) writeDouble(writer, 0x59, min)
  if (max !== undefined) writeDouble(writer, 0x61, max)
  closeMessage(writer, start)
}

function writeExponentialHistogram(writer: Writer, point: DataPoint<ExponentialHistogram>): void {
  const { count, sum, min, max, scale, zeroCount, positive, negative } = point.value
  const start = openMessage(writer, POINT)
  if (point.attributes) writeAttributes(writer, 0x0a, point.attributes)
  writeTimes(writer, point)
  writeFixed64(writer, 0x21, count)
  if (sum !== undefined) writeDouble(writer, 0x29, sum)
  if (scale !== 0) writeVarint(writer, 0x30, zigzag(scale))
  writeFixed64(writer, 0x39, zeroCount)
  writeBuckets(writer, 0x42, positive)
  writeBuckets(writer, 0x4a, negative)
  if (min !== undefined) writeDouble(writer, 0x61, min)
  if (max !== undefined) writeDouble(writer, 0x69, max)
  closeMessage(writer, start)
}

function writeBuckets(writer: Writer, tag: number, { offset, bucketCounts }: ExponentialHistogram['positive']): void {
  const start = openMessage(writer, tag)
  if (offset !== 0) writeVarint(writer, 0x08, zigzag(offset))
  if (bucketCounts.length > 0) writeVarints(writer, 0x12, bucketCounts)
  closeMessage(writer, start)
}

function writeTimes(writer: Writer, { startTime, endTime }: DataPoint<unknown>): void {
  writeTime(writer, 0x11, startTime)
  writeTime(writer, 0x19, endTime)
}

/** A sint32: small numbers stay small, negative ones too. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}
