import type { LogRecord } from './batch.ts'

/** The levels that people filter by, mildest first, each with its lowest OpenTelemetry severity number. */
const LOWEST_SEVERITY = { DEBUG: 1, INFO: 9, WARNING: 13, ERROR: 17, CRITICAL: 21 } as const

export type Level = keyof typeof LOWEST_SEVERITY

export const LEVELS: readonly Level[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']

/** What other loggers call them. */
const ALIASES: Readonly<Record<string, Level>> = { TRACE: 'DEBUG', NOTICE: 'INFO', WARN: 'WARNING', ERR: 'ERROR', FATAL: 'CRITICAL' }

/** `warn` -> `WARNING`; undefined for what is no level. Case does not matter. */
export function parseLevel(text: string): Level | undefined {
  const name = text.trim().toUpperCase()
  return LEVELS.find((level) => level === name) ?? (Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined)
}

/** The lowest severity number that counts as `level`. */
export function lowestSeverity(level: Level): number {
  return LOWEST_SEVERITY[level]
}

/** The severity numbers that count as `level`: from the first, below the second; the highest level has no end. */
export function severitiesOf(level: Level): readonly [from: number, below: number | undefined] {
  const next = LEVELS[LEVELS.indexOf(level) + 1]
  return [lowestSeverity(level), next && lowestSeverity(next)]
}

/**
 * Severity 1–24 of a record. A sender that gave no number is judged by its text, and without either it is information.
 * https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
 */
export function severityOf({ severity, severityText }: Pick<LogRecord, 'severity' | 'severityText'>): number {
  return severity > 0 ? severity : lowestSeverity(parseLevel(severityText) ?? 'INFO')
}

/** The highest number that OpenTelemetry has. https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
export const SEVERITY_MAX = 24

/** The level that a severity number, 0–24, belongs to. */
export function levelOf(severity: number): Level {
  return LEVEL_OF[severity] ?? 'DEBUG'
}

const LEVEL_OF = Array.from({ length: SEVERITY_MAX + 1 }, (_, severity) => LEVELS.findLast((level) => severity >= lowestSeverity(level)))
