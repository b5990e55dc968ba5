import type { Attributes } from '@opentelemetry/api'
import type { AudioFacts } from '../tts/audio.ts'
import { addFacts } from '../tts/audio-sum.ts'
import { GEN_AI_RESPONSE_FINISH_REASONS, TTS_TIME_TO_FIRST_AUDIO } from '../tts/semconv.ts'
import type { Answer, TokenUsage } from './genai-answer.ts'
import { answerAttributes } from './genai-attributes.ts'
import type { CallFailure } from './genai-errors.ts'
import { addUsage } from './genai-interaction.ts'
import { NO_ANSWER } from './genai-live-message.ts'
import type { LiveTurn } from './genai-live-turn.ts'
import * as names from './genai-semconv.ts'

/** What the turns of one connection come to; none of them is kept. */
export type LiveSum = {
  add(turn: LiveTurn): void
  addUsage(usage: TokenUsage): void
  turns(): number
  /** The first of the turns' failures; one that the app caused itself only where there is no other. */
  failure(): CallFailure | undefined
  attributes(): Attributes
}

/** Adds up the turns of one connection. */
export function createLiveSum(): LiveSum {
  let turns = 0
  let failedTurns = 0
  let interruptions = 0
  let audio: AudioFacts | undefined
  let usage: TokenUsage | undefined
  let firstAudioS: number | undefined
  let finishReasons: Answer['finishReasons'] = []
  let blockReason: string | undefined
  let failure: CallFailure | undefined
  let cancellation: CallFailure | undefined

  function addFailure(turnFailure: CallFailure, [reason]: Answer['finishReasons']): void {
    if (turnFailure.type === 'blocked') blockReason ??= reason
    if (turnFailure.type === 'cancelled') {
      cancellation ??= turnFailure
    } else {
      failedTurns++
      failure ??= turnFailure
    }
  }

  return {
    add({ answer, failure: turnFailure, isInterrupted, ...turn }) {
      turns++
      if (isInterrupted) interruptions++
      if (turnFailure) addFailure(turnFailure, answer.finishReasons)
      if (answer.finishReasons.length > 0) finishReasons = answer.finishReasons
      if (answer.audio) audio = audio ? addFacts(audio, answer.audio) : answer.audio
      usage = addUsage(usage, answer.usage)
      firstAudioS ??= turn.firstAudioS
    },
    addUsage(more) {
      usage = addUsage(usage, more)
    },
    turns: () => turns,
    failure: () => failure ?? cancellation,
    attributes: () => ({
      ...answerAttributes({ ...NO_ANSWER, audio, usage, blockReason }),
      [GEN_AI_RESPONSE_FINISH_REASONS]: finishReasons.length === 0 ? undefined : finishReasons.map((reason) => reason ?? 'error'),
      [TTS_TIME_TO_FIRST_AUDIO]: firstAudioS,
      [names.GEMINI_LIVE_TURNS]: turns,
      [names.GEMINI_LIVE_FAILED_TURNS]: failedTurns,
      [names.GEMINI_LIVE_INTERRUPTIONS]: interruptions,
    }),
  }
}
