import type { Attributes, Context, Histogram, Meter } from '@opentelemetry/api'
import { followProvider } from '../tts/instruments.ts'
import { modelLabel } from '../tts/model-label.ts'
import {
  ERROR_TYPE,
  GEN_AI_REQUEST_MODEL,
  GEN_AI_RESPONSE_MODEL,
  GEN_AI_TOKEN_MODALITY,
  METRIC_GEN_AI_INFERENCE_DURATION,
} from '../tts/semconv.ts'
import type { Answer, TokenUsage } from './genai-answer.ts'
import type { CallFailure } from './genai-errors.ts'
import * as names from './genai-semconv.ts'

/** Which names the metrics have: those of the convention up to version 1.41, the newest, or both. */
export type MetricNames = 'old' | 'new' | 'both'

/** One call that has ended, as the metrics see it. */
export type MeasuredCall = {
  readonly answer: Answer
  readonly failure: CallFailure | undefined
  readonly durationS: number
  /** Of a stream. */
  readonly firstChunkS: number | undefined
}

/** The metrics of one call or connection. */
export type GeminiMetrics = {
  record(call: MeasuredCall): void
  /** The times between chunks of a stream, in seconds. */
  recordChunks(gaps: readonly number[]): void
  /** Tokens that were told outside of any call. */
  recordUsage(usage: TokenUsage): void
}

/** What is known of a call when it begins. */
export type Measured = {
  /** Attributes that span and metrics share. */
  readonly shared: Attributes
  /** That of the span, for exemplars. */
  readonly context: Context
}

/** `gen_ai.client.*`. https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md */
export function createGeminiMetrics(metricNames: MetricNames): (measured: Measured) => GeminiMetrics {
  // A client may be watched before anything is registered.
  const current = followProvider((meter) => createInstruments(meter, metricNames))
  return (measured) => current()(measured)
}

function createInstruments(meter: Meter, metricNames: MetricNames): (measured: Measured) => GeminiMetrics {
  const durations = createDurations(meter, metricNames)
  const counts = metricNames === 'old' ? undefined : createTokenCounts(meter)
  const usages = metricNames === 'new' ? undefined : createTokenUsage(meter)
  return function metricsOf({ shared, context }) {
    const labels = toLabels(shared)
    return {
      record({ answer, failure, durationS, firstChunkS }) {
        const attributes: Attributes = { ...labels }
        if (answer.model !== undefined) attributes[GEN_AI_RESPONSE_MODEL] = modelLabel(answer.model)
        if (failure) attributes[ERROR_TYPE] = failure.type
        for (const { whole } of durations) whole.record(durationS, attributes, context)
        if (firstChunkS !== undefined) for (const { firstChunk } of durations) firstChunk.record(firstChunkS, attributes, context)
        counts?.(answer.usage, attributes, context)
        usages?.(answer.usage, attributes, context)
      },
      recordChunks(gaps) {
        for (const { perChunk } of durations) for (const seconds of gaps) perChunk.record(seconds, labels, context)
      },
      recordUsage(usage) {
        counts?.(usage, labels, context)
        usages?.(usage, labels, context)
      },
    }
  }
}

/** Frozen, as the bundle's SDK hashes a frozen object once. */
function toLabels(shared: Attributes): Attributes {
  const model = shared[GEN_AI_REQUEST_MODEL]
  return Object.freeze(typeof model === 'string' ? { ...shared, [GEN_AI_REQUEST_MODEL]: modelLabel(model) } : shared)
}

type Durations = { readonly whole: Histogram; readonly firstChunk: Histogram; readonly perChunk: Histogram }

const NEW_DURATIONS = {
  whole: METRIC_GEN_AI_INFERENCE_DURATION,
  firstChunk: names.METRIC_GEN_AI_TIME_TO_FIRST_CHUNK,
  perChunk: names.METRIC_GEN_AI_TIME_PER_OUTPUT_CHUNK,
}
const OLD_DURATIONS = {
  whole: names.METRIC_GEN_AI_OLD_DURATION,
  firstChunk: names.METRIC_GEN_AI_OLD_TIME_TO_FIRST_CHUNK,
  perChunk: names.METRIC_GEN_AI_OLD_TIME_PER_OUTPUT_CHUNK,
}

function createDurations(meter: Meter, metricNames: MetricNames): readonly Durations[] {
  const advice = { explicitBucketBoundaries: names.GEN_AI_DURATION_BUCKETS_S }
  const create = (name: string, description: string) => meter.createHistogram(name, { description, unit: 's', advice })
  const generations = { old: [OLD_DURATIONS], new: [NEW_DURATIONS], both: [OLD_DURATIONS, NEW_DURATIONS] }[metricNames]
  return generations.map(({ whole, firstChunk, perChunk }) => ({
    whole: create(whole, 'Duration of one call of the model, its HTTP requests included.'),
    firstChunk: create(firstChunk, 'Time from the call to the first chunk of its stream.'),
    perChunk: create(perChunk, 'Time from one chunk of a stream to the next.'),
  }))
}

type RecordUsage = (usage: TokenUsage | undefined, attributes: Attributes, inContext: Context) => void

function createTokenCounts(meter: Meter): RecordUsage {
  const counter = (name: string, description: string) => meter.createCounter(name, { description, unit: '{token}' })
  const input = counter(names.METRIC_GEN_AI_INPUT_TOKENS, 'Tokens sent, by modality.')
  const output = counter(names.METRIC_GEN_AI_OUTPUT_TOKENS, 'Tokens received, by modality.')
  const cached = counter(names.METRIC_GEN_AI_CACHE_READ_TOKENS, 'Tokens of the input that came from a cache.')
  const thoughts = counter(names.METRIC_GEN_AI_REASONING_TOKENS, 'Tokens the model thought with.')
  const ofCall = createTokenHistogram(meter)
  const inputs = ofCall(names.METRIC_GEN_AI_CALL_INPUT_TOKENS, 'Tokens sent by one call.')
  const outputs = ofCall(names.METRIC_GEN_AI_CALL_OUTPUT_TOKENS, 'Tokens received by one call.')
  return (usage, attributes, inContext) => {
    for (const [modality, tokens] of byModality(usage?.input, usage?.inputByModality))
      input.add(tokens, { ...attributes, [GEN_AI_TOKEN_MODALITY]: modality }, inContext)
    for (const [modality, tokens] of byModality(usage?.output, usage?.outputByModality))
      output.add(tokens, { ...attributes, [GEN_AI_TOKEN_MODALITY]: modality }, inContext)
    if (usage?.cached) cached.add(usage.cached, attributes, inContext)
    if (usage?.thoughts) thoughts.add(usage.thoughts, attributes, inContext)
    if (usage?.input !== undefined) inputs.record(usage.input, attributes, inContext)
    if (usage?.output !== undefined) outputs.record(usage.output, attributes, inContext)
  }
}

function createTokenUsage(meter: Meter): RecordUsage {
  const tokens = createTokenHistogram(meter)(names.METRIC_GEN_AI_OLD_TOKENS, 'Tokens of one call, by type.')
  return (usage, attributes, inContext) => {
    if (usage?.input !== undefined) tokens.record(usage.input, { ...attributes, [names.GEN_AI_TOKEN_TYPE]: 'input' }, inContext)
    if (usage?.output !== undefined) tokens.record(usage.output, { ...attributes, [names.GEN_AI_TOKEN_TYPE]: 'output' }, inContext)
  }
}

function createTokenHistogram(meter: Meter): (name: string, description: string) => Histogram {
  const advice = { explicitBucketBoundaries: names.GEN_AI_TOKEN_BUCKETS }
  return (name, description) => meter.createHistogram(name, { description, unit: '{token}', advice })
}

/** What the modalities leave of the total is `unknown`; so is the 0 of a call without an answer, as the convention asks. */
function byModality(total = 0, told: Readonly<Record<string, number>> = {}): readonly (readonly [modality: string, tokens: number])[] {
  const known = Object.entries(told)
  const rest = total - known.reduce((sum, [, tokens]) => sum + tokens, 0)
  return rest > 0 || total === 0 ? [...known, ['unknown', Math.max(0, rest)]] : known
}
