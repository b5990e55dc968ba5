import { formatDuration } from '../duration.ts'

/** A signal as Prometheus can be asked for it, with the names that OpenTelemetry's translation gives to metrics and labels. */
export type SignalSeries = {
  /** Names of our labels there. */
  readonly labels: Readonly<Record<string, string>>
  /** `by`: names there. */
  readonly expression: (by: readonly string[], windowMs: number) => string
  /** It is 0 here as soon as the process tells of itself, and missing there before the first count: only "more than" is the same. */
  readonly isMissingAtZero?: true
}

const PROCESS = { service: 'job', instance: 'instance' }
const HTTP = { ...PROCESS, route: 'http_route', method: 'http_request_method', status: 'http_response_status_code' }
const SPEECH = { ...PROCESS, model: 'tts_model', voice: 'tts_voice' }
const PROVIDER = { ...PROCESS, model: 'gen_ai_request_model' }

const REQUESTS = 'http_server_request_duration_seconds'
const SERVER_ERROR = 'http_response_status_code=~"5.."'
const OTHER_ERROR = 'error_type!="",http_response_status_code!~"5.."'
const QUOTA = 'error_type=~"429|RESOURCE_EXHAUSTED|rate_limit_exceeded|quota_exceeded|too_many_requests"'
const NO_AUDIO = 'tts_outcome=~"no_audio|text_instead_of_audio"'

/** The signals that Prometheus can have. Silence of a service and our own delay are known here only. */
export const SERIES: Readonly<Record<string, SignalSeries>> = {
  error_rate: {
    labels: HTTP,
    expression: (by, windowMs) =>
      ratio({
        part: `${rate(`${REQUESTS}_count{${SERVER_ERROR}}`, windowMs)} or ${rate(`${REQUESTS}_count{${OTHER_ERROR}}`, windowMs)}`,
        all: rate(`${REQUESTS}_count`, windowMs),
        by,
      }),
  },
  requests_per_second: { labels: HTTP, expression: (by, windowMs) => total(rate(`${REQUESTS}_count`, windowMs), by) },
  p50_duration: quantile(0.5, REQUESTS, HTTP),
  p95_duration: quantile(0.95, REQUESTS, HTTP),
  p99_duration: quantile(0.99, REQUESTS, HTTP),
  avg_processing_time: {
    labels: SPEECH,
    expression: (by, windowMs) =>
      `${total(rate('tts_processing_duration_seconds_sum', windowMs), by)} / ${total(rate('tts_processing_duration_seconds_count', windowMs), by)}`,
  },
  auth_failures_per_minute: {
    labels: PROCESS,
    isMissingAtZero: true,
    expression: (by, windowMs) => `60 * ${total(rate('tts_auth_failures_total', windowMs), by)}`,
  },
  queue_length: { labels: PROCESS, expression: (by) => aggregate('max', 'tts_queue_length', by) },
  active_connections: { labels: PROCESS, expression: (by) => total('tts_active_connections', by) },
  rtf_p95: quantile(0.95, 'tts_rtf', SPEECH),
  time_to_first_audio_p95: quantile(0.95, 'tts_time_to_first_audio_seconds', SPEECH),
  no_audio_rate: outcomes(NO_AUDIO),
  speech_error_rate: outcomes('tts_outcome!~"ok|cancelled"'),
  gemini_error_rate: {
    labels: PROVIDER,
    expression: (by, windowMs) => ratio({ part: gemini('{error_type!=""}', rate, windowMs), all: gemini('', rate, windowMs), by }),
  },
  cost_per_hour: { labels: SPEECH, expression: (by, windowMs) => `3600 * ${total(rate('tts_cost_total', windowMs), by)}` },
  quota_exhausted: {
    labels: PROVIDER,
    isMissingAtZero: true,
    expression: (by, windowMs) => total(gemini(`{${QUOTA}}`, increase, windowMs), by),
  },
  telemetry_lost: {
    labels: { ...PROCESS, signal: 'signal', reason: 'reason' },
    isMissingAtZero: true,
    // Lines of console and file have the same labels: each gets one of its own, so that `or` keeps both.
    expression: (by, windowMs) =>
      total(
        [
          increase('tts_otel_dropped_total', windowMs),
          ...['console', 'log_file'].map(
            (name) => `label_replace(${increase(`tts_otel_${name}_dropped_total`, windowMs)}, "sink", "${name}", "", "")`,
          ),
        ].join(' or '),
        by,
      ),
  },
  health: {
    labels: { ...PROCESS, dependency: 'health_check_name' },
    expression: (by) => aggregate('min', 'health_check_status_ratio or health_check_status', by),
  },
}

type Over = (selector: string, windowMs: number) => string

function rate(selector: string, windowMs: number): string {
  return `rate(${selector}[${formatDuration(windowMs)}])`
}

function increase(selector: string, windowMs: number): string {
  return `increase(${selector}[${formatDuration(windowMs)}])`
}

function aggregate(operator: 'sum' | 'max' | 'min', vector: string, by: readonly string[]): string {
  return by.length === 0 ? `${operator}(${vector})` : `${operator} by (${by.join(', ')}) (${vector})`
}

function total(vector: string, by: readonly string[]): string {
  return aggregate('sum', vector, by)
}

/** Nothing failed is 0, not nothing. */
function ratio({ part, all, by }: { readonly part: string; readonly all: string; readonly by: readonly string[] }): string {
  return `(${total(part, by)} or 0 * ${total(all, by)}) / ${total(all, by)}`
}

function quantile(share: number, metric: string, labels: SignalSeries['labels']): SignalSeries {
  const expression: SignalSeries['expression'] = (by, windowMs) =>
    `histogram_quantile(${share}, ${total(rate(`${metric}_bucket`, windowMs), [...by, 'le'])})`
  return { labels, expression }
}

function outcomes(selector: string): SignalSeries {
  const expression: SignalSeries['expression'] = (by, windowMs) =>
    ratio({ part: rate(`tts_requests_total{${selector}}`, windowMs), all: rate('tts_requests_total', windowMs), by })
  return { labels: SPEECH, expression }
}

/** Under its name of today, and of a process that does not know that one under the name before. */
function gemini(selector: string, over: Over, windowMs: number): string {
  return ['inference', 'operation'].map((name) => over(`gen_ai_client_${name}_duration_seconds_count${selector}`, windowMs)).join(' or ')
}
