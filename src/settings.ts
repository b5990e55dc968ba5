/**
 * Every variable the SDK reads, once: type, default, unit, meaning. `config.ts` reads them, `scripts/docs.ts` writes
 * `docs/configuration.md` from them.
 */
import {
  decimal,
  headers,
  httpUrl,
  keyValues,
  listOf,
  names,
  oneOf,
  onOrOff,
  proxyUrl,
  spellings,
  TIMER_MS_MAX,
  text,
  timeoutMs,
  token,
  trueOrFalse,
  type ValueType,
  whole,
} from './config-values.ts'
import { type Level, parseLevel } from './log/levels.ts'

/** One row: how a variable is read, what holds without it, what the documentation says. */
export type Setting<T> = {
  readonly type: ValueType<T>
  readonly fallback: T
  readonly doc: string
  /** Of the number in the variable: `ms`, `s`. */
  readonly unit?: string
}

/** What a row gives: `ValueOf<typeof SETTINGS, 'LOG_LEVEL'>`. */
export type ValueOf<Table, Name extends keyof Table> = Table[Name] extends Setting<infer T> ? T : never

function setting<T>(type: ValueType<T>, fallback: T, doc: string, unit?: string): Setting<T> {
  return { type, fallback, doc, ...(unit === undefined ? {} : { unit }) }
}

/** A setting without a default. */
function optional<T>(type: ValueType<T>, doc: string, unit?: string): Setting<T | undefined> {
  return setting<T | undefined>(type, undefined, doc, unit)
}

/** Items a queue may hold: beyond this a queue of spans is a memory problem by itself. */
const QUEUE_ITEMS_MAX = 1_000_000
/** Attributes, events or links: more is a bug of the instrumentation. */
const COUNT_MAX = 1_000_000

const count = whole(0, COUNT_MAX)
const items = whole(1, QUEUE_ITEMS_MAX)
const delayMs = whole(1, TIMER_MS_MAX)
const characters = whole(1, 2 ** 31 - 1)
const exporters = listOf(['otlp', 'console'])
const exporterDoc = (what: string) => `Where ${what} go: otlp (a collector), console (a JSON line each on stdout), both, or none.`

const GENERAL = {
  OTEL_SDK_DISABLED: setting(trueOrFalse, false, 'Turns the SDK off: no telemetry, nothing instrumented.'),
  OTEL_LOG_LEVEL: setting(
    oneOf(['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all']),
    'warn',
    'What the SDK says about itself on stderr. With info or more, or with warn on a terminal, one line at the start: version, service, endpoint, what is instrumented.',
  ),
  TTS_OTEL_STRICT: setting(onOrOff, false, 'A wrong value ends the process with exit code 1 before the app starts.'),
  TTS_OTEL_SHUTDOWN_TIMEOUT_MS: setting(
    delayMs,
    3_000,
    'Longest time that the end of the process waits for telemetry to be delivered.',
    'ms',
  ),
  TTS_OTEL_COMPILE_CACHE: setting(onOrOff, false, "Turns on Node's compile cache for the whole process."),
}

/** A terabyte: more is a mistake in the unit. */
const SPOOL_MB_MAX = 1_000_000

const DISK = {
  TTS_OTEL_SPOOL_DIR: optional(
    text,
    'Directory for telemetry that could not be delivered within a second. Without it, tts-otel/<service> in the state directory of the user, or, where that cannot be used, in the one for temporary files.',
  ),
  TTS_OTEL_SPOOL_MAX_MB: setting(
    whole(0, SPOOL_MB_MAX),
    64,
    'Space for it, for each process; above it the oldest is dropped and counted. 0: nothing is written to disk.',
    'MB',
  ),
  TTS_OTEL_SPOOL_FSYNC: setting(
    onOrOff,
    false,
    'Waits until the disk has each write. Otherwise a power loss, not a crash of the process, takes what the system had not flushed.',
  ),
  XDG_STATE_HOME: optional(text, 'The state directory of the user; without it, .local/state in the home directory.'),
}

const IDENTITY = {
  OTEL_SERVICE_NAME: optional(text, 'Name of the service; wins over service.name in OTEL_RESOURCE_ATTRIBUTES.'),
  OTEL_RESOURCE_ATTRIBUTES: setting(
    keyValues,
    {},
    'Attributes of everything this process sends, as key=value,key2=value2; percent-encoded.',
  ),
  HOSTNAME: optional(text, "Name of the host (host.name); without it, the operating system's."),
}

const EXPORT = {
  OTEL_TRACES_EXPORTER: setting(exporters, ['otlp'], exporterDoc('spans')),
  OTEL_METRICS_EXPORTER: setting(exporters, ['otlp'], exporterDoc('metrics')),
  OTEL_LOGS_EXPORTER: setting(exporters, ['otlp'], exporterDoc('log records')),
  HTTPS_PROXY: optional(proxyUrl, 'Proxy for an https collector; lower case wins.'),
  HTTP_PROXY: optional(proxyUrl, 'Proxy for an http collector; lower case wins.'),
  NO_PROXY: optional(text, 'Hosts to reach without a proxy: names, .suffixes, host:port, separated by commas, or *; lower case wins.'),
}

/** Each also for one signal: `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, which wins over `OTEL_EXPORTER_OTLP_TIMEOUT`. */
export const OTLP_SETTINGS = {
  ENDPOINT: setting(
    httpUrl,
    'http://localhost:4318',
    'Address of the collector; v1/traces, v1/metrics, v1/logs are added. The form for one signal is used as it is.',
  ),
  PROTOCOL: setting(
    { ...oneOf(['http/protobuf', 'http/json']), advice: adviseProtocol },
    'http/protobuf',
    'Encoding: http/protobuf or http/json. grpc is not supported: use the HTTP port of the collector, usually 4318.',
  ),
  HEADERS: setting(
    headers,
    {},
    'Headers of each request, as key=value,key2=value2; percent-encoded. The form for one signal is added to the general one.',
  ),
  TIMEOUT: setting(timeoutMs, 10_000, 'Longest time for one request; 0 is no limit.', 'ms'),
  COMPRESSION: setting(oneOf(['none', 'gzip', 'zstd']), 'none', 'Compression of requests.'),
  CERTIFICATE: optional(text, 'File with the certificates to trust (PEM) instead of the public ones.'),
  CLIENT_KEY: optional(text, 'File with the private key of this client (PEM).'),
  CLIENT_CERTIFICATE: optional(text, 'File with the certificate of this client (PEM).'),
}

function adviseProtocol(value: string): string | undefined {
  if (value.toLowerCase() !== 'grpc') return undefined
  return 'grpc is not supported: point OTEL_EXPORTER_OTLP_ENDPOINT at the HTTP port of the collector, usually 4318'
}

const QUEUES = {
  OTEL_BSP_SCHEDULE_DELAY: setting(
    delayMs,
    1_000, // the specification says 5,000, but a crash takes what waits here
    'Longest time a span waits for others to share a request with. A crash takes what is younger, and one second more.',
    'ms',
  ),
  OTEL_BSP_EXPORT_TIMEOUT: setting(
    timeoutMs,
    30_000,
    'Longest time for one request with spans, where OTEL_EXPORTER_OTLP_TIMEOUT allows more; 0 is no limit. Retries go on after it.',
    'ms',
  ),
  OTEL_BSP_MAX_QUEUE_SIZE: setting(items, 2_048, 'Spans that may wait; more are dropped and counted.'),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: setting(items, 512, 'Spans in one request at most.'),
  OTEL_BLRP_SCHEDULE_DELAY: setting(delayMs, 1_000, 'Longest time a log record waits for others to share a request with.', 'ms'),
  OTEL_BLRP_EXPORT_TIMEOUT: setting(timeoutMs, 30_000, 'The same for log records.', 'ms'),
  OTEL_BLRP_MAX_QUEUE_SIZE: setting(items, 2_048, 'Log records that may wait; more are dropped and counted.'),
  OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: setting(items, 512, 'Log records in one request at most.'),
  METRICS_COLLECTION_INTERVAL: setting(decimal(0.001, 86_400), 60, 'Time between two collections of the metrics.', 's'),
  OTEL_METRIC_EXPORT_INTERVAL: optional(delayMs, 'The same in milliseconds; wins over METRICS_COLLECTION_INTERVAL.', 'ms'),
  OTEL_METRIC_EXPORT_TIMEOUT: setting(timeoutMs, 30_000, 'Longest time for one collection; never more than the interval.', 'ms'),
}

const SAMPLING = {
  OTEL_TRACES_SAMPLER: setting(
    oneOf(['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio']),
    'parentbased_always_on',
    'Which traces are recorded.',
  ),
  OTEL_TRACES_SAMPLER_ARG: setting(decimal(0, 1), 1, 'Share of traces for the samplers whose name ends in traceidratio.'),
  OTEL_PROPAGATORS: setting(listOf(['tracecontext', 'baggage']), ['tracecontext', 'baggage'], 'How a trace travels in HTTP headers.'),
}

const LIMITS = {
  OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: optional(characters, 'Longest text of an attribute, in characters; longer ones are cut.'),
  OTEL_ATTRIBUTE_COUNT_LIMIT: setting(count, 128, 'Attributes of one span or log record.'),
  OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: optional(characters, 'The same length for spans; wins over the general one.'),
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: optional(count, 'The same count for spans; wins over the general one.'),
  OTEL_SPAN_EVENT_COUNT_LIMIT: setting(count, 128, 'Events of one span; the oldest goes first.'),
  OTEL_SPAN_LINK_COUNT_LIMIT: setting(count, 128, 'Links of one span.'),
  OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: setting(count, 128, 'Attributes of one span event.'),
  OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: setting(count, 128, 'Attributes of one link.'),
  OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: optional(characters, 'The same length for log records; wins over the general one.'),
  OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: optional(count, 'The same count for log records; wins over the general one.'),
}

const CONTENT = {
  LOG_LEVEL: setting<Level>(
    { expects: 'DEBUG, INFO, WARNING, ERROR or CRITICAL', read: parseLevel },
    'INFO',
    'Least level of getLogger that is written: DEBUG, INFO, WARNING, ERROR or CRITICAL, any case; also trace, warn, fatal.',
  ),
  LOG_FORMAT: setting(
    oneOf(['json', 'text']),
    'json',
    'Form of the log lines on the console and in the file. Unset, a terminal gets a form for people.',
  ),
  NO_COLOR: optional(text, 'With any value, log lines on a terminal have no colours. https://no-color.org'),
  LOG_FILE_PATH: optional(
    text,
    'File that getLogger also writes to, from DEBUG on where LOG_LEVEL allows it: 10 MB, five older ones kept beside it.',
  ),
  TTS_OTEL_LOGGING_CONFIG: optional(
    text,
    'A logging.yaml: levels and sinks of each logger. Wins over LOG_LEVEL, LOG_FORMAT and LOG_FILE_PATH; read again when it changes.',
  ),
  TTS_OTEL_DEBUG_SAMPLE_RATIO: setting(
    decimal(0, 1),
    1,
    'Share of traces whose DEBUG records are kept; each kept one says the ratio. INFO and above are never dropped.',
  ),
  TTS_OTEL_HASH_KEY: optional(
    token,
    'With this key, user ids and e-mail addresses leave the process as keyed hashes (HMAC-SHA-256): equal ones stay equal, nobody reads them.',
  ),
  TTS_OTEL_CAPTURE_CONSOLE: setting(
    onOrOff,
    false,
    'What the app writes with console.log, info, warn, error and debug becomes log records as well; it is printed as ever.',
  ),
  ERROR_INCLUDE_TRACEBACK: setting(
    trueOrFalse,
    false,
    'Error answers of the middleware carry the stack, for development; refused where NODE_ENV is production.',
  ),
  NODE_ENV: optional(text, 'Only whether it is production.'),
  HEALTH_CHECK_INTERVAL: setting(decimal(0.1, 86_400), 30, 'Time between two checks of what the service depends on (createHealth).', 's'),
  OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: setting(
    oneOf(['events', 'logs', 'logs/dup']),
    'events',
    'Exceptions recorded on spans become span events (events), log records (logs) or both (logs/dup). With the last two, what a call of Gemini throws is a log record gen_ai.client.operation.exception as well.',
  ),
}

/** What a capture of content may write to. https://github.com/open-telemetry/semantic-conventions-genai */
const captures = spellings({
  no_content: 'none',
  false: 'none',
  span_only: 'span',
  event_only: 'event',
  true: 'event',
  span_and_event: 'both',
} as const)

const SPEECH = {
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: setting<'none' | 'span' | 'event' | 'both'>(
    captures,
    'none',
    'Whether the text sent to Gemini leaves the process, and where: no_content, span_only, event_only (also true) or span_and_event. Never audio.',
  ),
  OTEL_SEMCONV_STABILITY_OPT_IN: setting(
    names,
    [],
    'gen_ai_latest_experimental: metrics of Gemini calls under the newest names of the conventions; with /dup under both. Other names of this variable are for other libraries.',
  ),
  TTS_OTEL_AUDIO_ANALYSIS: setting(
    oneOf(['off', 'on']),
    'off',
    'Whether the audio is also listened to: silence at both ends, clipping, peak and RMS, and speech that is silent counts as such. Costs at most some milliseconds a call.',
  ),
  TTS_OTEL_PRICES: optional(text, 'A JSON file with prices of your own; rows of it win over the built-in ones.'),
}

const READING = {
  TTS_OTEL_COLLECTOR_URL: optional(
    httpUrl,
    'Address of the tts-otel-collector to read from; without it, that of OTEL_EXPORTER_OTLP_ENDPOINT.',
  ),
  TTS_OTEL_READ_TOKEN: optional(token, 'Its READ_TOKEN.'),
}

/** The variables by their full names. */
export const SETTINGS = {
  ...GENERAL,
  ...DISK,
  ...IDENTITY,
  ...EXPORT,
  ...QUEUES,
  ...SAMPLING,
  ...LIMITS,
  ...CONTENT,
  ...SPEECH,
  ...READING,
}

/** The tables with their headings, in the order of the documentation. */
export const SECTIONS: readonly { readonly title: string; readonly settings: Readonly<Record<string, Setting<unknown>>> }[] = [
  { title: 'The SDK as a whole', settings: GENERAL },
  { title: 'What waits on disk', settings: DISK },
  { title: 'Who sends', settings: IDENTITY },
  { title: 'Where it goes', settings: EXPORT },
  { title: 'The connection to the collector', settings: OTLP_SETTINGS },
  { title: 'Queues and intervals', settings: QUEUES },
  { title: 'Sampling and propagation', settings: SAMPLING },
  { title: 'Limits', settings: LIMITS },
  { title: 'Logs and content', settings: CONTENT },
  { title: 'Speech', settings: SPEECH },
  { title: 'The command line', settings: READING },
]
