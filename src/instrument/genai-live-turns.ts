import type { TtsRequest } from '../tts/request.ts'
import type { TokenUsage } from './genai-answer.ts'
import type { CallFailure } from './genai-errors.ts'
import { type LiveContent, type LiveMessage, readLiveUsage } from './genai-live-message.ts'
import { createTurn, type LiveTurn, type OpenTurn, type Question, type TurnOptions } from './genai-live-turn.ts'

export type LiveTurns = {
  /** The app wants an answer. */
  asked(atMs: number, tts: TtsRequest | undefined): void
  received(message: LiveMessage): void
  /** Somebody waits for an answer or the rest of one. */
  isMidTurn(): boolean
  /** Nothing more will come: an answer that is not complete ends in `failure`. */
  end(failure: CallFailure | undefined): void
}

export type LiveTurnsOptions = TurnOptions & {
  readonly onTurn: (turn: LiveTurn) => void
  /** Tokens that were told outside of any turn. */
  readonly onUsage: (usage: TokenUsage) => void
}

/**
 * Cuts what comes over one connection into turns.
 *
 *     question ──► modelTurn … ──► generationComplete ──► turnComplete     (the last with the tokens of the turn)
 *                      └─────────► interrupted ─────────► turnComplete
 */
export function createLiveTurns({ onTurn, onUsage, ...options }: LiveTurnsOptions): LiveTurns {
  let question: Question | undefined
  let turn: OpenTurn | undefined
  let isOver = false

  function openTurn(nowMs: number): OpenTurn {
    if (turn) return turn
    turn = createTurn(question, nowMs, options)
    question = undefined
    return turn
  }

  function closeTurn(open: OpenTurn, nowMs: number, failure?: CallFailure): void {
    turn = undefined
    onTurn(open.close(nowMs, failure))
  }

  function readContent(content: LiveContent, nowMs: number): void {
    // It heard what was sent, and wants more before it answers.
    if (content.waitingForInput) question = undefined
    if (!isOfTurn(content)) return
    // After an interruption the server says nothing more in that turn.
    if (content.modelTurn && turn?.isInterrupted()) closeTurn(turn, nowMs)
    openTurn(nowMs).content(content, nowMs)
  }

  return {
    asked(atMs, tts) {
      if (!isOver) question = { atMs, tts }
    },
    received({ serverContent, usageMetadata, toolCall }) {
      if (isOver) return
      const nowMs = performance.now()
      if (serverContent) readContent(serverContent, nowMs)
      const usage = usageMetadata && readLiveUsage(usageMetadata)
      if (usage && turn) turn.usage(usage, usageMetadata.serviceTier)
      else if (usage) onUsage(usage)
      if (toolCall) openTurn(nowMs).toolCall()
      if (serverContent?.turnComplete && turn) closeTurn(turn, nowMs)
    },
    isMidTurn: () => question !== undefined || (turn !== undefined && !turn.isAllMade()),
    end(failure) {
      if (isOver) return
      isOver = true
      const nowMs = performance.now()
      if (turn) closeTurn(turn, nowMs, turn.isAllMade() ? undefined : failure)
      if (question) closeTurn(openTurn(nowMs), nowMs, failure)
    },
  }
}

/** Transcriptions come when they are ready, and belong to no turn. */
function isOfTurn({ modelTurn, interrupted, generationComplete, turnComplete }: LiveContent): boolean {
  return modelTurn !== undefined || interrupted === true || generationComplete === true || turnComplete === true
}
