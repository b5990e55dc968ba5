import { EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE } from '../tts/semconv.ts'

/** An error as the attributes of a log record. */
export type ExceptionAttributes = {
  readonly [EXCEPTION_TYPE]: string
  readonly [EXCEPTION_MESSAGE]: string
  readonly [EXCEPTION_STACKTRACE]: string
}

/** Causes of causes; the fifth is rarely read, and a cycle has no end. */
const CAUSES_MAX = 5
/** Of an AggregateError: a connection that failed for every address of a host has a few. */
const PARTS_MAX = 3
/** Of a page of HTML or audio in base64 that somebody made a message of. */
const MESSAGE_IN_STACK_CHARS_MAX = 4_096

/** Type, message and stack of `error`, the stacks of its causes and parts appended as Java and Python print them. */
export function describeException(error: Error): ExceptionAttributes {
  const chain = withCauses(error)
  const [, ...causes] = chain
  const stack = [stackOf(error), ...causes.map((cause) => `Caused by: ${stackOf(cause)}`)].join('\n')
  return { [EXCEPTION_TYPE]: typeOf(error), [EXCEPTION_MESSAGE]: String(error.message), [EXCEPTION_STACKTRACE]: stack }
}

/** Also of a proxy that has been revoked, where `instanceof` throws. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

/** Nearest first; each error once. */
function withCauses(error: Error): readonly Error[] {
  const found = new Set<Error>()
  const waiting = [error]
  for (let next = waiting.shift(); next && found.size <= CAUSES_MAX; next = waiting.shift()) {
    found.add(next)
    const parts = next instanceof AggregateError ? next.errors.slice(0, PARTS_MAX) : []
    for (const cause of [next.cause, ...parts]) if (cause instanceof Error && !found.has(cause)) waiting.push(cause)
  }
  return [...found]
}

/** The class's name, also where `name` was not set: an `Error` subclass without one says `Error`. */
function typeOf(error: Error): string {
  return error.name === 'Error' ? (error.constructor?.name ?? 'Error') : error.name
}

/** A stack begins with the message. A long one stands in `exception.message` alone: here it would push the calls over the limit of a text. */
function stackOf({ name, message, stack }: Error): string {
  if (typeof stack !== 'string') return `${name}: ${message}`
  return message.length > MESSAGE_IN_STACK_CHARS_MAX ? stack.replace(message, `[${message.length} characters]`) : stack
}
