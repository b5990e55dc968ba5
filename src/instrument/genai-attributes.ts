import type { Attributes } from '@opentelemetry/api'
import { audioAttributes } from '../tts/record.ts'
import {
  GEMINI_SERVER_TIMING_MS,
  GEN_AI_RESPONSE_FINISH_REASONS,
  GEN_AI_RESPONSE_ID,
  GEN_AI_RESPONSE_MODEL,
  GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
  GEN_AI_USAGE_INPUT_TOKENS,
  GEN_AI_USAGE_OUTPUT_TOKENS,
  GEN_AI_USAGE_TEXT_INPUT_TOKENS,
} from '../tts/semconv.ts'
import type { Answer } from './genai-answer.ts'
import { GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, GEN_AI_USAGE_REASONING_OUTPUT_TOKENS } from './genai-semconv.ts'

/** What the span says of the answer; undefined values are ignored by the SDK. */
export function answerAttributes(answer: Answer): Attributes {
  const { audio, usage } = answer
  return {
    [GEN_AI_RESPONSE_MODEL]: answer.model,
    [GEN_AI_RESPONSE_ID]: answer.id,
    [GEN_AI_RESPONSE_FINISH_REASONS]: finishReasonsOf(answer),
    [GEMINI_SERVER_TIMING_MS]: answer.serverTimingMs,
    [GEN_AI_USAGE_INPUT_TOKENS]: usage?.input,
    [GEN_AI_USAGE_OUTPUT_TOKENS]: usage?.output,
    [GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]: usage?.thoughts,
    [GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]: usage?.cached,
    [GEN_AI_USAGE_TEXT_INPUT_TOKENS]: usage?.inputByModality.text,
    [GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS]: usage?.outputByModality.audio,
    ...audioAttributes(audio),
  }
}

/** Lower case, one for each candidate; `error` where one was due and did not come, as the convention asks. */
function finishReasonsOf({ finishReasons }: Answer): string[] {
  return finishReasons.length === 0 ? ['error'] : finishReasons.map((reason) => reason?.toLowerCase() ?? 'error')
}
