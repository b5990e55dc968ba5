/** Services that tell their metrics at intervals, as the SDK does. */
import type { Attributes, Batch, MetricPoint, Resource } from '../../../collector/src/batch.ts'
import { createSignals, type Signals, type SignalsOptions } from '../../../collector/src/signals/signals.ts'
import { point } from '../postgres/records.ts'

export const START_MS = Date.UTC(2026, 10, 22, 10)
export const SECOND = 1_000
export const MINUTE = 60_000

export const HTTP = 'http.server.request.duration'
const BOUNDS = [0.1, 0.5, 1, 5]

export function metrics(...records: readonly MetricPoint[]): Batch {
  return { signal: 'metrics', records }
}

/** Signals that began an hour ago, unless told otherwise; points arrive as they are made. */
export function signals(options: Partial<SignalsOptions> = {}): Signals & { give: (...points: readonly MetricPoint[]) => void } {
  const made = createSignals({ sinceMs: START_MS - 60 * MINUTE, ...options })
  made.watch({ windowMsMax: 60 * MINUTE, logCounts: [] })
  return { ...made, give: (...points) => made.take(metrics(...points), Math.max(...points.map(({ timeUs }) => timeUs / 1_000))) }
}

/** The reading of the whole over five minutes, or as told; undefined without data. */
export function value(of: Signals, signal: string, atMs: number, windowMs = 5 * MINUTE): number | undefined {
  return of.read({ signal, windowMs, by: [] }, atMs)[0]?.value
}

/** The readings by labels, each as `a,b: value`. */
export function values(of: Signals, signal: string, by: readonly string[], atMs: number): Readonly<Record<string, number>> {
  const readings = of.read({ signal, windowMs: 5 * MINUTE, by }, atMs)
  return Object.fromEntries(readings.map(({ labels, value }) => [Object.values(labels).join(','), value]))
}

type Told = { readonly startMs: number; readonly timeMs: number; readonly attributes?: Attributes }

/** A cumulative histogram of request durations: `counts` measurements below 0.1, 0.5, 1, 5 s and above. */
export function http(resource: Resource, counts: readonly number[], { startMs, timeMs, attributes = {} }: Told): MetricPoint {
  const count = counts.reduce((sum, n) => sum + n, 0)
  const distribution = { count, sum: count * 0.3, min: null, max: null, bounds: BOUNDS, counts: [...counts], detail: null }
  return point(resource, {
    name: HTTP,
    unit: 's',
    type: 'histogram',
    value: null,
    distribution,
    attributes,
    startUs: startMs * 1_000,
    timeUs: timeMs * 1_000,
  })
}

export function counter(name: string, resource: Resource, count: number, { startMs, timeMs, attributes = {} }: Told): MetricPoint {
  return point(resource, { name, value: count, attributes, startUs: startMs * 1_000, timeUs: timeMs * 1_000 })
}

export function gauge(name: string, resource: Resource, now: number, { timeMs, attributes = {} }: Omit<Told, 'startMs'>): MetricPoint {
  const temporality = 'unspecified'
  return point(resource, { name, type: 'gauge', temporality, monotonic: false, value: now, attributes, startUs: 0, timeUs: timeMs * 1_000 })
}
