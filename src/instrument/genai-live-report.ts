import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api'
import type { TtsCallFacts } from '../tts/outcome.ts'
import type { TtsRequest } from '../tts/request.ts'
import { ERROR_TYPE, TTS_AUDIO_DURATION, TTS_OUTCOME, TTS_TIME_TO_FIRST_AUDIO } from '../tts/semconv.ts'
import { billedAudioTokens, type TokenUsage } from './genai-answer.ts'
import type { CallFailure } from './genai-errors.ts'
import { NO_ANSWER } from './genai-live-message.ts'
import { createLiveSum } from './genai-live-sum.ts'
import type { LiveTurn } from './genai-live-turn.ts'
import type { GeminiMetrics } from './genai-metrics.ts'
import { outcomeOf } from './genai-outcome.ts'
import * as names from './genai-semconv.ts'

/** What is told about one connection: on its span, in the metrics, and to the speech requests that it serves. */
export type LiveReport = {
  turn(turn: LiveTurn): void
  gaps(seconds: readonly number[]): void
  usage(usage: TokenUsage): void
  setUp(sessionId: string | undefined): void
  goAway(timeLeftS: number | undefined): void
  closeCode(code: number): void
  /** It failed, and no turn was there that could have failed in its place. */
  failure(failure: CallFailure): void
  end(failure: CallFailure | undefined): void
}

export type LiveReportOptions = {
  readonly span: Span
  readonly metrics: GeminiMetrics
  readonly model: string | undefined
  /** The speech request that connected; each turn may have one of its own. */
  readonly tts: TtsRequest | undefined
}

/** Turns of one connection that are told as events; a connection lives ten minutes. */
const TURN_EVENTS_MAX = 64
/** It is told once; a server that repeats it does not fill the span. */
const GO_AWAY_EVENTS_MAX = 4

/** Starts to report on a connection, whose time counts from now. */
export function createLiveReport({ span, metrics, model, tts }: LiveReportOptions): LiveReport {
  const startMs = performance.now()
  const sum = createLiveSum()
  let goAways = 0

  return {
    turn(turn) {
      sum.add(turn)
      metrics.record(turn)
      const asker = turn.tts ?? tts
      asker?.onCall(toTtsCall(turn, model))
      if (sum.turns() <= TURN_EVENTS_MAX) span.addEvent(names.EVENT_LIVE_TURN_COMPLETED, turnAttributes(turn))
      // Now, as the process may end before the connection does.
      span.setAttributes(sum.attributes())
    },
    gaps: metrics.recordChunks,
    usage(usage) {
      sum.addUsage(usage)
      metrics.recordUsage(usage)
      span.setAttributes(sum.attributes())
    },
    setUp(sessionId) {
      span.setAttributes({ [names.GEMINI_LIVE_SETUP_TIME]: secondsSince(startMs), [names.GEN_AI_CONVERSATION_ID]: sessionId })
    },
    goAway(timeLeftS) {
      const timeLeft = { [names.GEMINI_LIVE_GO_AWAY_TIME_LEFT]: timeLeftS }
      span.setAttributes(timeLeft)
      if (goAways++ < GO_AWAY_EVENTS_MAX) span.addEvent(names.EVENT_LIVE_GO_AWAY, timeLeft)
    },
    closeCode: (code) => void span.setAttribute(names.GEMINI_LIVE_CLOSE_CODE, code),
    failure(failure) {
      const durationS = secondsSince(startMs)
      metrics.record({ answer: NO_ANSWER, failure, durationS, firstChunkS: undefined })
      tts?.onCall({ outcome: outcomeOf(NO_ANSWER, failure), model, durationS, errorType: failure.type })
    },
    /** A turn that failed makes the connection fail; what the app itself ended says so, but is no error. */
    end(ending) {
      const failure = ending ?? sum.failure()
      if (failure) span.setAttribute(ERROR_TYPE, failure.type)
      if (failure && failure.type !== 'cancelled') span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message })
      span.end()
    },
  }
}

/** A user who interrupts has heard enough. */
function outcomeOfTurn({ answer, failure, isInterrupted }: LiveTurn): TtsCallFacts['outcome'] {
  return isInterrupted && !failure ? 'cancelled' : outcomeOf(answer, failure)
}

function toTtsCall(turn: LiveTurn, model: string | undefined): TtsCallFacts {
  const { answer, failure, firstAudioS, elapsedS } = turn
  return {
    outcome: outcomeOfTurn(turn),
    model,
    audio: answer.audio,
    playback: answer.playback,
    inputTokens: answer.usage?.input,
    audioTokens: billedAudioTokens(answer.usage),
    tier: answer.serviceTier,
    timeToFirstAudioS: firstAudioS,
    durationS: elapsedS,
    errorType: failure?.type,
  }
}

function turnAttributes(turn: LiveTurn): Attributes {
  return {
    [TTS_OUTCOME]: outcomeOfTurn(turn),
    [TTS_AUDIO_DURATION]: turn.answer.audio?.durationS,
    [TTS_TIME_TO_FIRST_AUDIO]: turn.firstAudioS,
    [ERROR_TYPE]: turn.failure?.type,
  }
}

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1_000
}
