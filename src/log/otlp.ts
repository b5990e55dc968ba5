import type { AnyValue, Context, HrTime } from '@opentelemetry/api'
import { LOG_RECORD_UID, SOURCE } from '../tts/semconv.ts'
import { type Cleaning, markClean } from './clean.ts'
import { SEVERITIES } from './levels.ts'
import type { Line } from './line.ts'
import { createOtelLoggers } from './otel-loggers.ts'

/** Hands a record to OpenTelemetry, where a provider is registered. */
export type Emit = (line: Line, active: Context) => void

const otelLoggerOf = createOtelLoggers()

/** The way to OpenTelemetry for the logger `name`, whose records have been cleaned as `cleaning()` says. */
export function createEmit(name: string, cleaning: () => Cleaning): Emit {
  return function emit(line, active) {
    otelLoggerOf(name).emit({
      timestamp: toHrTime(line.timeMs),
      severityNumber: SEVERITIES[line.level],
      severityText: line.level,
      body: line.message,
      attributes: toAttributes(line),
      context: markClean(active, cleaning()),
    })
  }
}

/** The id first: a record that reaches the limit of attributes loses the last ones. */
function toAttributes({ id, logger, attributes }: Line): Record<string, AnyValue> {
  const all: Record<string, AnyValue> = { [LOG_RECORD_UID]: id, [SOURCE]: logger }
  for (const name in attributes) all[name] = attributes[name]
  return all
}

/** Seconds and nanoseconds: a plain number could be taken for one of `performance.now()`. */
function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, (ms - seconds * 1_000) * 1_000_000]
}
