import { isMainThread } from 'node:worker_threads'
import { type AnyValue, type Context, context, diag } from '@opentelemetry/api'
import { type LogConfig, processConfig } from '../config.ts'
import { registered } from '../registered.ts'
import { describeProblems } from '../wrong-settings.ts'
import type { Cleaning } from './clean.ts'
import { type WriteLine, writeToErrors } from './console.ts'
import { addFields, type Fields } from './fields.ts'
import { createFileSink } from './file.ts'
import { type Level, leastOf, SEVERITIES } from './levels.ts'
import { formatJson, formatText, type Line } from './line.ts'
import { createEmit } from './otlp.ts'
import { createRecorder, type RecordConfig } from './record.ts'
import type { Route, Routes } from './routes.ts'
import { createRouting, type Routing } from './routing.ts'
import type { Format, Sink } from './sinks.ts'
import { uuidv7 } from './uuid.ts'

/**
 * Writes log records to the sinks of its name: console, file, and OpenTelemetry where a provider is registered. Secrets are taken out once,
 * before all of them. Each call returns the record's id (`log.record.uid`), or an empty string where the record is not written: its level is
 * switched off, or the sample of DEBUG records does not hold it. None throws.
 * An `Error`, as the message, the second argument or in any field, becomes `exception.type`, `.message` and `.stacktrace`.
 */
export type Logger = {
  readonly name: string
  debug(message: string | Error, fields?: Fields | Error): string
  info(message: string | Error, fields?: Fields | Error): string
  warning(message: string | Error, fields?: Fields | Error): string
  /** The same as `warning`, as pino and the console call it. */
  warn(message: string | Error, fields?: Fields | Error): string
  error(message: string | Error, fields?: Fields | Error): string
  critical(message: string | Error, fields?: Fields | Error): string
  /** A logger of the same name that adds `fields` to every record; the record's own win. */
  child(fields: Fields): Logger
  isEnabled(level: Level): boolean
}

/** Loggers that write every record of `settings().level` and worse to one place, and to OpenTelemetry. */
type LoggingOptions = {
  /** Asked at each record, so that it may be read late. */
  readonly settings: () => { readonly level: Level; readonly format: 'json' | 'text' }
  readonly write: WriteLine
  readonly now?: () => Date
}

type LoggersOptions = {
  readonly routing: Routing
  /** Asked once, at the first record. */
  readonly config: () => RecordConfig
  readonly nowMs?: () => number
}

type Attributes = Record<string, AnyValue>

const say = (message: string) => writeToErrors(`tts-otel: ${message}\n`)
const defaultLoggers = createLoggers({
  routing: createRouting({ config: readConfig, openFile: createFileSink, say }),
  config: () => processConfig().config.log,
})

/** Says what is wrong in the environment, which `register` does at the start; where nothing is registered nobody else would. */
function readConfig(): LogConfig {
  const { config, problems } = processConfig()
  if (problems.length > 0 && isMainThread && registered() === undefined) say(describeProblems(problems, 'Defaults hold instead.'))
  return config.log
}

/**
 * The logger `name` (`app.tts`), which becomes `source` and the instrumentation scope. Where its records go: `logging.yaml`
 * (`TTS_OTEL_LOGGING_CONFIG`), or `LOG_LEVEL`, `LOG_FORMAT` and `LOG_FILE_PATH`; see docs/logging.md.
 */
export function getLogger(name: string): Logger {
  return defaultLoggers.getLogger(name)
}

/** Loggers with one place of their own instead of the configured ones, and OpenTelemetry. */
export function createLogging({ settings, write, now }: LoggingOptions): { getLogger(name: string): Logger } {
  const known = new Map<string, Routes>()
  const current = (): Routes => {
    const { level, format } = settings()
    const routes = known.get(level + format) ?? toRoutes(level, format === 'text' ? formatText : formatJson, write)
    known.set(level + format, routes)
    return routes
  }
  const clock = now === undefined ? {} : { nowMs: () => now().getTime() }
  return createLoggers({ routing: { current, add: () => {} }, config: () => ({ hashKey: undefined, sampleRatio: 1 }), ...clock })
}

function toRoutes(level: Level, format: (line: Line) => string, write: WriteLine): Routes {
  const least = leastOf(level)
  const route: Route = {
    least,
    sinks: [
      { kind: 'lines', least, format, write },
      { kind: 'otlp', least },
    ],
  }
  return { find: () => route }
}

/**
 * Loggers that share a routing.
 *
 *     call ─► plain values ─► redact once ─┬─► console, file     as lines, each form made once
 *                                          └─► otlp              marked as clean, so that its processor does not look again
 */
export function createLoggers({ routing, config, nowMs = Date.now }: LoggersOptions): { getLogger(name: string): Logger } {
  const recorder = createRecorder({ config, nowMs })

  function makeLogger(name: string, base: Attributes): Logger {
    const route = createRouteFinder(routing, name)
    const deliver = createDelivery(name, recorder.cleaning)

    const at = (level: Level) => {
      const severity = SEVERITIES[level]
      return function log(message: string | Error, fields?: Fields | Error): string {
        let id = ''
        try {
          const { least, sinks } = route()
          if (severity < least) return ''
          id = uuidv7()
          const active = context.active()
          const line = recorder.make({ logger: name, level, id, message, base, fields }, active)
          if (line === undefined) return ''
          deliver(line, severity, sinks, active)
        } catch (error) {
          tellLoss(name, error)
        }
        return id
      }
    }

    const warning = at('WARNING')
    return {
      name,
      debug: at('DEBUG'),
      info: at('INFO'),
      warning,
      warn: warning,
      error: at('ERROR'),
      critical: at('CRITICAL'),
      child(fields) {
        const added = { ...base }
        addFields(added, fields)
        return makeLogger(name, added)
      },
      isEnabled: (level) => SEVERITIES[level] >= route().least,
    }
  }

  return {
    getLogger(name) {
      routing.add(name)
      return makeLogger(name, {})
    },
  }
}

/** Looks the route up again only when the routing has changed. */
function createRouteFinder(routing: Routing, name: string): () => Route {
  let routes: Routes | undefined
  let route: Route | undefined
  return function findRoute() {
    const current = routing.current()
    if (route === undefined || routes !== current) {
      routes = current
      route = current.find(name)
    }
    return route
  }
}

type Deliver = (line: Line, severity: number, sinks: readonly Sink[], active: Context) => void

/** A sink that fails keeps no record from the others. */
function createDelivery(name: string, cleaning: () => Cleaning): Deliver {
  const emit = createEmit(name, cleaning)
  return function deliver(line, severity, sinks, active) {
    let format: Format | undefined
    let text = ''
    for (const sink of sinks) {
      if (severity < sink.least) continue
      try {
        if (sink.kind === 'otlp') emit(line, active)
        else {
          if (sink.format !== format) text = sink.format(line)
          format = sink.format
          sink.write(text, severity)
        }
      } catch (error) {
        tellLoss(name, error)
      }
    }
  }
}

function tellLoss(logger: string, error: unknown): void {
  diag.warn(`tts-otel: a record of the logger ${logger} is lost; the app is not affected.`, error)
}
