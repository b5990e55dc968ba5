/** What the routes of the contract throw. `SEKRET` stands for whatever no client may see. */
import { ApiError } from '@google/genai'
import {
  AuthenticationError,
  AuthorizationError,
  DatabaseError,
  GeminiApiError,
  RateLimitError,
  RedisError,
  TtsApiError,
  TtsProcessingError,
  ValidationError,
} from '../../../src/errors.ts'

export const SEKRET = 'sekret-4711'

const cause = new Error(`connect ECONNREFUSED db.${SEKRET}.internal:5432`)

const FAILURES: Readonly<Record<string, () => unknown>> = {
  api: () => new TtsApiError('The engine is cold', { code: 'ENGINE_COLD', status: 503, details: { retry_after: 2.2 }, cause }),
  default: () => new TtsApiError('Something of ours'),
  authentication: () => new AuthenticationError(),
  authorization: () => new AuthorizationError(),
  validation: () => new ValidationError('The text is empty', { field: 'text' }),
  rate: () => new RateLimitError('Too many requests', 60),
  processing: () => new TtsProcessingError('No audio came', 'job-7', { cause }),
  gemini: () => new GeminiApiError('Gemini is overloaded', 'UNAVAILABLE', { cause }),
  database: () => new DatabaseError('The request was not stored', 'insert request', { cause }),
  redis: () => new RedisError('The quota is not known', 'read quota', { cause }),
  'bad-status': () => new TtsApiError('Not a status', { status: 99 }),
  'bad-details': () => {
    const details: Record<string, unknown> = { big: 1n }
    details.self = details
    return new ValidationError('These details are no JSON', details)
  },
  'null-details': () => Reflect.construct(ValidationError, ['These details are null', null]),
  plain: () => new TypeError(`SELECT ${SEKRET} FROM users`, { cause }),
  upstream: () => new ApiError({ status: 429, message: `{"error":{"message":"${SEKRET}"}}` }),
  text: () => `a text: ${SEKRET}`,
  object: () => Object.freeze({ status: 404, message: SEKRET }),
  frozen: () => Object.freeze(new Error(SEKRET)),
  getter: () => Object.defineProperty(new Error('x'), 'message', { get: () => throwError(new Error(SEKRET)) }),
  cycle: () => {
    const error = new Error(SEKRET)
    error.cause = new Error('around', { cause: error })
    return error
  },
  aggregate: () => new AggregateError([new Error(`first ${SEKRET}`), new Error('second')], 'all addresses failed'),
  'plain-status': () => Object.assign(new Error(SEKRET), { statusCode: 418 }),
}

/** Throws what `kind` names. */
export function fail(kind: string): never {
  throw FAILURES[kind]!()
}

function throwError(error: Error): never {
  throw error
}
