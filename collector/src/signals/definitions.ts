import type { Attributes } from '../batch.ts'
import { hasFailed } from '../failed-request.ts'
import type { Range } from '../signal.ts'
import type { SignalName } from '../signal-names.ts'
import type { Sum } from './histogram.ts'

/** How a signal is made of metrics: of what they grew by in the window, or of what they say last. */
export type Definition =
  | {
      readonly kind: 'growth'
      /** Names of metrics that are added up. */
      readonly metrics: readonly string[]
      /** Older names of the first, read from processes that do not tell the new one. */
      readonly formerly?: readonly string[]
      /** Splits off a part of the series. */
      readonly part?: (attributes: Attributes) => boolean
      /** Where it has data and the metrics have none, nothing of theirs has happened: a counter is often only told of from its first count on. */
      readonly beside?: string
      /** undefined: no data. */
      readonly value: (growth: Growth) => number | undefined
      /** Of the value, when a part of the window was not seen. */
      readonly range: (growth: Growth) => Range
    }
  | {
      readonly kind: 'latest'
      readonly metrics: readonly string[]
      readonly combine: (values: readonly number[]) => number
    }

export type Growth = {
  readonly all: Sum
  /** Of the series that were split off. */
  readonly part: Sum
  readonly windowMs: number
  /** How much more there would be, had the part of the window that was not seen been as the rest; 0 when all of it was seen. */
  readonly unseen: number
}

const HTTP = 'http.server.request.duration'
const SPEECH = 'tts.requests'
const GEMINI = { metrics: ['gen_ai.client.inference.duration'], formerly: ['gen_ai.client.operation.duration'] }
const CREATED = 'tts_otel.created'
const LOST = ['tts_otel.dropped', 'tts_otel.console.dropped', 'tts_otel.log.file.dropped']

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** Every signal that is made of metrics. Durations are in seconds. */
export const DEFINITIONS: Readonly<Record<Exclude<SignalName, 'telemetry_silence' | 'evaluation_delay'>, Definition>> = {
  error_rate: share([HTTP], hasFailed),
  requests_per_second: rate([HTTP], 1_000),
  p50_duration: quantile(HTTP, 0.5),
  p95_duration: quantile(HTTP, 0.95),
  p99_duration: quantile(HTTP, 0.99),
  avg_processing_time: {
    kind: 'growth',
    metrics: ['tts.processing.duration'],
    value: ({ all }) => all.mean(),
    range: (growth) => ({ low: (growth.all.mean() ?? 0) / scale(growth), high: Number.POSITIVE_INFINITY }),
  },
  auth_failures_per_minute: { ...rate(['tts.auth.failures'], MINUTE_MS), beside: HTTP },
  queue_length: { kind: 'latest', metrics: ['tts.queue.length'], combine: (values) => Math.max(...values) },
  active_connections: { kind: 'latest', metrics: ['tts.active_connections'], combine: total },
  rtf_p95: quantile('tts.rtf', 0.95),
  time_to_first_audio_p95: quantile('tts.time_to_first_audio', 0.95),
  no_audio_rate: share([SPEECH], hasNoAudio),
  speech_error_rate: share([SPEECH], hasNoSpeech),
  gemini_error_rate: { ...share(GEMINI.metrics, hasErrorType), ...GEMINI },
  cost_per_hour: rate(['tts.cost'], HOUR_MS),
  quota_exhausted: { ...count(GEMINI.metrics, ({ part }) => part), ...GEMINI, part: isOutOfQuota },
  telemetry_lost: { ...count(LOST, ({ all }) => all), beside: CREATED },
  health: { kind: 'latest', metrics: ['health.check.status'], combine: (values) => Math.min(...values) },
}

/** How a signal is made; undefined for a name that is none. */
export function definitionOf(signal: string): Definition | undefined {
  return Object.hasOwn(DEFINITIONS, signal) ? DEFINITIONS[signal as keyof typeof DEFINITIONS] : undefined
}

/** Every metric that a definition reads. */
export const METRICS: ReadonlySet<string> = new Set(
  Object.values(DEFINITIONS).flatMap((definition: Definition) =>
    definition.kind === 'latest'
      ? definition.metrics
      : [...definition.metrics, ...(definition.formerly ?? []), ...(definition.beside === undefined ? [] : [definition.beside])],
  ),
)

/** The part of the whole; no data when there is no whole. Unseen, none of as many or all of them can have been of the part. */
function share(metrics: readonly string[], part: (attributes: Attributes) => boolean): Definition & { kind: 'growth' } {
  return {
    kind: 'growth',
    metrics,
    part,
    value: ({ all, part }) => (all.count() > 0 ? part.count() / all.count() : undefined),
    range({ all, part, unseen }) {
      const whole = all.count() + unseen
      return whole > 0 ? { low: part.count() / whole, high: (part.count() + unseen) / whole } : { low: 0, high: 1 }
    },
  }
}

/** Counts for each `unitMs`, at the pace of what was seen; unseen, it can have been nothing or anything. */
function rate(metrics: readonly string[], unitMs: number): Definition & { kind: 'growth' } {
  return {
    kind: 'growth',
    metrics,
    value: ({ all, unseen, windowMs }) => ((all.count() + unseen) / windowMs) * unitMs,
    range: ({ all, windowMs }) => ({ low: (all.count() / windowMs) * unitMs, high: Number.POSITIVE_INFINITY }),
  }
}

/** What was counted, at least. */
function count(metrics: readonly string[], of: (growth: Growth) => Sum): Definition & { kind: 'growth' } {
  return {
    kind: 'growth',
    metrics,
    value: (growth) => of(growth).count(),
    range: (growth) => ({ low: of(growth).count(), high: Number.POSITIVE_INFINITY }),
  }
}

/** Unseen, as many can all have been below every other one. */
function quantile(metric: string, share: number): Definition {
  return {
    kind: 'growth',
    metrics: [metric],
    value: ({ all }) => all.quantile(share),
    range: (growth) => ({
      low: growth.all.quantile(Math.max(0, 1 - (1 - share) * scale(growth))) ?? 0,
      high: Number.POSITIVE_INFINITY,
    }),
  }
}

/** What the whole window is to what was seen of it. */
function scale({ all, unseen }: Growth): number {
  return all.count() > 0 ? 1 + unseen / all.count() : 1
}

function hasErrorType(attributes: Attributes): boolean {
  return attributes['error.type'] !== undefined
}

function hasNoAudio(attributes: Attributes): boolean {
  return ['no_audio', 'text_instead_of_audio'].includes(String(attributes['tts.outcome']))
}

/** Who cancels has not been failed. */
function hasNoSpeech(attributes: Attributes): boolean {
  return !['ok', 'cancelled'].includes(String(attributes['tts.outcome']))
}

/** What Gemini says with a 429, in each of its APIs. https://ai.google.dev/gemini-api/docs/troubleshooting */
function isOutOfQuota(attributes: Attributes): boolean {
  return ['429', 'RESOURCE_EXHAUSTED', 'rate_limit_exceeded', 'quota_exceeded', 'too_many_requests'].includes(
    String(attributes['error.type']),
  )
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
