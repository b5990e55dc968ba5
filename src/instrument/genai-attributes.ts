import type { Attributes } from '@opentelemetry/api'
import { audioAttributes } from '../tts/audio-attributes.ts'
import {
  ERROR_TYPE,
  GEMINI_QUOTA_ID,
  GEMINI_SERVER_TIMING_MS,
  GEN_AI_RESPONSE_FINISH_REASONS,
  GEN_AI_RESPONSE_ID,
  GEN_AI_RESPONSE_MODEL,
  GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
  GEN_AI_USAGE_INPUT_TOKENS,
  GEN_AI_USAGE_OUTPUT_TOKENS,
  GEN_AI_USAGE_TEXT_INPUT_TOKENS,
} from '../tts/semconv.ts'
import type { Attempts } from './attempts.ts'
import type { Answer } from './genai-answer.ts'
import type { CallFailure } from './genai-errors.ts'
import * as names from './genai-semconv.ts'

/** What the span says of the answer; undefined values are ignored by the SDK. */
export function answerAttributes(answer: Answer): Attributes {
  const { audio, usage } = answer
  return {
    [GEN_AI_RESPONSE_MODEL]: answer.model,
    [GEN_AI_RESPONSE_ID]: answer.id,
    [names.GEMINI_BLOCK_REASON]: answer.blockReason,
    [GEN_AI_USAGE_INPUT_TOKENS]: usage?.input,
    [GEN_AI_USAGE_OUTPUT_TOKENS]: usage?.output,
    [names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]: usage?.thoughts,
    [names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]: usage?.cached,
    [GEN_AI_USAGE_TEXT_INPUT_TOKENS]: usage?.inputByModality.text,
    [names.GEN_AI_USAGE_AUDIO_INPUT_TOKENS]: usage?.inputByModality.audio,
    [names.GEN_AI_USAGE_TEXT_OUTPUT_TOKENS]: usage?.outputByModality.text,
    [GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS]: usage?.outputByModality.audio,
    ...audioAttributes(audio),
  }
}

/** `error` where a finish reason was due and did not come, as the convention asks. */
export function finishAttributes({ finishReasons }: Answer): Attributes {
  const reasons = finishReasons.length === 0 ? ['error'] : finishReasons.map((reason) => reason ?? 'error')
  return { [GEN_AI_RESPONSE_FINISH_REASONS]: reasons }
}

/** What the HTTP requests of the call took; what Google's own time is not told by them may stand in the answer. */
export function attemptAttributes({ sent, hops, timed }: Attempts, answer: Answer, isStream: boolean): Attributes {
  const networkMs = timed.untilHeadersMs + (isStream ? 0 : timed.bodyMs) - timed.serverMs
  return {
    [names.GEMINI_ATTEMPTS]: sent > 0 ? sent : undefined,
    [names.GEMINI_HOPS]: hops > 0 ? hops : undefined,
    [GEMINI_SERVER_TIMING_MS]: timed.count > 0 ? timed.serverMs : answer.serverTimingMs,
    [names.GEMINI_NETWORK_MS]: timed.count > 0 ? Math.max(0, Math.round(networkMs * 1e3) / 1e3) : undefined,
  }
}

/** What the span says of a failure. */
export function failureAttributes({ type, quota }: CallFailure): Attributes {
  return {
    [ERROR_TYPE]: type,
    [GEMINI_QUOTA_ID]: quota?.id,
    [names.GEMINI_QUOTA_METRIC]: quota?.metric,
    [names.GEMINI_RETRY_DELAY]: quota?.retryDelayS,
  }
}
