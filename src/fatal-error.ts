import { inspect } from 'node:util'
import { type LoggerProvider, SeverityNumber } from '@opentelemetry/api'
import { describeException, type ExceptionAttributes } from './log/exception.ts'
import { EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE } from './tts/semconv.ts'

export type FatalErrorOptions = {
  readonly loggerProvider: LoggerProvider
  /** Called when the error will end this thread. */
  readonly onFatal: () => void
}

/** What is thrown may be anything; a text of this size says what it was. */
const THROWN_CHARACTERS_MAX = 4_096

/**
 * Makes a CRITICAL log record of each error that nobody caught and each rejection that nobody handled, in the context in which it happened.
 * Listens to the monitor only, which changes nothing: Node or the app's own `uncaughtException` handler goes on as without us.
 */
export function watchFatalErrors({ loggerProvider, onFatal }: FatalErrorOptions): void {
  process.on('uncaughtExceptionMonitor', (thrown: unknown) => {
    try {
      const attributes = describeThrown(thrown)
      loggerProvider.getLogger('tts-otel').emit({
        eventName: 'exception',
        severityNumber: SeverityNumber.FATAL,
        severityText: 'CRITICAL',
        body: `Uncaught ${attributes[EXCEPTION_TYPE]}: ${attributes[EXCEPTION_MESSAGE]}`,
        attributes,
      })
      if (isFatal()) onFatal()
    } catch {
      // A getter of the app's own error threw. An error in here would take the place of the one that Node is about to report.
    }
  })
}

function describeThrown(thrown: unknown): ExceptionAttributes {
  if (thrown instanceof Error) return describeException(thrown)
  const text = typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 2 })
  return { [EXCEPTION_TYPE]: typeof thrown, [EXCEPTION_MESSAGE]: text.slice(0, THROWN_CHARACTERS_MAX), [EXCEPTION_STACKTRACE]: '' }
}

function isFatal(): boolean {
  return process.listenerCount('uncaughtException') === 0 && !process.hasUncaughtExceptionCaptureCallback()
}
