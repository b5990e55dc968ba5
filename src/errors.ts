/** What a speech service throws on purpose. The catalogue with statuses, details and what a client sees: docs/errors.md. */

/** Facts about an error that its caller may see; they are sent as JSON. */
export type ErrorDetails = Readonly<Record<string, unknown>>

export type TtsApiErrorOptions = {
  /** Stable name for programs, in upper case. Default `INTERNAL_ERROR`. */
  readonly code?: string | undefined
  /** HTTP status from 400 to 599; anything else is answered as 500. Default 500. */
  readonly status?: number | undefined
  readonly details?: ErrorDetails | undefined
  /** What really happened: logged from 500 on, never sent. */
  readonly cause?: unknown
}

/** An error whose `message`, `code`, `status` and `details` are written for the caller: the middleware sends them as they are. */
export class TtsApiError extends Error {
  override readonly name: string = 'TtsApiError'
  readonly code: string
  readonly status: number
  readonly details: ErrorDetails | undefined

  constructor(message: string, options: TtsApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code ?? 'INTERNAL_ERROR'
    this.status = options.status ?? 500
    this.details = options.details
  }
}

/** 401: nobody knows who is asking. The answer has `WWW-Authenticate`, and `tts.auth.failures` counts it. */
export class AuthenticationError extends TtsApiError {
  override readonly name = 'AuthenticationError'

  constructor(message = 'Authentication failed', options?: ErrorOptions) {
    super(message, { ...options, code: 'AUTHENTICATION_ERROR', status: 401 })
  }
}

/** 403: who is asking is known, and may not. */
export class AuthorizationError extends TtsApiError {
  override readonly name = 'AuthorizationError'

  constructor(message = 'Insufficient permissions', options?: ErrorOptions) {
    super(message, { ...options, code: 'AUTHORIZATION_ERROR', status: 403 })
  }
}

/** 400: the input is wrong; `details` says what (`{ field: 'text' }`). */
export class ValidationError extends TtsApiError {
  override readonly name = 'ValidationError'

  constructor(message: string, details?: ErrorDetails, options?: ErrorOptions) {
    super(message, { ...options, code: 'VALIDATION_ERROR', status: 400, details })
  }
}

/** 429: too many requests. `retryAfterS` (seconds) becomes `details.retry_after` and the header `Retry-After`. */
export class RateLimitError extends TtsApiError {
  override readonly name = 'RateLimitError'

  constructor(message: string, retryAfterS?: number, options?: ErrorOptions) {
    super(message, { ...options, code: 'RATE_LIMIT_EXCEEDED', status: 429, details: detail('retry_after', retryAfterS) })
  }
}

/** 500: the speech could not be made. */
export class TtsProcessingError extends TtsApiError {
  override readonly name = 'TtsProcessingError'

  constructor(message: string, requestId?: string | number, options?: ErrorOptions) {
    super(message, { ...options, code: 'TTS_PROCESSING_ERROR', status: 500, details: detail('request_id', requestId) })
  }
}

/** 502: Gemini failed us. `geminiErrorCode` is its status (`RESOURCE_EXHAUSTED`); its own words belong in `cause`. */
export class GeminiApiError extends TtsApiError {
  override readonly name = 'GeminiApiError'

  constructor(message: string, geminiErrorCode?: string | number, options?: ErrorOptions) {
    super(message, { ...options, code: 'GEMINI_API_ERROR', status: 502, details: detail('gemini_error_code', geminiErrorCode) })
  }
}

/** 500: the database failed during `operation` (`insert request`, never the statement itself: the caller sees it). */
export class DatabaseError extends TtsApiError {
  override readonly name = 'DatabaseError'

  constructor(message: string, operation?: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'DATABASE_ERROR', status: 500, details: detail('operation', operation) })
  }
}

/** 500: Redis failed during `operation` (`read quota`). */
export class RedisError extends TtsApiError {
  override readonly name = 'RedisError'

  constructor(message: string, operation?: string, options?: ErrorOptions) {
    super(message, { ...options, code: 'REDIS_ERROR', status: 500, details: detail('operation', operation) })
  }
}

function detail(name: string, value: string | number | undefined): ErrorDetails | undefined {
  return value === undefined ? undefined : { [name]: value }
}
