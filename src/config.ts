/** PARSE: strings -> Config. The only file of the SDK that reads the environment; what may stand there is in `settings.ts`. */
import { readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { createReader, type Environment, type OtlpName, type OtlpValue, type Reader, type Value } from './config-reader.ts'
import { showValue, TIMER_MS_MAX } from './config-values.ts'
import { once } from './once.ts'
import type { Signal } from './wire/signal.ts'

/** Where one signal goes and how long it may wait on the way. */
export type SignalConfig = {
  readonly exporters: readonly ('otlp' | 'console')[]
  /** Complete: with `/v1/traces` and the like. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Of one request. */
  readonly timeoutMs: number
  readonly compression: OtlpValue<'COMPRESSION'>
  readonly encoding: 'protobuf' | 'json'
  /** PEM texts. */
  readonly tls: { readonly ca: string | undefined; readonly key: string | undefined; readonly cert: string | undefined }
  readonly queue: QueueConfig
}

/** A queue in front of the collector; sizes in spans, log records or metric points. */
export type QueueConfig = {
  readonly delayMs: number
  readonly queueItemsMax: number
  readonly batchItemsMax: number
}

/** What `getLogger` does where no `logging.yaml` says otherwise. */
export type LogConfig = {
  readonly level: Value<'LOG_LEVEL'>
  readonly format: Value<'LOG_FORMAT'>
  /** Otherwise a terminal gets a form for people. */
  readonly isFormatSet: boolean
  /** Whether that one has colours. */
  readonly color: boolean
  readonly filePath: string | undefined
  /** Path of a `logging.yaml`. */
  readonly settingsPath: string | undefined
  /** Share of traces whose DEBUG records are kept. */
  readonly sampleRatio: number
  /** With it, identities are written as keyed hashes. */
  readonly hashKey: string | undefined
  /** What the app writes with `console.*` becomes log records. */
  readonly captureConsole: boolean
}

/** Everything the SDK can be told, parsed and frozen. */
export type Config = {
  readonly disabled: boolean
  readonly strict: boolean
  readonly compileCache: boolean
  readonly diagLevel: Value<'OTEL_LOG_LEVEL'>
  readonly shutdownTimeoutMs: number
  readonly serviceName: string | undefined
  readonly hostName: string | undefined
  readonly resourceAttributes: Readonly<Record<string, string>>
  readonly signals: Readonly<Record<Signal, SignalConfig>>
  readonly proxy: { readonly https: string | undefined; readonly http: string | undefined; readonly no: string | undefined }
  /** What could not be delivered waits here; the first directory that can be used. 0 bytes: nowhere. */
  readonly spool: { readonly dirs: readonly string[]; readonly bytesMax: number; readonly fsync: boolean }
  readonly metricIntervalMs: number
  readonly metricTimeoutMs: number
  readonly sampler: { readonly name: Value<'OTEL_TRACES_SAMPLER'>; readonly ratio: number }
  readonly propagators: Value<'OTEL_PROPAGATORS'>
  readonly spanLimits: {
    readonly attributeValueLengthLimit: number
    readonly attributeCountLimit: number
    readonly eventCountLimit: number
    readonly linkCountLimit: number
    readonly attributePerEventCountLimit: number
    readonly attributePerLinkCountLimit: number
  }
  readonly logLimits: { readonly attributeValueLengthLimit: number; readonly attributeCountLimit: number }
  readonly log: LogConfig
  /** Error answers carry the stack. Never in production. */
  readonly includeTraceback: boolean
  readonly healthIntervalMs: number
  readonly speech: {
    readonly captureContent: Value<'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'>
    /** Names of the metrics of Gemini calls. */
    readonly metricNames: 'old' | 'new' | 'both'
    readonly pricesPath: string | undefined
    /** Audio is decoded and measured, in bounded samples. */
    readonly analyseAudio: boolean
    /** What a call of Gemini throws is a log record, too, as the newest conventions want it. */
    readonly exceptionEvents: boolean
  }
  readonly exceptions: Value<'OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN'>
  /** Where the commands of `npx tts-otel` read what was stored. */
  readonly reading: { readonly url: string | undefined; readonly token: string | undefined }
}

/** A Config, always complete, and one sentence for each value that was wrong: the variable, the value, what is allowed, what holds instead. */
export type ParsedConfig = { readonly config: Config; readonly problems: readonly string[] }

export type ParseOptions = {
  /** Text of a file that a variable names; throws when there is none. Default: from disk. */
  readonly readFile?: (path: string) => string
}

/** Reads `env` against the tables. Wrong values take their default and are told in `problems`; never throws. Empty means unset. */
export function parseConfig(env: Environment, options: ParseOptions = {}): ParsedConfig {
  // A set: a general OTLP variable is read for three signals and told once.
  const problems = new Set(unsupported(env))
  const reader = createReader({ env: withLowerCaseProxies(env), problems, readFile: options.readFile ?? readText })
  return { config: freezeDeep(toConfig(reader)), problems: [...problems] }
}

/** The Config of this process, parsed from its environment at the first call. */
export const processConfig: () => ParsedConfig = once(() => parseConfig(process.env))

/** The environment of this process, for those who ask where a value comes from. */
export function processEnvironment(): Environment {
  return process.env
}

function toConfig(reader: Reader): Config {
  const { get } = reader
  const metricIntervalMs = get('OTEL_METRIC_EXPORT_INTERVAL') ?? get('METRICS_COLLECTION_INTERVAL') * 1_000
  const samplerName = get('OTEL_TRACES_SAMPLER')
  return {
    disabled: get('OTEL_SDK_DISABLED'),
    strict: get('TTS_OTEL_STRICT'),
    compileCache: get('TTS_OTEL_COMPILE_CACHE'),
    diagLevel: get('OTEL_LOG_LEVEL'),
    shutdownTimeoutMs: get('TTS_OTEL_SHUTDOWN_TIMEOUT_MS'),
    serviceName: get('OTEL_SERVICE_NAME'),
    hostName: get('HOSTNAME'),
    resourceAttributes: get('OTEL_RESOURCE_ATTRIBUTES'),
    signals: {
      traces: {
        ...toSignal(reader, 'traces', get('OTEL_BSP_EXPORT_TIMEOUT')),
        exporters: get('OTEL_TRACES_EXPORTER'),
        queue: toQueue(reader, 'OTEL_BSP'),
      },
      metrics: { ...toSignal(reader, 'metrics', TIMER_MS_MAX), exporters: get('OTEL_METRICS_EXPORTER'), queue: METRIC_QUEUE },
      logs: {
        ...toSignal(reader, 'logs', get('OTEL_BLRP_EXPORT_TIMEOUT')),
        exporters: get('OTEL_LOGS_EXPORTER'),
        queue: toQueue(reader, 'OTEL_BLRP'),
      },
    },
    proxy: { https: get('HTTPS_PROXY'), http: get('HTTP_PROXY'), no: get('NO_PROXY') },
    spool: toSpool(reader),
    metricIntervalMs,
    metricTimeoutMs: Math.min(get('OTEL_METRIC_EXPORT_TIMEOUT'), metricIntervalMs),
    // Other samplers ignore the argument, so a wrong one is no problem of theirs.
    sampler: { name: samplerName, ratio: samplerName.endsWith('traceidratio') ? get('OTEL_TRACES_SAMPLER_ARG') : 1 },
    propagators: get('OTEL_PROPAGATORS'),
    ...toLimits(reader),
    log: {
      level: get('LOG_LEVEL'),
      format: get('LOG_FORMAT'),
      isFormatSet: reader.isSet('LOG_FORMAT'),
      color: !reader.isSet('NO_COLOR'),
      filePath: get('LOG_FILE_PATH'),
      settingsPath: get('TTS_OTEL_LOGGING_CONFIG'),
      sampleRatio: get('TTS_OTEL_DEBUG_SAMPLE_RATIO'),
      hashKey: get('TTS_OTEL_HASH_KEY'),
      captureConsole: get('TTS_OTEL_CAPTURE_CONSOLE'),
    },
    includeTraceback: toTraceback(reader),
    healthIntervalMs: get('HEALTH_CHECK_INTERVAL') * 1_000,
    speech: {
      captureContent: get('OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'),
      metricNames: toMetricNames(get('OTEL_SEMCONV_STABILITY_OPT_IN')),
      pricesPath: get('TTS_OTEL_PRICES'),
      analyseAudio: get('TTS_OTEL_AUDIO_ANALYSIS') === 'on',
      exceptionEvents: get('OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN') !== 'events',
    },
    exceptions: get('OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN'),
    reading: { url: get('TTS_OTEL_COLLECTOR_URL'), token: get('TTS_OTEL_READ_TOKEN') },
  }
}

/** A stack tells a stranger about the code: never in production, whatever is set. */
function toTraceback({ get, problems }: Reader): boolean {
  if (!get('ERROR_INCLUDE_TRACEBACK') || get('NODE_ENV') !== 'production') return get('ERROR_INCLUDE_TRACEBACK')
  problems.add('ERROR_INCLUDE_TRACEBACK=true is refused because NODE_ENV is production: error answers carry no stack')
  return false
}

const GEN_AI_LATEST = 'gen_ai_latest_experimental'

function toMetricNames(optIn: readonly string[]): Config['speech']['metricNames'] {
  if (optIn.includes(`${GEN_AI_LATEST}/dup`)) return 'both'
  return optIn.includes(GEN_AI_LATEST) ? 'new' : 'old'
}

function toSignal(reader: Reader, signal: Signal, exportTimeoutMs: number): Omit<SignalConfig, 'exporters' | 'queue'> {
  const { otlp, pem } = reader
  const one = <Name extends OtlpName>(name: Name) => otlp(name, signal).own ?? otlp(name, signal).general
  const endpoint = otlp('ENDPOINT', signal)
  const headers = otlp('HEADERS', signal)
  return {
    url: endpoint.own === undefined ? appendPath(endpoint.general, `v1/${signal}`) : new URL(endpoint.own).href,
    headers: { ...headers.general, ...headers.own },
    timeoutMs: Math.min(one('TIMEOUT'), exportTimeoutMs),
    compression: one('COMPRESSION'),
    encoding: one('PROTOCOL') === 'http/json' ? 'json' : 'protobuf',
    tls: { ca: pem('CERTIFICATE', signal), key: pem('CLIENT_KEY', signal), cert: pem('CLIENT_CERTIFICATE', signal) },
  }
}

/** https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp */
function appendPath(endpoint: string, path: string): string {
  const url = new URL(endpoint)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  return url.href
}

function toQueue({ get, isSet, problems }: Reader, prefix: 'OTEL_BSP' | 'OTEL_BLRP'): QueueConfig {
  const queueItemsMax = get(`${prefix}_MAX_QUEUE_SIZE`)
  const batchItems = get(`${prefix}_MAX_EXPORT_BATCH_SIZE`)
  if (batchItems > queueItemsMax && isSet(`${prefix}_MAX_EXPORT_BATCH_SIZE`))
    problems.add(
      `${prefix}_MAX_EXPORT_BATCH_SIZE=${batchItems} is more than ${prefix}_MAX_QUEUE_SIZE, which is ${queueItemsMax}; using ${queueItemsMax}`,
    )
  return {
    delayMs: get(`${prefix}_SCHEDULE_DELAY`),
    queueItemsMax,
    batchItemsMax: Math.min(batchItems, queueItemsMax),
  }
}

function toSpool({ get }: Reader): Config['spool'] {
  const dir = get('TTS_OTEL_SPOOL_DIR')
  const service = toFileName(get('OTEL_SERVICE_NAME') ?? get('OTEL_RESOURCE_ATTRIBUTES')['service.name'] ?? 'unknown_service')
  const stateHome = get('XDG_STATE_HOME') ?? findStateHome()
  // The temporary directory is everybody's: the number keeps users apart, and the spool checks the owner.
  const temporary = join(tmpdir(), `tts-otel-${process.getuid?.() ?? 'user'}`, service)
  return {
    dirs: dir !== undefined ? [dir] : isAbsolute(stateHome) ? [join(stateHome, 'tts-otel', service), temporary] : [temporary],
    bytesMax: get('TTS_OTEL_SPOOL_MAX_MB') * BYTES_PER_MB,
    fsync: get('TTS_OTEL_SPOOL_FSYNC'),
  }
}

/** Empty for a user whom the system does not know, as in a container with a number for a user: there `homedir` throws. */
function findStateHome(): string {
  try {
    return join(homedir(), '.local', 'state')
  } catch {
    return ''
  }
}

const BYTES_PER_MB = 1_048_576
const FILE_NAME_CHARACTERS_MAX = 64

function toFileName(name: string): string {
  return (
    name
      .replace(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^\.+/, '')
      .slice(0, FILE_NAME_CHARACTERS_MAX) || 'service'
  )
}

/** A collection of all metrics is one item and waits for no other. They are cumulative: later ones hold what earlier ones said, so few may wait. */
const METRIC_QUEUE: QueueConfig = { delayMs: 1, queueItemsMax: 16, batchItemsMax: 1 }

function toLimits({ get }: Reader): Pick<Config, 'spanLimits' | 'logLimits'> {
  const lengthMax = get('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT') ?? Number.POSITIVE_INFINITY
  const countMax = get('OTEL_ATTRIBUTE_COUNT_LIMIT')
  return {
    spanLimits: {
      attributeValueLengthLimit: get('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT') ?? lengthMax,
      attributeCountLimit: get('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT') ?? countMax,
      eventCountLimit: get('OTEL_SPAN_EVENT_COUNT_LIMIT'),
      linkCountLimit: get('OTEL_SPAN_LINK_COUNT_LIMIT'),
      attributePerEventCountLimit: get('OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'),
      attributePerLinkCountLimit: get('OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'),
    },
    logLimits: {
      attributeValueLengthLimit: get('OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT') ?? lengthMax,
      attributeCountLimit: get('OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT') ?? countMax,
    },
  }
}

/** Variables that other SDKs read and this one cannot honour. */
function* unsupported(env: Environment): Generator<string> {
  for (const name of ['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE'])
    if (env[name]) yield `${name} is not supported and was not read: set the variables of docs/configuration.md instead`
  const temporality = env.OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE
  if (temporality && temporality.toLowerCase() !== 'cumulative')
    yield `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=${showValue(temporality, {})} is not supported: metrics are always cumulative`
}

/** Proxies are usually named in lower case; both spellings count. */
function withLowerCaseProxies(env: Environment): Environment {
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY']
  return { ...env, ...Object.fromEntries(names.map((name) => [name, env[name.toLowerCase()] || env[name]])) }
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}

function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) freezeDeep(inner)
  return Object.freeze(value)
}
