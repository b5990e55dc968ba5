import { types } from 'node:util'
import { describeException, type ExceptionAttributes } from '../log/exception.ts'
import type { Fields } from '../log/fields.ts'
import type { Level } from '../log/levels.ts'
import { EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE } from '../tts/semconv.ts'
import type { Failure } from './failure.ts'

/** A log record as our logger takes it. */
export type LogEntry = { readonly level: Level; readonly message: string; readonly fields: Fields }

/** Node takes addresses of 16 KB; what is longer than this names nothing of the app. */
export const PATH_CHARS_MAX = 2_048

type FailureFacts = {
  readonly method: string
  readonly path: string
  /** Of an unexpected error, as the client sees it. */
  readonly errorId: string | undefined
}

/**
 * The record of a failure: WARNING below 500 and for what the framework refuses, ERROR from 500 on, CRITICAL for what nobody expected. From 500 on with
 * type, message and stack of the error, and of its causes. Below, no text of the error but the developer's own: a parser quotes the input.
 */
export function describeFailure(failure: Failure, exception: ExceptionAttributes, { method, path, errorId }: FailureFacts): LogEntry {
  const { kind, status, code, errorType, details } = failure
  const shortPath = path.slice(0, PATH_CHARS_MAX)
  const facts = { error_code: code, status_code: status, error_type: errorType, method, path: shortPath, error_id: errorId, details }
  const fields = status < 500 ? facts : { ...facts, ...exception }
  if (kind === 'unexpected') return { level: 'CRITICAL', message: `Unexpected error: ${exception[EXCEPTION_MESSAGE]}`, fields }
  const level = status < 500 ? 'WARNING' : 'ERROR'
  return { level, message: kind === 'api' ? failure.message : `HTTP ${status}: ${failure.message}`, fields }
}

/** Type, message and stack of whatever was thrown, causes included. Never throws: an error may have getters that do. */
export function describeThrown(thrown: unknown): ExceptionAttributes {
  try {
    if (types.isNativeError(thrown) || thrown instanceof Error) return describeException(thrown)
    return withoutStack('NonError', typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown))
  } catch {
    return withoutStack('Error', 'the error cannot be read: a property of it throws')
  }
}

/** What was thrown is no error, and can be of any size. */
const MESSAGE_CHARS_MAX = 1_000

function withoutStack(type: string, message: string): ExceptionAttributes {
  return { [EXCEPTION_TYPE]: type, [EXCEPTION_MESSAGE]: message.slice(0, MESSAGE_CHARS_MAX), [EXCEPTION_STACKTRACE]: '' }
}
