import { type Attributes, SpanKind, ValueType } from '@opentelemetry/api'
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { AggregationTemporality, DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Signal } from '../../../src/wire/signal.ts'
import type { Random } from '../../support/random.ts'

/** Random telemetry in the shapes of the official SDK, made from a seed so that a failure can be repeated. */
export type Telemetry = { logs: ReadableLogRecord[]; traces: ReadableSpan[]; metrics: ResourceMetrics }

export function serialize(signal: Signal, encoding: 'protobuf' | 'json', telemetry: Telemetry): Uint8Array {
  const protobuf = encoding === 'protobuf'
  const bytes =
    signal === 'logs'
      ? (protobuf ? ProtobufLogsSerializer : JsonLogsSerializer).serializeRequest(telemetry.logs)
      : signal === 'traces'
        ? (protobuf ? ProtobufTraceSerializer : JsonTraceSerializer).serializeRequest(telemetry.traces)
        : (protobuf ? ProtobufMetricsSerializer : JsonMetricsSerializer).serializeRequest(telemetry.metrics)
  if (bytes === undefined) throw new Error('the official serializer gave nothing')
  return bytes
}

export function randomTelemetry(random: Random, items: number): Telemetry {
  const resources = Array.from({ length: 2 }, () => resourceFromAttributes({ 'service.name': word(random), ...attributes(random) }))
  const scopes = Array.from({ length: 3 }, (_, i) => ({ name: `scope-${i}`, version: `${i}.0.0` }))
  const place = () => ({ resource: pick(random, resources), instrumentationScope: pick(random, scopes) })
  return {
    logs: Array.from({ length: items }, () => ({ ...logRecord(random), ...place() })),
    traces: Array.from({ length: items }, () => ({ ...span(random), ...place() })),
    metrics: {
      resource: pick(random, resources),
      scopeMetrics: scopes.map((scope) => ({ scope, metrics: Array.from({ length: Math.ceil(items / 9) }, () => metric(random)) })),
    },
  }
}

function logRecord(random: Random): Omit<ReadableLogRecord, 'resource' | 'instrumentationScope'> {
  const sometimes = (value: object) => (random() < 0.5 ? value : {})
  return {
    hrTime: time(random),
    hrTimeObserved: time(random),
    severityNumber: Math.floor(random() * 25),
    attributes: { 'log.record.uid': uuid(random), ...attributes(random) },
    droppedAttributesCount: Math.floor(random() * 300),
    ...sometimes({ severityText: word(random) }),
    ...sometimes({ body: value(random, 3) }),
    ...sometimes({ eventName: word(random) }),
    ...sometimes({ spanContext: spanContext(random) }),
  }
}

function span(random: Random): Omit<ReadableSpan, 'resource' | 'instrumentationScope'> {
  const context = spanContext(random)
  const startTime = time(random)
  return {
    name: word(random),
    kind: pick(random, [SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER]),
    spanContext: () => context,
    ...(random() < 0.5 ? { parentSpanContext: spanContext(random) } : {}),
    startTime,
    endTime: [startTime[0] + Math.floor(random() * 1000), 999_999_999],
    status: { code: Math.floor(random() * 3), ...(random() < 0.5 ? { message: word(random) } : {}) },
    attributes: attributes(random),
    links: list(random, 3, () => ({ context: spanContext(random), attributes: attributes(random) })),
    events: list(random, 3, () => ({ name: word(random), time: time(random), attributes: attributes(random) })),
    duration: [0, 0],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 1,
    droppedLinksCount: 0,
  }
}

function metric(random: Random): MetricData {
  const valueType = pick(random, [ValueType.INT, ValueType.DOUBLE])
  const number = () => (valueType === ValueType.INT ? Math.floor((random() - 0.5) * 2 ** 40) : (random() - 0.5) * 1e6)
  const points = <T>(make: () => T) =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, () => ({
      startTime: time(random),
      endTime: time(random),
      attributes: attributes(random),
      value: make(),
    }))
  const base = {
    descriptor: { name: word(random), description: word(random), unit: pick(random, ['', 's', '{request}']), valueType },
    aggregationTemporality: pick(random, [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE]),
  }
  const edges = () => (random() < 0.5 ? { sum: random(), min: random(), max: random() } : {})
  const counts = (length: number) => Array.from({ length }, () => Math.floor(random() * 2 ** pick(random, [3, 40])))
  const buckets = () => ({ offset: Math.floor((random() - 0.5) * 300), bucketCounts: counts(Math.floor(random() * 5)) })
  switch (Math.floor(random() * 4)) {
    case 0:
      return { ...base, dataPointType: DataPointType.GAUGE, dataPoints: points(number) }
    case 1:
      return { ...base, dataPointType: DataPointType.SUM, isMonotonic: random() < 0.5, dataPoints: points(number) }
    case 2: {
      const histogram = () => ({ buckets: { boundaries: [0.1, 1, 10], counts: counts(4) }, count: counts(1)[0]!, ...edges() })
      return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints: points(histogram) }
    }
    default: {
      const scale = Math.floor(random() * 30) - 10
      const histogram = () => ({
        count: counts(1)[0]!,
        scale,
        zeroCount: counts(1)[0]!,
        positive: buckets(),
        negative: buckets(),
        ...edges(),
      })
      return { ...base, dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM, dataPoints: points(histogram) }
    }
  }
}

function attributes(random: Random): Attributes {
  return Object.fromEntries(list(random, 6, () => [word(random), value(random, 2)]))
}

function value(random: Random, depth: number): Attributes[string] {
  const nested = () => value(random, depth - 1)
  switch (Math.floor(random() * (depth > 0 ? 9 : 6))) {
    case 0:
      return word(random)
    case 1:
      return random() < 0.5
    case 2:
      return (random() - 0.5) * 10 ** (Math.floor(random() * 300) - 290) // never a whole number: those are sent as integers
    case 3:
      return Math.floor((random() - 0.5) * 2 ** Math.floor(random() * 54))
    case 4:
      return word(random).repeat(Math.floor(random() * 40))
    case 5:
      return ''
    case 6:
      return list(random, 4, nested)
    case 7:
      return Object.fromEntries(list(random, 4, () => [word(random), nested()]))
    default:
      return Uint8Array.from(list(random, 20, () => Math.floor(random() * 256)))
  }
}

const WORDS = [
  'request_id',
  'tts.voice',
  'Kore',
  'user',
  'größe',
  '音声',
  '🎧 listen',
  'a\u0000b',
  '"quoted"\\',
  'constructor',
  '__proto__',
  'toString',
  '7',
]

function word(random: Random): string {
  return random() < 0.6 ? pick(random, WORDS) : `${pick(random, WORDS)}-${Math.floor(random() * 1e9).toString(36)}`
}

function spanContext(random: Random) {
  return { traceId: hex(random, 32), spanId: hex(random, 16), traceFlags: 1 }
}

function uuid(random: Random): string {
  return hex(random, 32).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')
}

function time(random: Random): [number, number] {
  return [Math.floor(random() * 4_000_000_000), Math.floor(random() * 1e9)]
}

function list<T>(random: Random, lengthMax: number, make: () => T): T[] {
  return Array.from({ length: Math.floor(random() * (lengthMax + 1)) }, make)
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!
}
