/** What services tell, written down once: as the collector decodes it, and as Prometheus has it after OpenTelemetry's translation. */
import type { Batch, MetricPoint } from '../../../collector/src/batch.ts'

export type Told = {
  /** As OpenTelemetry names it. */
  readonly metric: string
  readonly unit: string
  readonly attributes: Readonly<Record<string, string>>
} & (
  | { readonly kind: 'counter' | 'gauge'; readonly at: (minute: number) => number }
  | { readonly kind: 'histogram'; readonly bounds: readonly number[]; readonly at: (minute: number) => readonly number[] }
)

const MINUTE_US = 60_000_000
const RESOURCE = { attributes: { 'service.name': 'tts', 'service.instance.id': 'a' }, service: 'tts', instanceId: 'a' }
const SCOPE = { name: 'tts-otel', version: '1', attributes: {} }

/** What is told at one minute after `startMs`. */
export function toBatch(series: readonly Told[], startMs: number, minute: number): Batch {
  return { signal: 'metrics', records: series.map((one) => toPoint(one, startMs * 1_000, minute)) }
}

function toPoint(told: Told, startUs: number, minute: number): MetricPoint {
  const { metric, unit, attributes } = told
  const point = { resource: RESOURCE, scope: SCOPE, name: metric, unit, attributes, startUs, timeUs: startUs + minute * MINUTE_US }
  if (told.kind !== 'histogram') {
    const state = { type: 'gauge', temporality: 'unspecified', monotonic: false } as const
    const count = { type: 'sum', temporality: 'cumulative', monotonic: true } as const
    return { ...point, ...(told.kind === 'gauge' ? state : count), value: told.at(minute), distribution: null }
  }
  const counts = told.at(minute)
  const distribution = {
    count: total(counts),
    sum: sumOf(told.bounds, counts),
    min: null,
    max: null,
    bounds: told.bounds,
    counts,
    detail: null,
  }
  return { ...point, type: 'histogram', temporality: 'cumulative', monotonic: true, value: null, distribution }
}

/** Series of Prometheus with their values, one a minute, up to `minutes`. https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ */
export function toInputSeries(series: readonly Told[], minutes: number): readonly { readonly series: string; readonly values: string }[] {
  const all = Array.from({ length: minutes + 1 }, (_, minute) => minute)
  const row = (name: string, labels: Readonly<Record<string, string>>, value: (minute: number) => number) => ({
    series: `${name}{${Object.entries({ job: 'tts', instance: 'a', ...labels }).map(([key, text]) => `${key}="${text}"`).join(',')}}`, // biome-ignore format: one name
    values: all.map(value).join(' '),
  })
  return series.flatMap((told) => {
    const labels = Object.fromEntries(Object.entries(told.attributes).map(([key, text]) => [key.replaceAll('.', '_'), text]))
    const name = `${told.metric.replaceAll('.', '_')}${told.unit === 's' ? '_seconds' : ''}`
    if (told.kind !== 'histogram') {
      const suffix = told.kind === 'counter' ? '_total' : told.unit === '1' ? '_ratio' : ''
      return [row(`${name}${suffix}`, labels, told.at)]
    }
    const below = (index: number) => (minute: number) => total(told.at(minute).slice(0, index + 1))
    return [
      row(`${name}_count`, labels, (minute) => total(told.at(minute))),
      row(`${name}_sum`, labels, (minute) => sumOf(told.bounds, told.at(minute))),
      ...[...told.bounds.map(String), '+Inf'].map((le, index) => row(`${name}_bucket`, { ...labels, le }, below(index))),
    ]
  })
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** As if each value were the upper bound of its bucket. */
function sumOf(bounds: readonly number[], counts: readonly number[]): number {
  return counts.reduce((sum, count, index) => sum + count * (bounds[index] ?? 2 * bounds.at(-1)!), 0)
}
