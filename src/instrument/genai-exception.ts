import { type Attributes, type Context, logs, SeverityNumber } from '@opentelemetry/api'
import { describeException, isError } from '../log/exception.ts'
import { ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE } from '../tts/semconv.ts'
import type { CallFailure } from './genai-errors.ts'
import { EVENT_GEN_AI_EXCEPTION } from './genai-semconv.ts'

/** What a call of the client threw. */
export type CallException = {
  readonly thrown: unknown
  readonly failure: CallFailure
  /** The call: operation, provider, model, server. */
  readonly about: Attributes
  readonly context: Context
}

/** First line of a stack that belongs to a call. */
const FRAMES = /^ {4}at /m

/**
 * A log record for what a call threw, also where the app tries again and nobody hears of it. Its message is our reading of the error: the
 * error's own may hold a piece of the answer, and so may the first lines of its stack.
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-exceptions.md
 */
export function emitCallException({ thrown, failure, about, context }: CallException): void {
  const described = isError(thrown) ? describeException(thrown) : undefined
  logs.getLogger('tts-otel').emit({
    context,
    eventName: EVENT_GEN_AI_EXCEPTION,
    severityNumber: SeverityNumber.WARN,
    severityText: 'WARN',
    body: failure.message,
    attributes: {
      ...about,
      [ERROR_TYPE]: failure.type,
      [EXCEPTION_TYPE]: described?.[EXCEPTION_TYPE] ?? failure.type,
      [EXCEPTION_MESSAGE]: failure.message,
      [EXCEPTION_STACKTRACE]: described && framesOf(described[EXCEPTION_STACKTRACE]),
    },
  })
}

function framesOf(stack: string): string | undefined {
  const start = stack.search(FRAMES)
  const end = stack.indexOf('\nCaused by: ')
  return start < 0 ? undefined : stack.slice(start, end < start ? undefined : end)
}
