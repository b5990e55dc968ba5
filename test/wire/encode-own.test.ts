/** What we encode ourselves is, byte for byte, what the official serializers make of it. */
import { inspect } from 'node:util'
import { type Attributes, createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace, ValueType } from '@opentelemetry/api'
import { ProtobufLogsSerializer, ProtobufMetricsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, type ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { AggregationTemporality, DataPointType, type ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace'
import { expect, test } from 'vitest'
import { decode } from '../../collector/src/receive/decode.ts'
import { createEncoder } from '../../src/wire/encode.ts'
import { randomTelemetry } from '../collector/receive/telemetry.ts'
import { seededRandom } from '../support/random.ts'

const ownSpans = (spans: readonly ReadableSpan[]) => createEncoder('traces', 'protobuf').encode(spans).bytes
const ownLogs = (records: readonly ReadableLogRecord[]) => createEncoder('logs', 'protobuf').encode(records).bytes

function expectSameSpans(spans: readonly ReadableSpan[]): void {
  expectSame(ownSpans(spans), ProtobufTraceSerializer.serializeRequest([...spans]))
}

function expectSameLogs(records: readonly ReadableLogRecord[]): void {
  expectSame(ownLogs(records), ProtobufLogsSerializer.serializeRequest([...records]))
}

function expectSameMetrics(metrics: ResourceMetrics): void {
  expectSame(createEncoder('metrics', 'protobuf').encode([metrics]).bytes, ProtobufMetricsSerializer.serializeRequest(metrics))
}

function expectSame(own: Uint8Array, official: Uint8Array | undefined): void {
  expect(official).toBeDefined()
  expect(Buffer.compare(own, official!)).toBe(0)
}

const random = seededRandom(11)
const [sampleSpan] = randomTelemetry(random, 9).traces
const [sampleLog] = randomTelemetry(random, 9).logs
const spanWith = (fields: object): ReadableSpan => ({ ...sampleSpan!, ...fields })
const metricsWith = (metrics: readonly object[], scope: object = { name: 'a' }): ResourceMetrics => ({
  resource: resourceFromAttributes({ 'service.name': 'tts' }),
  scopeMetrics: [{ scope, metrics: [...metrics] } as ResourceMetrics['scopeMetrics'][number]], // odd ones are made on purpose
})
const logWith = (fields: object): ReadableLogRecord => ({ ...sampleLog!, ...fields })

test('random spans, metrics and log records of many scopes', () => {
  for (let seed = 0; seed < 40; seed++) {
    const { traces, metrics, logs } = randomTelemetry(seededRandom(seed), 1 + seed * 2)
    expectSameSpans(traces)
    expectSameMetrics(metrics)
    expectSameLogs(logs)
  }
  expectSameSpans([])
  expectSameLogs([])
})

test('texts of every length at which the length of a length changes, in every alphabet', () => {
  const lengths = [0, 1, 41, 42, 43, 63, 64, 65, 126, 127, 128, 129, 5_461, 5_462, 16_383, 16_384, 700_000, 2_097_151, 2_097_152]
  const alphabets = ['a', 'é', '音', '🎧', '\u0000', '\u007f', '\u0080', '\ud800', '\udc00']
  for (const length of lengths) {
    for (const letter of alphabets) {
      const text = letter.repeat(length)
      const mixed = `${'a'.repeat(Math.max(0, length - 1))}${letter}`
      expectSameSpans([spanWith({ name: text, attributes: { text, mixed, [mixed.slice(0, 200)]: 1 } })])
      if (length < 20_000) expectSameLogs([logWith({ body: { text, mixed: [mixed, text] }, severityText: mixed, eventName: text })])
    }
  }
})

test('pairs of surrogates in and out of order', () => {
  const units = ['\ud83c', '\udfa7', 'a', 'é', '\uffff']
  for (const a of units) for (const b of units) for (const c of units) expectSameLogs([logWith({ body: `${a}${b}${c}${a}` })])
})

test('values of every kind, also those that OTLP has no type for', () => {
  const numbers = [0, -0, 1, -1, 127, 128, 0x7fffffff, 0x80000000, 2 ** 32 - 1, 2 ** 32, -(2 ** 31), -(2 ** 32), -(2 ** 32) - 1, 0.1, -0.5]
  const large = [2 ** 53 - 1, 2 ** 53 + 2, -(2 ** 53), 2 ** 62, 2 ** 63, -(2 ** 63), -(2 ** 63) - 2048, 2 ** 64, 1e300, 5e-324]
  const special = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    null,
    undefined,
    true,
    false,
    '',
    7n,
    Symbol('s'),
    () => 1,
  ]
  const objects = [
    {},
    [],
    [[]],
    [null, undefined, 1, 'a', [0.5, { deep: [{}] }]],
    new Array(3),
    new Uint8Array(0),
    new Uint8Array(300).fill(7),
    Buffer.from('bytes'),
    new Float32Array([1.5, 2]),
    new Date(0),
    new Map([['a', 1]]),
    Object.assign(Object.create({ inherited: 1 }), { own: 2 }),
    Object.assign(Object.create(null), { hasOwnProperty: 'mine' }),
  ]
  for (const value of [...numbers, ...large, ...special, ...objects]) {
    expectSameLogs([logWith({ body: value, attributes: { value, list: [value, value], nested: { value } } })])
    expectSameSpans([spanWith({ attributes: { value, list: [value] } })])
  }
})

test('metrics of every kind with every value, and with what may be missing', () => {
  const values = [0, -0, 1, -1, 1.5, -2.5, 127, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53), 1e300, 5e-324]
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const point = (value: unknown, more: object = {}) => ({
    startTime: [1, 2],
    endTime: [3, 4],
    attributes: { voice: 'Kore' },
    value,
    ...more,
  })
  const metric = (dataPointType: DataPointType, dataPoints: readonly object[], more: object = {}) => ({
    descriptor: { name: 'größe', description: '', unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType,
    dataPoints,
    ...more,
  })
  for (const value of [...values, ...special]) {
    for (const valueType of [ValueType.INT, ValueType.DOUBLE]) {
      const descriptor = { name: 'n', description: 'd', unit: '1', valueType }
      const points = [point(value), point(value, { attributes: undefined })]
      for (const isMonotonic of [true, false, undefined])
        expectSameMetrics(metricsWith([metric(DataPointType.SUM, points, { descriptor, isMonotonic })]))
      expectSameMetrics(
        metricsWith([metric(DataPointType.GAUGE, points, { descriptor, aggregationTemporality: AggregationTemporality.DELTA })]),
      )
    }
    const buckets = { counts: [1, Math.abs(value) || 0, 2 ** 40], boundaries: [value, 1] }
    const edges = { sum: value, min: value, max: value }
    const histograms = [
      { count: 3, buckets, ...edges },
      { count: 2 ** 40, buckets: { counts: [], boundaries: [] } },
    ]
    expectSameMetrics(
      metricsWith([
        metric(
          DataPointType.HISTOGRAM,
          histograms.map((histogram) => point(histogram)),
        ),
      ]),
    )
    const signed = { offset: -7, bucketCounts: [0, 127, 128, 2 ** 40] }
    const exponential = [-20, 0, 3].map((scale) => ({
      count: 3,
      scale,
      zeroCount: 2,
      positive: signed,
      negative: { offset: 0, bucketCounts: [] },
      ...edges,
    }))
    expectSameMetrics(
      metricsWith([
        metric(
          DataPointType.EXPONENTIAL_HISTOGRAM,
          exponential.map((histogram) => point(histogram)),
        ),
      ]),
    )
  }
  expectSameMetrics(metricsWith([]))
  expectSameMetrics({ ...metricsWith([]), scopeMetrics: [] })
  const scope = { name: 'a', version: '1', schemaUrl: 'https://example.com/ä', attributes: { x: 1 }, droppedAttributesCount: 3 }
  const many = Array.from({ length: 3_000 }, (_, i) => point(i, { attributes: { series: `s-${i}` } }))
  expectSameMetrics(metricsWith([metric(DataPointType.SUM, many), metric(DataPointType.GAUGE, [])], scope))
})

test('times from the epoch to the end of what 64 bits hold', () => {
  for (const seconds of [0, 1, 65_535, 65_536, 1_700_000_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 18_446_744_073, -1]) {
    for (const nanoseconds of [0, 1, 999_999_999, 123.75]) {
      const time = [seconds, nanoseconds]
      expectSameSpans([spanWith({ startTime: time, endTime: time })])
      expectSameLogs([logWith({ hrTime: time, hrTimeObserved: time })])
    }
  }
})

test('fields that an SDK leaves out, or plain JavaScript fills with something else', () => {
  const context = { traceId: 'ABCDEF0123456789abcdef0123456789', spanId: '0123456789ABCDEF', traceFlags: 0x3ff, isRemote: true }
  const traceState = createTraceState('a=1,b=größe')
  const odd = [undefined, Number.NaN, 1.5, -3, 2 ** 40, '9']
  for (const count of odd) {
    expectSameSpans([spanWith({ droppedAttributesCount: count, droppedEventsCount: count, droppedLinksCount: count })])
    expectSameSpans([
      spanWith({ status: { code: count, message: 'no' }, events: [{ name: '', time: [1, 2], droppedAttributesCount: count }] }),
    ])
    expectSameLogs([logWith({ droppedAttributesCount: count, severityNumber: count })])
  }
  expectSameSpans([spanWith({ kind: undefined, attributes: undefined, status: { code: 1, message: '' }, name: '' })])
  expectSameSpans([spanWith({ spanContext: () => ({ ...context, traceState }), parentSpanContext: context })])
  expectSameSpans([
    spanWith({ parentSpanContext: { ...context, spanId: '' }, links: [{ context }, { context: { ...context, traceState } }] }),
  ])
  expectSameLogs([logWith({ spanContext: context }), logWith({ spanContext: { traceId: '', spanId: '', traceFlags: 0 } })])
  expectSameLogs([logWith({ attributes: undefined, body: null, severityText: '', eventName: '' })])
})

test('resources and scopes with schema addresses, attributes and dropped counts', () => {
  const resources = [
    resourceFromAttributes({}),
    resourceFromAttributes({ 'service.name': 'größe', list: ['a', 'b'] }, { schemaUrl: 'https://opentelemetry.io/schemas/1.40.0' }),
  ]
  const scopes = [
    { name: '' },
    { name: 'a', version: '', schemaUrl: '' },
    { name: 'a', version: '1', schemaUrl: 'https://example.com/ä', attributes: { x: 1, y: ['z'] }, droppedAttributesCount: 3 },
  ]
  const places = resources.flatMap((resource) => scopes.map((instrumentationScope) => ({ resource, instrumentationScope })))
  for (let round = 0; round < 2; round++) {
    expectSameSpans([...places, ...places.toReversed()].map(spanWith))
    expectSameLogs([...places, ...places.toReversed()].map(logWith))
  }
})

test('what the real providers hand out: events, exceptions, links, limits, parents', () => {
  const { spans, records } = fromProviders(200)
  expect(spans).toHaveLength(400)
  expectSameSpans(spans)
  expectSameLogs(records)
  for (const span of spans) expectSameSpans([span])
  expect(decode('traces', 'protobuf', ownSpans(spans))).toEqual(
    decode('traces', 'protobuf', ProtobufTraceSerializer.serializeRequest(spans)!),
  )
})

function fromProviders(count: number): { spans: ReadableSpan[]; records: ReadableLogRecord[] } {
  const spans: ReadableSpan[] = []
  const records: ReadableLogRecord[] = []
  const nothing = async () => {}
  const resource = resourceFromAttributes({ 'service.name': 'tts' })
  const onEnd = (span: ReadableSpan) => void spans.push(span)
  const onEmit = (record: ReadableLogRecord) => void records.push(record)
  const tracers = new TracerProvider({
    resource,
    spanLimits: { attributeCountLimit: 6, eventCountLimit: 2, linkCountLimit: 1 },
    spanProcessors: [{ onStart() {}, onEnd, forceFlush: nothing, shutdown: nothing }],
  })
  const loggers = new LoggerProvider({
    resource,
    logRecordLimits: { attributeCountLimit: 6 },
    processors: [{ onEmit, forceFlush: nothing, shutdown: nothing }],
  })
  const telemetry = randomTelemetry(seededRandom(3), count)
  for (let i = 0; i < count; i++) {
    const model = telemetry.traces[i]!
    const remote = { ...model.spanContext(), traceFlags: TraceFlags.SAMPLED, isRemote: true, traceState: createTraceState(`k=${i}`) }
    const outer = trace.setSpanContext(ROOT_CONTEXT, remote)
    const tracer = tracers.getTracer(`lib-${i % 3}`, i % 2 ? '1.0.0' : undefined)
    const parent = tracer.startSpan(model.name, { kind: SpanKind.SERVER, links: model.links }, i % 5 ? outer : ROOT_CONTEXT)
    const context = trace.setSpan(ROOT_CONTEXT, parent)
    const child = tracer.startSpan('gemini_api_call', { attributes: copyable(model.attributes) }, context)
    child.recordException(new Error(`größe ${i}`))
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'no audio' })
    for (const event of model.events) parent.addEvent(event.name, copyable(event.attributes ?? {}))
    child.end()
    parent.end()
    const { severityNumber, body, attributes } = telemetry.logs[i]!
    const bodyAnd = { body: copyable({ body }).body, attributes: copyable(attributes) }
    const logger = loggers.getLogger(`lib-${i % 3}`, '1', { attributes: { i: i % 2 } })
    const exception = new Error(`größe ${i}`)
    logger.emit({ severityNumber: severityNumber ?? 0, severityText: 'INFO', ...bodyAnd, eventName: 'e', exception, context })
  }
  return { spans, records }
}

/** The SDK's own copy of a record turns a key `__proto__` into a prototype and throws when that is a Uint8Array. */
function copyable<T extends object>(attributes: T): T | Record<string, never> {
  return inspect(attributes, { depth: 9 }).includes('__proto__') ? {} : attributes
}

test('a text field of another type becomes its text: a version given as a number costs no span', () => {
  const spans = decode('traces', 'protobuf', ownSpans([spanWith({ name: 404, instrumentationScope: { name: 'a', version: 2 } })]))
  expect(spans).toEqual(
    decode('traces', 'protobuf', ownSpans([spanWith({ name: '404', instrumentationScope: { name: 'a', version: '2' } })])),
  )
})

const cycle: unknown[] = []
cycle.push(cycle)
const throwing = (): Attributes => ({
  fine: 1,
  get broken(): string {
    throw new Error('getter')
  },
})

test.each([
  ['an attribute whose getter throws', () => spanWith({ attributes: throwing() })],
  ['a name that is null', () => spanWith({ name: null })],
  ['a circular value', () => spanWith({ attributes: { cycle } })],
  ['no ids', () => spanWith({ spanContext: () => ({}) })],
  ['no time', () => spanWith({ endTime: undefined })],
  ['no events', () => spanWith({ events: undefined })],
  ['no status', () => spanWith({ status: undefined })],
  ['a link to nothing', () => spanWith({ links: [{}] })],
  ['no resource', () => spanWith({ resource: undefined })],
  ['no scope', () => spanWith({ instrumentationScope: undefined })],
])('with %s both throw, the official serializer and ours, and ours leaves nothing in the next request', (_, make) => {
  const healthy = randomTelemetry(seededRandom(5), 20).traces
  expect(() => ProtobufTraceSerializer.serializeRequest([make()])).toThrow()
  expect(() => ownSpans([...healthy, make()])).toThrow()
  expectSameSpans(healthy)
})

test('a resource that throws is asked again, and one that still waits for attributes is not remembered', () => {
  const attributes: Record<string, unknown> = { 'service.name': 'a' }
  const resource = { attributes, asyncAttributesPending: true }
  expectSameSpans([spanWith({ resource })])
  attributes['host.id'] = 'found later'
  expectSameSpans([spanWith({ resource })])

  const broken = { attributes: throwing() }
  for (let i = 0; i < 2; i++) expect(() => ownSpans([spanWith({ resource: broken })])).toThrow('getter')
})

test('a getter that encodes another request in the middle of one disturbs neither', () => {
  const inner = randomTelemetry(seededRandom(6), 30).traces
  const outer = spanWith({
    attributes: {
      before: 1,
      get during() {
        expectSameSpans(inner)
        return 'done'
      },
      after: 2,
    },
  })
  const plain = spanWith({ attributes: { before: 1, during: 'done', after: 2 } })
  expect(Buffer.compare(ownSpans([outer, plain]), ownSpans([plain, plain]))).toBe(0)
})

test('requests that are handed out stay as they are when further ones are encoded', () => {
  const { traces } = randomTelemetry(seededRandom(9), 50)
  const first = ownSpans(traces)
  const copy = Buffer.from(first)
  ownSpans(traces.toReversed())
  expect(Buffer.compare(first, copy)).toBe(0)
})
