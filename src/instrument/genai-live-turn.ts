import type { TtsRequest } from '../tts/request.ts'
import { type Answer, createMediaReader, type TokenUsage } from './genai-answer.ts'
import type { CallFailure } from './genai-errors.ts'
import { createGaps } from './genai-gaps.ts'
import { addUsage } from './genai-interaction.ts'
import { type LiveContent, NO_ANSWER } from './genai-live-message.ts'
import { judgeTurn } from './genai-live-outcome.ts'

/** What the app wanted an answer to, at `atMs` of {@link performance.now}. */
export type Question = { readonly atMs: number; readonly tts: TtsRequest | undefined }

/** One answer of the model, from what asked for it to its end. Times in seconds. */
export type LiveTurn = {
  readonly answer: Answer
  readonly failure: CallFailure | undefined
  readonly isInterrupted: boolean
  /** From the question, where one was sent in words, else from the first piece; until the model had made all of it. */
  readonly durationS: number
  /** Until now: the server may wait until the audio has been played. */
  readonly elapsedS: number
  /** From the question; undefined where nobody can say when a speaking user had ended. */
  readonly firstChunkS: number | undefined
  readonly firstAudioS: number | undefined
  /** The speech request that asked. */
  readonly tts: TtsRequest | undefined
}

/** An answer that is not complete. */
export type OpenTurn = {
  content(content: LiveContent, nowMs: number): void
  usage(usage: TokenUsage, serviceTier: string | undefined): void
  /** The model stops, and starts anew when the function has answered. */
  toolCall(): void
  isInterrupted(): boolean
  /** Nothing more is to come, although the server has not closed the turn. */
  isAllMade(): boolean
  /** Its end; `failure` is why it came too early. */
  close(nowMs: number, failure?: CallFailure): LiveTurn
}

export type TurnOptions = {
  readonly wantsAudio: boolean
  /** Whether the audio is listened to, too. */
  readonly analyse: boolean
  /** Seconds between the pieces of an answer, many at once. */
  readonly onGaps: (seconds: readonly number[]) => void
}

/** Reads the pieces of one answer; keeps numbers, never the audio. */
export function createTurn(question: Question | undefined, nowMs: number, { wantsAudio, analyse, onGaps }: TurnOptions): OpenTurn {
  const startMs = question?.atMs ?? nowMs
  const media = createMediaReader({ analyse })
  const tokens = createTokenSum()
  const gaps = createGaps(onGaps)
  let firstChunkMs: number | undefined
  let generatedMs: number | undefined
  let reason: string | undefined
  let serviceTier: string | undefined
  let isInterrupted = false
  let mayBeSilent = false

  function readParts(parts: Parts, atMs: number): void {
    for (const { text, thought, inlineData } of parts) {
      if (!thought) media.text(text)
      if (inlineData) media.audio(inlineData.data, inlineData.mimeType, atMs)
    }
    gaps.piece(atMs)
    firstChunkMs ??= atMs
  }

  return {
    content(content, atMs) {
      if (content.modelTurn) readParts(content.modelTurn.parts ?? [], atMs)
      if (content.interrupted) isInterrupted = true
      if (content.generationComplete) generatedMs ??= atMs
      reason = content.turnCompleteReason ?? reason
      mayBeSilent ||= isUnfinished(content)
    },
    usage(usage, tier) {
      tokens.set(usage)
      serviceTier = tier ?? serviceTier
    },
    toolCall() {
      mayBeSilent = true
      gaps.pause()
      tokens.next()
    },
    isInterrupted: () => isInterrupted,
    isAllMade: () => generatedMs !== undefined || isInterrupted,
    close(atMs, failure) {
      gaps.flush()
      const finishReasons = reason === undefined ? [] : [reason.toLowerCase()]
      const answer: Answer = { ...NO_ANSWER, ...media.media(), finishReasons, serviceTier, usage: tokens.sum() }
      return {
        answer,
        failure: failure ?? judgeTurn(answer, { reason, mayBeSilent: mayBeSilent || isInterrupted }, wantsAudio),
        isInterrupted,
        durationS: ((generatedMs ?? atMs) - startMs) / 1_000,
        elapsedS: (atMs - startMs) / 1_000,
        firstChunkS: secondsBetween(question?.atMs, firstChunkMs),
        firstAudioS: secondsBetween(question?.atMs, answer.firstAudioMs),
        tts: question?.tts,
      }
    },
  }
}

type Parts = NonNullable<NonNullable<LiveContent['modelTurn']>['parts']>

/** It thinks on in the background, or wants to hear more before it speaks. */
function isUnfinished({ interactionStatus, waitingForInput, turnCompleteReason }: LiveContent): boolean {
  return interactionStatus === 'IN_PROGRESS' || waitingForInput === true || turnCompleteReason === 'NEED_MORE_INPUT'
}

/** As in a stream, the last count stands for all of one piece of the model's work; what it did before and after a function call adds up. */
function createTokenSum(): { set(usage: TokenUsage): void; next(): void; sum(): TokenUsage | undefined } {
  let earlier: TokenUsage | undefined
  let latest: TokenUsage | undefined
  const sum = () => addUsage(earlier, latest)
  return {
    set(usage) {
      latest = usage
    },
    next() {
      earlier = sum()
      latest = undefined
    },
    sum,
  }
}

function secondsBetween(fromMs: number | undefined, toMs: number | undefined): number | undefined {
  return fromMs === undefined || toMs === undefined ? undefined : Math.max(0, toMs - fromMs) / 1_000
}
