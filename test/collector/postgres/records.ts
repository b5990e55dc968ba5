/** Records as the receiver hands them on, with what a test does not care about filled in. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Batch, LogRecord, MetricPoint, Resource, Scope, SpanRecord } from '../../../collector/src/batch.ts'

export const NOW_US = Date.now() * 1000
const SCOPE: Scope = { name: 'app.tts', version: '1.0.0', attributes: {} }

/** The process that records come from; a test that counts has one of its own. */
export function sender(instanceId: string = randomUUID()): Resource {
  return { attributes: { 'service.name': 'tts-api', 'service.instance.id': instanceId }, service: 'tts-api', instanceId }
}

export function log(resource: Resource, given: Partial<LogRecord> = {}): LogRecord {
  return {
    resource,
    scope: SCOPE,
    uid: randomUUID(),
    timeUs: NOW_US,
    observedUs: given.timeUs ?? NOW_US,
    severity: 9,
    severityText: 'INFO',
    body: 'Speech generated',
    attributes: {},
    traceId: '',
    spanId: '',
    eventName: '',
    ...given,
  }
}

export function span(resource: Resource, given: Partial<SpanRecord> = {}): SpanRecord {
  return {
    resource,
    scope: SCOPE,
    traceId: traceId(),
    spanId: randomBytes(8).toString('hex'),
    parentSpanId: '',
    name: 'tts_request',
    kind: 1,
    startUs: NOW_US,
    durationNs: 250_000_000,
    statusCode: 0,
    statusMessage: '',
    attributes: {},
    events: [],
    links: [],
    ...given,
  }
}

export function point(resource: Resource, given: Partial<MetricPoint> = {}): MetricPoint {
  return {
    resource,
    scope: SCOPE,
    name: 'tts.requests',
    unit: '{request}',
    type: 'sum',
    temporality: 'cumulative',
    monotonic: true,
    attributes: {},
    startUs: NOW_US - 60_000_000,
    timeUs: NOW_US,
    value: 1,
    distribution: null,
    ...given,
  }
}

/** A histogram with the bounds 0.1, 1 and 10. */
export function histogram(
  resource: Resource,
  { counts, ...given }: Partial<MetricPoint> & { counts: readonly number[]; sum: number; max?: number },
): MetricPoint {
  const { sum, max = null, ...rest } = given
  const count = counts.reduce((all, one) => all + one, 0)
  return point(resource, {
    type: 'histogram',
    value: null,
    distribution: { count, sum, min: null, max, bounds: [0.1, 1, 10], counts, detail: null },
    ...rest,
  })
}

export function traceId(): string {
  return randomBytes(16).toString('hex')
}

export const logs = (records: readonly LogRecord[]): Batch => ({ signal: 'logs', records })
export const traces = (records: readonly SpanRecord[]): Batch => ({ signal: 'traces', records })
export const metrics = (records: readonly MetricPoint[]): Batch => ({ signal: 'metrics', records })
