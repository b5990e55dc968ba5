import {
  isSpanContextValid,
  type LoggerProvider,
  type LogRecord,
  type Logger as OtelLogger,
  SeverityNumber,
  trace,
} from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { Config } from './config.ts'
import { type Cleaning, isClean } from './log/clean.ts'

export type CleanRecordsOptions = {
  readonly resource: Resource
  readonly limits: Config['logLimits']
  /** What must have been done to a record. */
  readonly cleaning: Cleaning
  readonly push: (record: ReadableLogRecord) => void
}

/**
 * Lets the records of our own loggers, which are asked for by a name alone, past the copies and checks that the SDK makes of everybody's: they are
 * plain, clean and named already, and nobody else holds them. Without it the caller pays half as much again. What a limit could change takes the
 * SDK's way.
 */
export function passCleanRecords(provider: LoggerProvider, options: CleanRecordsOptions): void {
  const getLogger = provider.getLogger.bind(provider)
  const known = new WeakMap<OtelLogger, OtelLogger>()
  Object.assign<LoggerProvider, LoggerProvider>(provider, {
    getLogger(name, version, loggerOptions) {
      const logger = getLogger(name, version, loggerOptions)
      if (version !== undefined || loggerOptions !== undefined) return logger
      const passing = known.get(logger) ?? createPassing(logger, name, options)
      known.set(logger, passing)
      return passing
    },
  })
}

function createPassing(logger: OtelLogger, name: string, { resource, limits, cleaning, push }: CleanRecordsOptions): OtelLogger {
  const instrumentationScope = { name } // one for each logger: batches are grouped by its identity
  const { attributeCountLimit, attributeValueLengthLimit } = limits
  const isUnlimited = attributeValueLengthLimit === Number.POSITIVE_INFINITY

  function toReadable(record: LogRecord): ReadableLogRecord | undefined {
    const { timestamp, severityNumber = SeverityNumber.UNSPECIFIED, severityText = '', body = '', attributes = {}, context } = record
    if (!isUnlimited || context === undefined || !isClean(context, cleaning) || !Array.isArray(timestamp)) return undefined
    if (Object.keys(attributes).length > attributeCountLimit) return undefined
    const origin = { resource, instrumentationScope, hrTime: timestamp, hrTimeObserved: timestamp }
    const made = { ...origin, severityNumber, severityText, body, attributes, droppedAttributesCount: 0 }
    const spanContext = trace.getSpanContext(context)
    return spanContext !== undefined && isSpanContextValid(spanContext) ? { ...made, spanContext } : made
  }

  return {
    emit(record) {
      const readable = toReadable(record)
      if (readable) push(readable)
      else logger.emit(record)
    },
    enabled: (asked) => logger.enabled(asked),
  }
}
