import type { Attributes, Span } from '@opentelemetry/api'
import { SpanStatusCode } from '@opentelemetry/api'
import type { RequestContext } from '../request-context.ts'
import { audioAttributes, round } from './audio-attributes.ts'
import { recordTtsRequest } from './metrics.ts'
import { type Ending, errorTypeOf, OUTCOME_MESSAGES, type TtsOutcome } from './outcome.ts'
import * as names from './semconv.ts'
import type { Times } from './stopwatch.ts'
import type { Totals } from './tally.ts'
import type { TruncationReason } from './truncation.ts'

/** What is to be spoken. `requestId` and `userId` default to those of the surrounding request; `text` is counted and goes nowhere. */
export type TtsOrder = {
  /** All of it, and nothing else: instructions for the style are not spoken. */
  readonly text: string
  readonly voice?: string | undefined
  /** BCP 47. */
  readonly language?: string | undefined
  readonly model?: string | undefined
  readonly requestId?: string | undefined
  readonly userId?: string | undefined
}

export type CountedOrder = TtsOrder & { readonly characters: number }

/** Everything that is known when a speech request ends. */
export type TtsResult = Times &
  Totals & {
    readonly order: CountedOrder
    readonly outcome: TtsOutcome
    readonly ending: Ending
    readonly suspicion: TruncationReason | undefined
    readonly isFromCache: boolean
    readonly textChunks: number | undefined
  }

/** Counts code points: a letter beyond the first 65,536 is one character to a reader and to the provider. */
export function countOrder(order: TtsOrder): CountedOrder {
  const text = typeof order.text === 'string' ? order.text : ''
  return { ...order, text, characters: countCharacters(text) }
}

/** A third of the time of taking the text apart. */
function countCharacters(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length - 1; i++) if (isHigh(text.charCodeAt(i)) && isLow(text.charCodeAt(i + 1))) count--
  return count
}

function isHigh(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}

function isLow(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff
}

/** Attributes that are known when a speech request begins, so that a sampler can see them. */
export function orderAttributes(order: CountedOrder, request: RequestContext): Attributes {
  return {
    [names.REQUEST_ID]: request.requestId,
    [names.USER_ID]: request.userId,
    [names.TTS_VOICE]: order.voice,
    [names.TTS_LANGUAGE]: order.language,
    [names.TTS_MODEL]: order.model,
    [names.TTS_INPUT_CHARACTERS]: order.characters,
  }
}

/** Puts a finished request on its span. A cancelled one is no error: the user wanted it. */
export function recordOnSpan(span: Span, result: TtsResult, request: RequestContext): void {
  const { outcome, ending } = result
  // Who asks may have been learned since the beginning.
  if (request.userId !== undefined) span.setAttribute(names.USER_ID, request.userId)
  span.setAttributes({ ...resultAttributes(result), ...streamAttributes(result), ...audioAttributes(result.audio) })
  if (outcome === 'ok') span.setStatus({ code: SpanStatusCode.OK })
  if (outcome === 'ok' || outcome === 'cancelled') return
  span.setStatus({ code: SpanStatusCode.ERROR, message: ending.thrown ? messageOf(ending.thrown.error) : OUTCOME_MESSAGES[outcome] })
  if (ending.thrown) span.recordException(toException(ending.thrown.error))
}

/** Adds a finished request to the metrics. */
export function recordOnMetrics(result: TtsResult): void {
  const { order, playback } = result
  recordTtsRequest({
    outcome: result.outcome,
    model: order.model ?? result.last?.model,
    voice: order.voice,
    isFromCache: result.isFromCache,
    characters: order.characters,
    requestS: result.requestS,
    processingS: result.processingS,
    audioS: result.audio?.durationS,
    rtf: realTimeFactor(result),
    timeToFirstAudioS: result.timeToFirstAudioS,
    timeToFirstAudibleS: result.timeToFirstAudibleS,
    stalledS: playback && playback.pieces > 1 ? playback.stalledS : undefined,
    costUsd: costOf(result),
    unknownCosts: result.unknownCosts,
    billedWithoutAudioTokens: result.billedWithoutAudioTokens,
  })
}

function resultAttributes(result: TtsResult): Attributes {
  const { outcome, suspicion, isFromCache } = result
  const isComplete = outcome === 'ok' || outcome === 'truncated'
  return {
    [names.TTS_OUTCOME]: outcome,
    [names.ERROR_TYPE]: errorTypeOf(outcome, result.ending, result.last),
    [names.TTS_RTF]: realTimeFactor(result),
    [names.TTS_QUEUE_WAIT]: result.queueWaitS,
    [names.TTS_ATTEMPTS]: result.attempts > 0 ? result.attempts : undefined,
    [names.TTS_INPUT_CHUNKS]: result.textChunks,
    [names.TTS_CACHE_HIT]: isFromCache ? true : undefined,
    [names.TTS_COST_ESTIMATED_USD]: costOf(result),
    [names.TTS_COST_UNKNOWN_REASON]: result.unknownCosts.keys().next().value,
    // Of what was broken off it says nothing new.
    [names.TTS_TRUNCATION_SUSPECTED]: isComplete ? suspicion : undefined,
  }
}

/** When it came; of audio in one piece there is nothing to say about stalls. */
function streamAttributes({ playback, timeToFirstAudioS, timeToFirstAudibleS }: TtsResult): Attributes {
  const stream = playback && playback.pieces > 1 ? playback : undefined
  return {
    [names.TTS_TIME_TO_FIRST_AUDIO]: timeToFirstAudioS,
    [names.TTS_TIME_TO_FIRST_AUDIBLE]: timeToFirstAudibleS,
    [names.TTS_AUDIO_CHUNKS]: playback?.pieces,
    [names.TTS_STREAM_STALLS]: stream?.stalls,
    [names.TTS_STREAM_STALLED]: stream && round(stream.stalledS),
  }
}

/** What nobody made was made in no time. */
function realTimeFactor({ audio, processingS, isFromCache, attempts }: TtsResult): number | undefined {
  if (!audio?.durationS || (isFromCache && attempts === 0)) return undefined
  return Math.round((processingS / audio.durationS) * 1e4) / 1e4
}

function costOf({ costUsd, isFromCache, attempts }: TtsResult): number | undefined {
  return isFromCache && attempts === 0 ? 0 : costUsd
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function toException(error: unknown): Error | string {
  return error instanceof Error ? error : String(error)
}
