import type { AnyValue, LoggerProvider, Logger as OtelLogger } from '@opentelemetry/api'
import { diag, isSpanContextValid, logs, trace } from '@opentelemetry/api'
import { processConfig } from '../config.ts'
import { currentRequest } from '../request-context.ts'
import { LOG_RECORD_UID, REQUEST_ID, SOURCE, USER_ID } from '../tts/semconv.ts'
import { type WriteLine, writeToConsole } from './console.ts'
import { addFields, type Fields } from './fields.ts'
import { type Level, SEVERITIES } from './levels.ts'
import { formatJson, formatText } from './line.ts'
import { createRedactor } from './redact.ts'
import { uuidv7 } from './uuid.ts'

/**
 * Writes log records: as a line on the console, and to OpenTelemetry where a provider is registered. Secrets are taken out once,
 * before both. Each call returns the record's id (`log.record.uid`), or an empty string where its level is switched off; none throws.
 * An `Error` as the second argument or in the field `error` becomes `exception.type`, `.message` and `.stacktrace`.
 */
export type Logger = {
  readonly name: string
  debug(message: string, fields?: Fields | Error): string
  info(message: string, fields?: Fields | Error): string
  warning(message: string, fields?: Fields | Error): string
  /** The same as `warning`, as pino and the console call it. */
  warn(message: string, fields?: Fields | Error): string
  error(message: string, fields?: Fields | Error): string
  critical(message: string, fields?: Fields | Error): string
  /** A logger of the same name that adds `fields` to every record; the record's own win. */
  child(fields: Fields): Logger
  isEnabled(level: Level): boolean
}

export type LogSettings = { readonly level: Level; readonly format: 'json' | 'text' }

type LoggingOptions = {
  /** Asked at each record, so that it may be read late. */
  readonly settings: () => LogSettings
  readonly write: WriteLine
  readonly now?: () => Date
}

type Attributes = Record<string, AnyValue>

const defaultLogging = createLogging({ settings: () => processConfig().config.log, write: writeToConsole })

/** The logger `name` (`app.tts`), which becomes `source` and the instrumentation scope. Level and format: `LOG_LEVEL`, `LOG_FORMAT`. */
export function getLogger(name: string): Logger {
  return defaultLogging.getLogger(name)
}

/** Loggers with settings and a sink of their own. */
export function createLogging({ settings, write, now = () => new Date() }: LoggingOptions): { getLogger(name: string): Logger } {
  const redactor = createRedactor()

  function writeRecord(otel: OtelLogger, name: string, level: Level, message: string, attributes: Attributes): void {
    const time = now()
    const clean = redactor.attributes(attributes)
    const body = redactor.text(message)
    otel.emit({ timestamp: time, severityNumber: SEVERITIES[level], severityText: level, body, attributes: clean })
    const { traceId, spanId } = activeIds()
    const line = { time, level, logger: name, message: body, traceId, spanId, attributes: clean }
    write(settings().format === 'text' ? formatText(line) : formatJson(line))
  }

  function makeLogger(name: string, base: Attributes): Logger {
    const otel = followProvider(name)
    const isEnabled = (level: Level): boolean => SEVERITIES[level] >= SEVERITIES[settings().level]

    const at = (level: Level) => {
      return function log(message: string, fields: Fields | Error = {}): string {
        if (!isEnabled(level)) return ''
        const id = uuidv7()
        try {
          writeRecord(otel(), name, level, String(message), toAttributes(id, name, base, fields))
        } catch (error) {
          diag.warn(`tts-otel: a record of the logger ${name} is lost; the app is not affected.`, error)
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
      isEnabled,
    }
  }

  return { getLogger: (name) => makeLogger(name, {}) }
}

/** The ids first: a record that reaches the limit of attributes loses the last ones. They are strings wherever they come from. */
function toAttributes(id: string, name: string, base: Attributes, fields: Fields | Error): Attributes {
  const attributes: Attributes = { [LOG_RECORD_UID]: id, [SOURCE]: name }
  const request = currentRequest()
  if (request) attributes[REQUEST_ID] = request.requestId
  if (request?.userId !== undefined) attributes[USER_ID] = request.userId
  Object.assign(attributes, base)
  addFields(attributes, fields instanceof Error ? { error: fields } : fields)
  attributes[LOG_RECORD_UID] = id
  for (const name of [REQUEST_ID, USER_ID]) if (typeof attributes[name] === 'number') attributes[name] = String(attributes[name])
  return attributes
}

/** The OpenTelemetry logger of whichever provider is registered now; the API's own proxy stays with the first. */
function followProvider(name: string): () => OtelLogger {
  let provider: LoggerProvider | undefined
  let logger: OtelLogger | undefined
  return function currentLogger() {
    const registered = logs.getLoggerProvider()
    if (logger === undefined || provider !== registered) {
      provider = registered
      logger = registered.getLogger(name)
    }
    return logger
  }
}

function activeIds(): { readonly traceId?: string; readonly spanId?: string } {
  const span = trace.getActiveSpan()?.spanContext()
  return span && isSpanContextValid(span) ? span : {}
}
