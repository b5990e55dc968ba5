import type { Attributes, Span } from '@opentelemetry/api'
import { SpanStatusCode } from '@opentelemetry/api'
import type { RequestContext } from '../request-context.ts'
import type { AudioFacts } from './audio.ts'
import { recordTtsRequest } from './metrics.ts'
import { type Ending, errorTypeOf, OUTCOME_MESSAGES, type TtsOutcome } from './outcome.ts'
import * as names from './semconv.ts'
import type { Times } from './stopwatch.ts'
import type { Totals } from './tally.ts'

/** What is to be spoken. `requestId` and `userId` default to those of the surrounding request; `text` is counted and goes nowhere. */
export type TtsOrder = {
  readonly text: string
  readonly voice?: string | undefined
  /** BCP 47. */
  readonly language?: string | undefined
  readonly model?: string | undefined
  readonly requestId?: string | undefined
  readonly userId?: string | undefined
}

/** Everything that is known when a speech request ends. */
export type TtsResult = Times & Totals & { readonly order: TtsOrder; readonly outcome: TtsOutcome; readonly ending: Ending }

/** Attributes that are known when a speech request begins, so that a sampler can see them. */
export function orderAttributes(order: TtsOrder, request: RequestContext): Attributes {
  return {
    [names.REQUEST_ID]: request.requestId,
    [names.USER_ID]: request.userId,
    [names.TTS_VOICE]: order.voice,
    [names.TTS_LANGUAGE]: order.language,
    [names.TTS_MODEL]: order.model,
    [names.TTS_INPUT_CHARACTERS]: countCharacters(order.text),
  }
}

/** Puts a finished request on its span. A cancelled one is no error: the user wanted it. */
export function recordOnSpan(span: Span, result: TtsResult, request: RequestContext): void {
  const { outcome, ending } = result
  // Who asks may have been learned since the beginning.
  if (request.userId !== undefined) span.setAttribute(names.USER_ID, request.userId)
  span.setAttributes({ ...resultAttributes(result), ...audioAttributes(result.audio) })
  if (outcome === 'ok') span.setStatus({ code: SpanStatusCode.OK })
  if (outcome === 'ok' || outcome === 'cancelled') return
  span.setStatus({ code: SpanStatusCode.ERROR, message: ending.thrown ? messageOf(ending.thrown.error) : OUTCOME_MESSAGES[outcome] })
  if (ending.thrown) span.recordException(toException(ending.thrown.error))
}

/** Adds a finished request to the metrics. */
export function recordOnMetrics(result: TtsResult): void {
  recordTtsRequest({
    outcome: result.outcome,
    model: result.order.model,
    voice: result.order.voice,
    characters: countCharacters(result.order.text),
    requestS: result.requestS,
    processingS: result.processingS,
    audioS: result.audio?.durationS,
    rtf: realTimeFactor(result),
    timeToFirstAudioS: result.timeToFirstAudioS,
    costUsd: result.costUsd,
    billedWithoutAudioTokens: result.billedWithoutAudioTokens,
  })
}

function resultAttributes(result: TtsResult): Attributes {
  const attempts = result.attempts > 0 ? result.attempts : undefined
  return {
    [names.TTS_OUTCOME]: result.outcome,
    [names.ERROR_TYPE]: errorTypeOf(result.outcome, result.ending, result.last),
    [names.TTS_RTF]: realTimeFactor(result),
    [names.TTS_TIME_TO_FIRST_AUDIO]: result.timeToFirstAudioS,
    [names.TTS_QUEUE_WAIT]: result.queueWaitS,
    [names.TTS_ATTEMPTS]: attempts,
    [names.TTS_COST_ESTIMATED_USD]: result.costUsd,
  }
}

/** The audio facts as attributes, for every span that speaks of audio. */
export function audioAttributes(audio: AudioFacts | undefined): Attributes {
  if (!audio) return {}
  return {
    [names.TTS_AUDIO_FORMAT]: audio.format,
    [names.TTS_AUDIO_BYTES]: audio.bytes,
    [names.TTS_AUDIO_DURATION]: audio.durationS,
    [names.TTS_AUDIO_SAMPLE_RATE]: audio.sampleRateHz,
    [names.TTS_AUDIO_CHANNELS]: audio.channels,
  }
}

function realTimeFactor({ audio, processingS }: TtsResult): number | undefined {
  if (!audio?.durationS) return undefined
  return Math.round((processingS / audio.durationS) * 1e4) / 1e4
}

/** Code points: a letter beyond the first 65,536 is one character to a reader and to the provider. */
function countCharacters(text: unknown): number {
  if (typeof text !== 'string') return 0
  let count = 0
  for (const _ of text) count++
  return count
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function toException(error: unknown): Error | string {
  return error instanceof Error ? error : String(error)
}
