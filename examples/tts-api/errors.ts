import { ApiError as GeminiError } from '@google/genai'
import type { FastifyError, FastifyRequest } from 'fastify'

/** What the caller is told; `message` is safe to show. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly statusCode: number
  readonly code: string
  readonly retryAfterSeconds: number | undefined

  constructor(statusCode: number, code: string, message: string, options?: ErrorOptions & { retryAfterSeconds?: number }) {
    super(message, options)
    this.statusCode = statusCode
    this.code = code
    this.retryAfterSeconds = options?.retryAfterSeconds
  }
}

export function unauthorized(message: string): HttpError {
  return new HttpError(401, 'AUTHENTICATION_ERROR', message)
}

export function rateLimited(requestsPerMinute: number, retryAfterSeconds: number): HttpError {
  return new HttpError(429, 'RATE_LIMIT_EXCEEDED', `More than ${requestsPerMinute} requests in this minute.`, { retryAfterSeconds })
}

/** Whatever went wrong while Gemini was to speak, in words for our caller; the original is the cause. */
export function geminiFailed(cause: unknown): HttpError {
  if (cause instanceof HttpError) return cause
  return new HttpError(502, 'GEMINI_API_ERROR', `Gemini ${whatHappened(cause)}.`, { cause })
}

function whatHappened(cause: unknown): string {
  if (cause instanceof GeminiError) return `answered ${cause.status}`
  if (cause instanceof Error && cause.name === 'AbortError') return 'took too long'
  return 'could not be reached, or broke off'
}

type Answer = { readonly status: number; readonly headers: Record<string, string>; readonly body: ErrorBody }
type ErrorBody = {
  readonly error: string
  readonly message: string
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly path: string
  readonly method: string
  readonly request_id: string
}

/** The answer to a request that failed with `error`; what we did not foresee is a 500 that says nothing about us. */
export function toAnswer(error: unknown, request: FastifyRequest): Answer {
  const { statusCode, code, message, retryAfterSeconds } = foreseen(error)
  const [path = ''] = request.url.split('?')
  return {
    status: statusCode,
    headers: retryAfterSeconds ? { 'retry-after': String(retryAfterSeconds) } : {},
    body: { error: code, message, timestamp: Date.now() / 1_000, path, method: request.method, request_id: request.id },
  }
}

function foreseen(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  if (isFastifyError(error) && error.validation) return new HttpError(400, 'VALIDATION_ERROR', error.message)
  if (isFastifyError(error) && error.statusCode && error.statusCode < 500)
    return new HttpError(error.statusCode, 'HTTP_ERROR', error.message)
  return new HttpError(500, 'INTERNAL_SERVER_ERROR', 'Something went wrong on our side.')
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error
}
