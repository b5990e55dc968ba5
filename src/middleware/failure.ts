import { STATUS_CODES } from 'node:http'
import { type ErrorDetails, TtsApiError } from '../errors.ts'

/** What an error means for the request it broke. */
export type Failure = {
  /** `api`: thrown on purpose. `http`: the framework's own, or made like it. `unexpected`: everything else. */
  readonly kind: 'api' | 'http' | 'unexpected'
  readonly status: number
  /** `error` of the answer. */
  readonly code: string
  /** For the client. */
  readonly message: string
  readonly details: ErrorDetails | undefined
  /** Headers that the error brings. */
  readonly headers: Readonly<Record<string, string>>
  /** Few different values: the code, the framework's code, or the class. For `error.type`. */
  readonly errorType: string
}

const HTTP_ERROR = 'HTTP_ERROR'
/** What nginx calls a request whose client went away; never seen by a client. */
export const CLIENT_CLOSED_REQUEST = 499

/** Headers of a framework's error that say how to ask better; others may be those of an upstream's answer. */
const ERROR_HEADERS = ['allow', 'content-range', 'retry-after', 'www-authenticate']
/** A message header cannot hold anything else. */
export const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]{1,1024}$/
/** `error.type` becomes a series of its own for each value. */
const ERROR_TYPE_SHAPE = /^[A-Za-z_$][\w$.:-]{0,63}$/
/** Classes that no client of another service throws: who put a status on such an error meant our client. */
const PLAIN_CLASSES = new Set(['Error', 'TypeError', 'RangeError', 'SyntaxError', 'URIError'])
/** Of a schema; the client mends one after the other. */
const VALIDATION_ERRORS_MAX = 10
/** What clients that keep seconds in 32 bits can read: 68 years. */
const RETRY_AFTER_S_MAX = 2_147_483_647

const UNEXPECTED: Failure = {
  kind: 'unexpected',
  status: 500,
  code: 'INTERNAL_SERVER_ERROR',
  message: 'An unexpected error occurred',
  details: undefined,
  headers: {},
  errorType: 'Error',
}

/** Judges what was thrown, whatever it is. Never throws. */
export function toFailure(thrown: unknown): Failure {
  try {
    if (thrown instanceof TtsApiError) return apiFailure(thrown)
    const status = httpStatusOf(thrown)
    if (status !== undefined) return { ...httpFailure(status), ...detailsOf(thrown), headers: headersOf(thrown) }
    return { ...UNEXPECTED, errorType: errorTypeOf(thrown) }
  } catch {
    return UNEXPECTED
  }
}

/** The failure that only a status is known of: a framework's 404, a client that went away. */
export function httpFailure(status: number): Failure {
  const message = status === CLIENT_CLOSED_REQUEST ? 'Client Closed Request' : (STATUS_CODES[status] ?? 'Error')
  return { kind: 'http', status, code: HTTP_ERROR, message, details: undefined, headers: {}, errorType: String(status) }
}

function apiFailure(error: TtsApiError): Failure {
  const { code, message, details } = error
  const status = isErrorStatus(error.status) ? error.status : 500
  const retryAfter = retryAfterOf(details)
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  return { kind: 'api', status, code: String(code), message: String(message), details, headers, errorType: shapeErrorType(code) }
}

/** Whole seconds; a moment that has passed already is now. */
function retryAfterOf(details: ErrorDetails | undefined): string | undefined {
  const seconds = details?.retry_after
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return undefined
  return String(Math.min(Math.max(Math.ceil(seconds), 0), RETRY_AFTER_S_MAX))
}

/**
 * The status of an error that the framework made, or that was made for it: Fastify's own, `http-errors` (body-parser, Express, sensible),
 * Hono's `HTTPException`, and plain errors that were given a 4xx. Clients of other services (Gemini's `ApiError`, axios) have a `status`
 * too, but it is that of an answer to us: a key that Google refuses must not look like the fault of our caller.
 * A bare 500 says no more than an unexpected error, and is one.
 */
function httpStatusOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error)) return undefined
  const { statusCode, status, expose, getResponse, code, response } = fieldsOf(thrown)
  const own = isErrorStatus(statusCode) ? statusCode : status
  if (!isErrorStatus(own) || own === 500) return undefined
  const isFastifys = thrown.name === 'FastifyError' || (typeof code === 'string' && code.startsWith('FST_'))
  const isMade = isFastifys || typeof expose === 'boolean' || typeof getResponse === 'function'
  const isPlain = own < 500 && response === undefined && PLAIN_CLASSES.has(thrown.constructor?.name)
  return isMade || isPlain ? own : undefined
}

function isErrorStatus(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599
}

/** Of a schema of Fastify: where and which rule. Its words are the schema's, and do not repeat the input. */
function detailsOf(thrown: unknown): Pick<Failure, 'details' | 'errorType'> {
  const { validation, validationContext } = fieldsOf(thrown)
  const errorType = errorTypeOf(thrown)
  if (!Array.isArray(validation)) return { details: undefined, errorType }
  const errors = validation.slice(0, VALIDATION_ERRORS_MAX).map((one: unknown) => {
    const { instancePath, message } = fieldsOf(one)
    return { path: String(instancePath ?? ''), message: String(message ?? 'is not valid') }
  })
  return { details: { in: String(validationContext ?? 'body'), errors }, errorType }
}

/** From `http-errors` (`headers`) or from the response of an `HTTPException` (`res`). */
function headersOf(thrown: unknown): Readonly<Record<string, string>> {
  const { headers, res } = fieldsOf(thrown)
  const source = res instanceof Response ? Object.fromEntries(res.headers) : Object.fromEntries(Object.entries(headers ?? {}))
  const taken: Record<string, string> = {}
  for (const [name, value] of Object.entries(source)) {
    const lower = name.toLowerCase()
    const text = Array.isArray(value) ? value.join(', ') : String(value)
    if (ERROR_HEADERS.includes(lower) && HEADER_VALUE.test(text)) taken[lower] = text
  }
  return taken
}

/** The class, or for an error without one of its own the code (`ECONNREFUSED`). */
function errorTypeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'NonError'
  const { code } = fieldsOf(thrown)
  if (typeof code === 'string' && (code.startsWith('FST_') || thrown.constructor?.name === 'Error')) return shapeErrorType(code)
  return shapeErrorType(thrown.name === 'Error' ? thrown.constructor?.name : thrown.name)
}

function shapeErrorType(text: unknown): string {
  return typeof text === 'string' && ERROR_TYPE_SHAPE.test(text) ? text : 'Error'
}

/** Reads fields by name, of whatever it is. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
