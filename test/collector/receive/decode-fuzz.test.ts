import { type Attributes, type HrTime, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { AggregationTemporality, DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { expect, test } from 'vitest'
import { decode } from '../../../collector/src/receive/decode.ts'
import { DecodeError } from '../../../collector/src/receive/decode-error.ts'
import { SIGNALS } from '../../../src/wire/signal.ts'
import { type Random, seededRandom } from '../../support/random.ts'
import { randomTelemetry, serialize } from './telemetry.ts'

const ENCODINGS = ['protobuf', 'json'] as const
const ROUNDS = 25

test.each(ENCODINGS)('log records in %s from the official serializer come out as they went in', (encoding) => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const telemetry = randomTelemetry(seededRandom(seed), 20)
    const { records } = decode('logs', encoding, serialize('logs', encoding, telemetry))
    expect(byKey(records, 'uid'), `seed ${seed}`).toEqual(byKey(telemetry.logs.map(expectedLog), 'uid'))
  }
})

test.each(ENCODINGS)('spans in %s from the official serializer come out as they went in', (encoding) => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const telemetry = randomTelemetry(seededRandom(seed), 20)
    const { records } = decode('traces', encoding, serialize('traces', encoding, telemetry))
    expect(byKey(records, 'spanId'), `seed ${seed}`).toEqual(byKey(telemetry.traces.map(expectedSpan), 'spanId'))
  }
})

test.each(ENCODINGS)('metric points in %s from the official serializer come out as they went in', (encoding) => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const telemetry = randomTelemetry(seededRandom(seed), 20)
    const { records } = decode('metrics', encoding, serialize('metrics', encoding, telemetry))
    expect(records, `seed ${seed}`).toEqual(expectedPoints(telemetry.metrics))
  }
})

test.each(ENCODINGS)('mutated %s is decoded or refused with a DecodeError, and never takes long', (encoding) => {
  const random = seededRandom(42)
  let refused = 0
  for (let round = 0; round < 600; round++) {
    const signal = SIGNALS[round % 3]!
    const bytes = mutate(random, serialize(signal, encoding, randomTelemetry(random, 4)))
    refused += refusals(() => decode(signal, encoding, bytes))
  }
  expect(refused).toBeGreaterThan(100)
})

test.each(ENCODINGS)('random bytes as %s are decoded or refused with a DecodeError', (encoding) => {
  const random = seededRandom(99)
  for (let round = 0; round < 2_000; round++) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256))
    refusals(() => decode(SIGNALS[round % 3]!, encoding, bytes))
  }
})

/** 1 when `read` threw a DecodeError; any other error fails the test. */
function refusals(read: () => unknown): number {
  try {
    read()
    return 0
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    expect(error.message).not.toBe('')
    return 1
  }
}

function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const mutated = random() < 0.2 ? bytes.slice(0, Math.floor(random() * bytes.length)) : bytes.slice()
  for (let i = 0; i < 1 + random() * 5; i++) mutated[Math.floor(random() * mutated.length)] = Math.floor(random() * 256)
  return mutated
}

function expectedLog(log: ReadableLogRecord) {
  const { 'log.record.uid': uid, ...attributes } = expectedAttributes(log.attributes)
  return {
    ...expectedPlace(log.resource.attributes, log.instrumentationScope),
    uid,
    timeUs: toUs(log.hrTime),
    observedUs: toUs(log.hrTimeObserved),
    severity: log.severityNumber,
    severityText: log.severityText ?? '',
    body: expectedValue(log.body),
    attributes,
    traceId: log.spanContext?.traceId ?? '',
    spanId: log.spanContext?.spanId ?? '',
    eventName: log.eventName ?? '',
  }
}

function expectedSpan(span: ReadableSpan) {
  return {
    ...expectedPlace(span.resource.attributes, span.instrumentationScope),
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? '',
    name: span.name,
    kind: span.kind + 1,
    startUs: toUs(span.startTime),
    durationNs: (span.endTime[0] - span.startTime[0]) * 1e9 + span.endTime[1] - span.startTime[1],
    statusCode: { [SpanStatusCode.UNSET]: 0, [SpanStatusCode.OK]: 1, [SpanStatusCode.ERROR]: 2 }[span.status.code],
    statusMessage: span.status.message ?? '',
    attributes: expectedAttributes(span.attributes),
    events: span.events.map(({ name, time, attributes }) => ({
      name,
      timeUs: toUs(time),
      attributes: expectedAttributes(attributes ?? {}),
    })),
    links: span.links.map(({ context, attributes }) => ({
      traceId: context.traceId,
      spanId: context.spanId,
      attributes: expectedAttributes(attributes ?? {}),
    })),
  }
}

function expectedPoints({ resource, scopeMetrics }: ResourceMetrics) {
  return scopeMetrics.flatMap(({ scope, metrics }) =>
    metrics.flatMap((metric) =>
      metric.dataPoints.map(({ startTime, endTime, attributes, value }) => ({
        ...expectedPlace(resource.attributes, scope),
        name: metric.descriptor.name,
        unit: metric.descriptor.unit,
        type: TYPES[metric.dataPointType],
        temporality: expectedTemporality(metric),
        monotonic: metric.dataPointType === DataPointType.SUM && metric.isMonotonic,
        attributes: expectedAttributes(attributes),
        startUs: toUs(startTime),
        timeUs: toUs(endTime),
        value: typeof value === 'number' ? value : null,
        distribution: typeof value === 'number' ? null : expectedDistribution(value),
      })),
    ),
  )
}

const TYPES = {
  [DataPointType.GAUGE]: 'gauge',
  [DataPointType.SUM]: 'sum',
  [DataPointType.HISTOGRAM]: 'histogram',
  [DataPointType.EXPONENTIAL_HISTOGRAM]: 'exponential_histogram',
}

function expectedTemporality(metric: MetricData): string {
  if (metric.dataPointType === DataPointType.GAUGE) return 'unspecified'
  return metric.aggregationTemporality === AggregationTemporality.DELTA ? 'delta' : 'cumulative'
}

type Measured = Exclude<MetricData['dataPoints'][number]['value'], number>

function expectedDistribution(measured: Measured) {
  const { count, sum = null, min = null, max = null } = measured
  if ('buckets' in measured)
    return { count, sum, min, max, bounds: measured.buckets.boundaries, counts: measured.buckets.counts, detail: null }
  const { scale, zeroCount, positive, negative } = measured
  const buckets = ({ offset, bucketCounts }: typeof positive) => ({ offset, counts: bucketCounts })
  const detail = { scale, zeroCount, zeroThreshold: 0, positive: buckets(positive), negative: buckets(negative) }
  return { count, sum, min, max, bounds: [], counts: [], detail }
}

function expectedPlace(attributes: Attributes, scope: { name: string; version?: string }) {
  const resource = { attributes: expectedAttributes(attributes), service: attributes['service.name'], instanceId: '' }
  return { resource, scope: { name: scope.name, version: scope.version, attributes: {} } }
}

function expectedAttributes(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, expectedValue(value)]))
}

function expectedValue(value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(expectedValue)
  return typeof value === 'object' ? expectedAttributes(value as Attributes) : value
}

function toUs([seconds, nanos]: HrTime): number {
  return seconds * 1e6 + Math.floor(nanos / 1000)
}

function byKey(records: readonly object[], key: string): object[] {
  const text = (record: object) => String(Object.entries(record).find(([name]) => name === key)?.[1])
  return [...records].sort((a, b) => (text(a) < text(b) ? -1 : 1))
}
