import { ApiError as GeminiError } from '@google/genai'
import type { FastifyInstance } from 'fastify'
import { GeminiApiError, TtsApiError, ValidationError } from 'tts-otel'

/** Whatever went wrong while Gemini was to speak, in words for our caller; the original is the cause. */
export function geminiFailed(cause: unknown): TtsApiError {
  if (cause instanceof TtsApiError) return cause
  return new GeminiApiError(`Gemini ${whatHappened(cause)}.`, cause instanceof GeminiError ? cause.status : undefined, { cause })
}

function whatHappened(cause: unknown): string {
  if (cause instanceof GeminiError) return `answered ${cause.status}`
  if (cause instanceof Error && cause.name === 'AbortError') return 'took too long'
  return 'could not be reached, or broke off'
}

/** A body that does not fit its schema, in our own words instead of Fastify's general ones. */
export const explainSchemaErrors: Parameters<FastifyInstance['setSchemaErrorFormatter']>[0] = ([first], place) => {
  const field = first?.instancePath.slice(1) || place
  return new ValidationError(`${field} ${first?.message ?? 'is wrong'}`, { field })
}
