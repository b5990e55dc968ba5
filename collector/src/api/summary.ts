import { hasFailed } from '../failed-request.ts'
import { quantileOf } from '../quantile.ts'
import type { StoredPoint } from '../reader.ts'

/** Durations in seconds. Averages are 0 and the rest null when nothing was measured. */
export type MetricsSummary = {
  readonly total_requests: number
  readonly successful_requests: number
  readonly failed_requests: number
  /** Failed ÷ total; 0 when nothing was served. */
  readonly error_rate: number
  readonly avg_request_duration: number
  readonly avg_processing_time: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly audio_seconds: number
  readonly characters: number
  /** Mean of processing time ÷ playing time. */
  readonly rtf: number | null
  readonly estimated_cost_usd: number
  /** Mean. */
  readonly time_to_first_audio: number | null
  /** Speech requests. */
  readonly by_outcome: Readonly<Record<string, number>>
  readonly by_voice: Readonly<Record<string, number>>
  /** What each voice took and cost. */
  readonly voices: Readonly<Record<string, VoiceSummary>>
}

/** Of one voice: its real-time factor as above, in seconds and US dollars. */
export type VoiceSummary = {
  readonly requests: number
  readonly audio_seconds: number
  readonly rtf: number | null
  readonly estimated_cost_usd: number
}

const NAMES = {
  http: 'http.server.request.duration',
  requests: 'tts.requests',
  processing: 'tts.processing.duration',
  audio: 'tts.audio.duration',
  rtf: 'tts.rtf',
  firstAudio: 'tts.time_to_first_audio',
  characters: 'tts.characters',
  cost: 'tts.cost',
} as const

/** The metrics that {@link summarize} looks at. */
export const METRIC_NAMES: readonly string[] = Object.values(NAMES)

/** Sums up all series of all processes. A request has failed when the server answered 5xx or says why it failed. */
export function summarize(points: readonly StoredPoint[]): MetricsSummary {
  const byName = Map.groupBy(points, (point) => point.name)
  const of = (name: keyof typeof NAMES) => byName.get(NAMES[name]) ?? []
  const http = of('http')
  const total = count(http)
  const failed = count(http.filter(({ attributes }) => hasFailed(attributes)))
  return {
    total_requests: total,
    successful_requests: total - failed,
    failed_requests: failed,
    error_rate: total === 0 ? 0 : failed / total,
    avg_request_duration: mean(http) ?? 0,
    avg_processing_time: mean(of('processing')) ?? 0,
    p50: quantile(http, 0.5),
    p95: quantile(http, 0.95),
    p99: quantile(http, 0.99),
    audio_seconds: amount(of('audio')),
    characters: amount(of('characters')),
    rtf: mean(of('rtf')),
    estimated_cost_usd: amount(of('cost')),
    time_to_first_audio: mean(of('firstAudio')),
    by_outcome: countBy(of('requests'), 'tts.outcome'),
    by_voice: countBy(of('requests'), VOICE),
    voices: summarizeVoices(of),
  }
}

const VOICE = 'tts.voice'

function summarizeVoices(of: (name: keyof typeof NAMES) => readonly StoredPoint[]): Readonly<Record<string, VoiceSummary>> {
  const voices = Object.keys(countBy(of('requests'), VOICE))
  const ofVoice = (name: keyof typeof NAMES, voice: string) => of(name).filter((point) => voiceOf(point) === voice)
  const entries = voices.map((voice): [string, VoiceSummary] => [
    voice,
    {
      requests: amount(ofVoice('requests', voice)),
      audio_seconds: amount(ofVoice('audio', voice)),
      rtf: mean(ofVoice('rtf', voice)),
      estimated_cost_usd: amount(ofVoice('cost', voice)),
    },
  ])
  return Object.fromEntries(entries)
}

function voiceOf({ attributes }: StoredPoint): string {
  return String(attributes[VOICE] ?? 'unknown')
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

/** Measurements of histograms. */
function count(points: readonly StoredPoint[]): number {
  return total(points.map((point) => point.count ?? 0))
}

/** What a counter has counted, or what a histogram's measurements add up to. */
function amount(points: readonly StoredPoint[]): number {
  return total(points.map((point) => point.value ?? point.sum ?? 0))
}

function mean(points: readonly StoredPoint[]): number | null {
  const measured = count(points)
  return measured === 0 ? null : amount(points) / measured
}

function countBy(points: readonly StoredPoint[], attribute: string): Readonly<Record<string, number>> {
  const groups = Map.groupBy(points, ({ attributes }) => String(attributes[attribute] ?? 'unknown'))
  return Object.fromEntries([...groups].map(([key, group]) => [key, amount(group)]))
}

/**
 * Estimated from the buckets of all series together: linear within a bucket, as Prometheus does, and never above the
 * largest value measured.
 */
function quantile(points: readonly StoredPoint[], share: number): number | null {
  const buckets = new Map<number, number>()
  for (const { bounds, counts } of points)
    for (const [index, inBucket] of counts.entries()) {
      const upper = bounds[index] ?? Number.POSITIVE_INFINITY
      buckets.set(upper, (buckets.get(upper) ?? 0) + inBucket)
    }
  const largest = points.reduce((most, point) => Math.max(most, point.max ?? 0), 0)
  const value = quantileOf(buckets, share, largest)
  if (value === undefined) return null
  return largest > 0 ? Math.min(value, largest) : value
}
