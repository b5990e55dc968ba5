import { type Attributes, type Counter, metrics } from '@opentelemetry/api'
import { ERROR_TYPE, GEN_AI_RESPONSE_MODEL, GEN_AI_TOKEN_MODALITY, METRIC_GEN_AI_INFERENCE_DURATION } from '../tts/semconv.ts'
import type { Answer } from './genai-answer.ts'
import type { CallFailure } from './genai-outcome.ts'
import { GEN_AI_DURATION_BUCKETS_S, METRIC_GEN_AI_INPUT_TOKENS, METRIC_GEN_AI_OUTPUT_TOKENS } from './genai-semconv.ts'

/** One call that has ended, as the metrics see it. */
export type MeasuredCall = {
  /** Attributes that the span was started with and the metrics share. */
  readonly shared: Attributes
  readonly answer: Answer
  readonly failure: CallFailure | undefined
  readonly durationS: number
}

/** `gen_ai.client.inference.*`. https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md */
export function createGeminiMetrics(): { record(call: MeasuredCall): void } {
  const meter = metrics.getMeter('tts-otel')
  const duration = meter.createHistogram(METRIC_GEN_AI_INFERENCE_DURATION, {
    description: 'Duration of one call of the model, its HTTP attempts included.',
    unit: 's',
    advice: { explicitBucketBoundaries: GEN_AI_DURATION_BUCKETS_S },
  })
  const input = meter.createCounter(METRIC_GEN_AI_INPUT_TOKENS, { description: 'Tokens sent, by modality.', unit: '{token}' })
  const output = meter.createCounter(METRIC_GEN_AI_OUTPUT_TOKENS, { description: 'Tokens received, by modality.', unit: '{token}' })

  return {
    record({ shared, answer, failure, durationS }) {
      const attributes: Attributes = { ...shared }
      if (answer.model !== undefined) attributes[GEN_AI_RESPONSE_MODEL] = answer.model
      if (failure) attributes[ERROR_TYPE] = failure.type
      duration.record(durationS, attributes)
      count(input, answer.usage?.input, answer.usage?.inputByModality, attributes)
      count(output, answer.usage?.output, answer.usage?.outputByModality, attributes)
    },
  }
}

/** What the modalities leave of the total is `unknown`; so is the 0 of a call without an answer, as the convention asks. */
function count(counter: Counter, total = 0, byModality: Readonly<Record<string, number>> = {}, attributes: Attributes): void {
  let rest = total
  for (const [modality, tokens] of Object.entries(byModality)) {
    counter.add(tokens, { ...attributes, [GEN_AI_TOKEN_MODALITY]: modality })
    rest -= tokens
  }
  if (rest > 0 || total === 0) counter.add(Math.max(0, rest), { ...attributes, [GEN_AI_TOKEN_MODALITY]: 'unknown' })
}
