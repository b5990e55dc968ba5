import { type LoggerProvider, logs, type Logger as OtelLogger } from '@opentelemetry/api'

/** Names come from the app, which may make them of anything (`pino({ name: tenant })`), and a provider keeps what it was asked for. */
const LOGGERS_MAX = 1_000
/** The scope of all that come after those; `source` names them all the same. */
const OVERFLOW = 'tts-otel'

/** Finds the OpenTelemetry logger of a name, of whichever provider is registered then: the API's own proxy stays with the first. */
export function createOtelLoggers(): (name: string) => OtelLogger {
  let provider: LoggerProvider | undefined
  let loggers = new Map<string, OtelLogger>()
  return function otelLoggerOf(name) {
    const registered = logs.getLoggerProvider()
    if (provider !== registered) loggers = new Map()
    provider = registered
    const known = loggers.get(name)
    if (known !== undefined) return known
    const logger = registered.getLogger(loggers.size < LOGGERS_MAX ? name : OVERFLOW)
    if (loggers.size < LOGGERS_MAX) loggers.set(name, logger)
    return logger
  }
}
