import { SeverityNumber } from '@opentelemetry/api'

/** What loggers call their levels: pino, npm (winston), syslog, and ours. https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/ */
const BY_NAME: Readonly<Record<string, SeverityNumber>> = {
  silly: SeverityNumber.TRACE,
  input: SeverityNumber.TRACE,
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  verbose: SeverityNumber.DEBUG2,
  http: SeverityNumber.DEBUG3,
  info: SeverityNumber.INFO,
  notice: SeverityNumber.INFO2,
  warn: SeverityNumber.WARN,
  warning: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
  crit: SeverityNumber.FATAL,
  critical: SeverityNumber.FATAL,
  alert: SeverityNumber.FATAL2,
  emerg: SeverityNumber.FATAL3,
}

/** Severity of a level by its name, any case; undefined for names that only the app knows. */
export function severityOfName(name: string): SeverityNumber | undefined {
  const key = name.toLowerCase()
  return Object.hasOwn(BY_NAME, key) ? BY_NAME[key] : undefined
}

/** pino's levels are ten apart (10 is trace, 60 fatal), as OpenTelemetry's are four. */
const PINO_STEP = 10
const OTEL_STEP = 4
const BANDS = 6

/** Severity of a level of pino; a custom one, such as 35, lies where it lies between its neighbours. */
export function severityOfPino(level: number): SeverityNumber {
  const steps = (level - PINO_STEP) / PINO_STEP
  return Math.min(Math.max(1 + Math.floor(steps * OTEL_STEP), 1), BANDS * OTEL_STEP)
}
