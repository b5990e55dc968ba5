import type { MetricPoint } from '../batch.ts'
import { eachScope } from './json.ts'
import {
  attributesField,
  enumField,
  type Fields,
  field,
  listField,
  messagesField,
  numberField,
  optionalNumberField,
  textField,
  timeUsField,
  toBoolean,
  toFields,
  toNumber,
} from './json-field.ts'
import { TEMPORALITIES } from './metrics.ts'
import { addPoint, type Buckets, type Series } from './point.ts'
import type { Place } from './request.ts'

/** Turns a parsed ExportMetricsServiceRequest into points. Throws DecodeError. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export function parseMetrics(request: unknown): MetricPoint[] {
  const points: MetricPoint[] = []
  eachScope(request, ['resourceMetrics', 'scopeMetrics'], (group, place) => {
    messagesField(group, 'metrics', (metric) => parseMetric(metric, place, points))
  })
  return points
}

const TYPES = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponentialHistogram: 'exponential_histogram',
  summary: 'summary',
} as const

function parseMetric(fields: Fields, { resource, scope }: Place, points: MetricPoint[]): void {
  const name = textField(fields, 'name')
  const unit = textField(fields, 'unit')
  for (const [key, type] of Object.entries(TYPES)) {
    const found = field(fields, key)
    if (found === undefined) continue
    const data = toFields(found, key)
    const temporality = TEMPORALITIES[enumField(data, 'aggregationTemporality', 2)] ?? 'unspecified'
    const monotonic = toBoolean(field(data, 'isMonotonic') ?? false, 'isMonotonic')
    messagesField(data, 'dataPoints', (point) => parsePoint(point, { resource, scope, name, unit, type, temporality, monotonic }, points))
  }
}

function parsePoint(fields: Fields, series: Series, points: MetricPoint[]): void {
  addPoint(points, series, {
    attributes: attributesField(fields, 'attributes'),
    startUs: timeUsField(fields, 'startTimeUnixNano'),
    timeUs: timeUsField(fields, 'timeUnixNano'),
    flags: numberField(fields, 'flags'),
    value: optionalNumberField(fields, 'asDouble') ?? optionalNumberField(fields, 'asInt'),
    count: numberField(fields, 'count'),
    sum: optionalNumberField(fields, 'sum'),
    min: optionalNumberField(fields, 'min'),
    max: optionalNumberField(fields, 'max'),
    bounds: listField(fields, 'explicitBounds', (bound) => toNumber(bound, 'explicitBounds')),
    counts: listField(fields, 'bucketCounts', (count) => toNumber(count, 'bucketCounts')),
    exponential: {
      scale: numberField(fields, 'scale'),
      zeroCount: numberField(fields, 'zeroCount'),
      zeroThreshold: numberField(fields, 'zeroThreshold'),
      positive: parseBuckets(fields, 'positive'),
      negative: parseBuckets(fields, 'negative'),
    },
    quantiles: messagesField(fields, 'quantileValues', (each) => ({
      quantile: numberField(each, 'quantile'),
      value: numberField(each, 'value'),
    })),
  })
}

function parseBuckets(fields: Fields, name: string): Buckets {
  const buckets = toFields(field(fields, name) ?? {}, name)
  return { offset: numberField(buckets, 'offset'), counts: listField(buckets, 'bucketCounts', (count) => toNumber(count, 'bucketCounts')) }
}
