import { SeverityNumber } from '@opentelemetry/api'

/** The service's levels, mildest first. */
export const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const

export type Level = (typeof LEVELS)[number]

/** OpenTelemetry's number of each level. https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
export const SEVERITIES: Readonly<Record<Level, SeverityNumber>> = {
  DEBUG: SeverityNumber.DEBUG,
  INFO: SeverityNumber.INFO,
  WARNING: SeverityNumber.WARN,
  ERROR: SeverityNumber.ERROR,
  CRITICAL: SeverityNumber.FATAL,
}

/** What other loggers call our levels. */
const ALIASES: Readonly<Record<string, Level>> = { TRACE: 'DEBUG', WARN: 'WARNING', FATAL: 'CRITICAL' }

/** The level that `text` names in any case, also `trace`, `warn`, `fatal`; undefined when it names none. */
export function parseLevel(text: string): Level | undefined {
  const name = text.trim().toUpperCase()
  return LEVELS.find((level) => level === name) ?? (Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined)
}

/** The least severity that a logger or sink of this level takes; 0, which is everything, without a level. */
export function leastOf(level: Level | 'NOTSET' | undefined): number {
  return level === undefined || level === 'NOTSET' ? 0 : SEVERITIES[level]
}
