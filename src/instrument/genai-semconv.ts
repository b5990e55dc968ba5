/**
 * What only the instrumentation of the Gemini client writes; the rest is in `tts/semconv.ts`. Vendored for the same reason as there.
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/client-inference.md
 */
export const GEN_AI_REQUEST_TEMPERATURE = 'gen_ai.request.temperature'
export const GEN_AI_REQUEST_TOP_P = 'gen_ai.request.top_p'
export const GEN_AI_REQUEST_TOP_K = 'gen_ai.request.top_k'
export const GEN_AI_REQUEST_MAX_TOKENS = 'gen_ai.request.max_tokens'
export const GEN_AI_REQUEST_SEED = 'gen_ai.request.seed'
export const GEN_AI_REQUEST_CHOICE_COUNT = 'gen_ai.request.choice.count'
/** Integer, tokens the model thought with; a part of the output. */
export const GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = 'gen_ai.usage.reasoning.output_tokens'
/** Integer, tokens of the input that came from a cache; a part of the input. */
export const GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.cache_read.input_tokens'

/** Counter {token} by `gen_ai.token.modality`. */
export const METRIC_GEN_AI_INPUT_TOKENS = 'gen_ai.client.inference.usage.input_tokens'
/** Counter {token} by `gen_ai.token.modality`. */
export const METRIC_GEN_AI_OUTPUT_TOKENS = 'gen_ai.client.inference.usage.output_tokens'

/**
 * Seconds. The convention ends at 81.92, where long speech only begins (answers after 77 s and failures after 148 s are reported),
 * so two more follow.
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
 */
export const GEN_AI_DURATION_BUCKETS_S = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68,
]
