/** How a signal comes to its value: decides what several instances add up to, and what an export can say. */
export type SignalKind = 'ratio' | 'rate' | 'quantile' | 'average' | 'level' | 'count'

/** What can be said of one signal before any data is there. */
export type SignalInfo = {
  readonly kind: SignalKind
  readonly unit: string
  /** Least and greatest value that it can have. */
  readonly min: number
  readonly max: number
  /** Labels that it can be told apart by. */
  readonly labels: readonly string[]
  /** What it is made of, for the reference. */
  readonly doc: string
}

/** What a condition means by a signal without a window. */
export const SIGNAL_WINDOW_MS = 5 * 60_000
/** The longest window of the burn rates: three days. Whoever keeps signals need not keep more. */
export const SIGNAL_WINDOW_MS_MAX = 3 * 24 * 60 * 60_000
/** The finest step that data comes in. */
export const SIGNAL_WINDOW_MS_MIN = 1_000

const PROCESS = ['service', 'instance']
const HTTP = [...PROCESS, 'route', 'method']
const ANSWERS = [...HTTP, 'status']
const SPEECH = [...PROCESS, 'model', 'voice']
const PROVIDER = [...PROCESS, 'model']

const duration = (share: string): SignalInfo => ({
  kind: 'quantile',
  unit: 's',
  min: 0,
  max: Infinity,
  labels: ANSWERS,
  doc: `${share} of the requests took at most this long (\`http.server.request.duration\`)`,
})

/** Every signal that a condition can name. A process adds those that its rule file counts under `log_counts:`. */
export const SIGNALS = {
  error_rate: {
    kind: 'ratio',
    unit: '1',
    min: 0,
    max: 1,
    labels: HTTP,
    doc: 'failed ÷ all requests (`http.server.request.duration`); failed: status 500 or more, or `error.type`',
  },
  requests_per_second: {
    kind: 'rate',
    unit: '{request}/s',
    min: 0,
    max: Infinity,
    labels: ANSWERS,
    doc: 'requests answered a second (`http.server.request.duration`)',
  },
  p50_duration: duration('half'),
  p95_duration: duration('95 %'),
  p99_duration: duration('99 %'),
  avg_processing_time: {
    kind: 'average',
    unit: 's',
    min: 0,
    max: Infinity,
    labels: SPEECH,
    doc: 'mean time of making speech, waiting left out (`tts.processing.duration`)',
  },
  auth_failures_per_minute: {
    kind: 'rate',
    unit: '{request}/min',
    min: 0,
    max: Infinity,
    labels: PROCESS,
    doc: 'requests refused with 401, a minute (`tts.auth.failures`)',
  },
  queue_length: {
    kind: 'level',
    unit: '{job}',
    min: 0,
    max: Infinity,
    labels: PROCESS,
    doc: 'jobs that wait now; of several instances the greatest, as workers look at one queue (`tts.queue.length`)',
  },
  active_connections: {
    kind: 'level',
    unit: '{connection}',
    min: 0,
    max: Infinity,
    labels: PROCESS,
    doc: 'connections of clients now, all instances together (`tts.active_connections`)',
  },
  rtf_p95: {
    kind: 'quantile',
    unit: '1',
    min: 0,
    max: Infinity,
    labels: SPEECH,
    doc: '95 % of the speech had at most this real-time factor, processing ÷ playing time (`tts.rtf`)',
  },
  time_to_first_audio_p95: {
    kind: 'quantile',
    unit: 's',
    min: 0,
    max: Infinity,
    labels: SPEECH,
    doc: '95 % of the first audio came within this time (`tts.time_to_first_audio`)',
  },
  no_audio_rate: {
    kind: 'ratio',
    unit: '1',
    min: 0,
    max: 1,
    labels: SPEECH,
    doc: 'speech requests that ended without audio ÷ all (`tts.requests` with `tts.outcome` `no_audio` or `text_instead_of_audio`)',
  },
  speech_error_rate: {
    kind: 'ratio',
    unit: '1',
    min: 0,
    max: 1,
    labels: SPEECH,
    doc: 'speech requests that failed ÷ all (`tts.requests`); failed: any `tts.outcome` but `ok` and `cancelled`',
  },
  gemini_error_rate: {
    kind: 'ratio',
    unit: '1',
    min: 0,
    max: 1,
    labels: PROVIDER,
    doc: 'failed ÷ all calls of the provider (`gen_ai.client.inference.duration` with `error.type`)',
  },
  cost_per_hour: {
    kind: 'rate',
    unit: '{USD}/h',
    min: 0,
    max: Infinity,
    labels: SPEECH,
    doc: 'estimated cost an hour at the pace of the window (`tts.cost`)',
  },
  quota_exhausted: {
    kind: 'count',
    unit: '{call}',
    min: 0,
    max: Infinity,
    labels: PROVIDER,
    doc: 'calls that the provider refused in the window because a quota had run out (`gen_ai.client.inference.duration`)',
  },
  telemetry_lost: {
    kind: 'count',
    unit: '{item}',
    min: 0,
    max: Infinity,
    labels: [...PROCESS, 'signal', 'reason'],
    doc: 'spans, log records, metric points and log lines given up in the window (`tts_otel.dropped`, `tts_otel.console.dropped`, `tts_otel.log.file.dropped`)',
  },
  health: {
    kind: 'level',
    unit: '1',
    min: 0,
    max: 1,
    labels: [...PROCESS, 'dependency'],
    doc: '1 when what the app depends on is healthy, else 0; of several the worst (`health.check.status`)',
  },
  telemetry_silence: {
    kind: 'level',
    unit: 's',
    min: 0,
    max: Infinity,
    labels: ['service'],
    doc: 'time since a service that was there has sent anything; of several services the longest, a day at the most',
  },
  evaluation_delay: {
    kind: 'level',
    unit: 's',
    min: 0,
    max: Infinity,
    labels: [],
    doc: 'how much later than planned the rules are looked at; always there, so that a rule on it can tell that alerts work',
  },
} as const satisfies Readonly<Record<string, SignalInfo>>

export type SignalName = keyof typeof SIGNALS

/** A count of log records in the window, as a rule file defines it. */
export const LOG_COUNT: SignalInfo = {
  kind: 'count',
  unit: '{record}',
  min: 0,
  max: Infinity,
  labels: [...PROCESS, 'logger', 'level', 'event', 'error_type'],
  doc: 'log records in the window that have all that is asked for',
}
