import { type LoggerProvider, ROOT_CONTEXT, SeverityNumber, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { REQUEST_ID, USER_ID } from './tts/semconv.ts'

/** Name of the span event and of the log record. https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/ */
const EXCEPTION = 'exception'

/**
 * `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`: makes a log record of each exception recorded on a span, whoever recorded it. With `logs` the
 * span event goes, with `logs/dup` it stays.
 */
export function createExceptionLogs(loggers: LoggerProvider, mode: 'logs' | 'logs/dup'): (span: ReadableSpan) => void {
  return function takeExceptions(span) {
    const exceptions = span.events.filter((event) => event.name === EXCEPTION)
    if (exceptions.length === 0) return
    const logger = loggers.getLogger(span.instrumentationScope.name, span.instrumentationScope.version)
    const context = trace.setSpanContext(ROOT_CONTEXT, span.spanContext())
    const { [REQUEST_ID]: requestId, [USER_ID]: userId } = span.attributes
    for (const { time, attributes } of exceptions) {
      const message = attributes?.['exception.message']
      logger.emit({
        context,
        timestamp: time,
        eventName: EXCEPTION,
        severityNumber: SeverityNumber.ERROR,
        severityText: 'ERROR',
        body: typeof message === 'string' ? message : EXCEPTION,
        attributes: { [REQUEST_ID]: requestId, [USER_ID]: userId, ...attributes },
      })
    }
    if (mode === 'logs') Object.assign(span, { events: span.events.filter((event) => event.name !== EXCEPTION) })
  }
}
