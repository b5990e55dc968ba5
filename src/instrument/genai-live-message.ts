import { type Answer, type GeminiUsage, readUsage, type TokenUsage } from './genai-answer.ts'

type Part = {
  readonly text?: string
  readonly thought?: boolean
  readonly inlineData?: { readonly data?: string; readonly mimeType?: string }
}

/** What is read of `LiveServerContent` of @google/genai. */
export type LiveContent = {
  readonly modelTurn?: { readonly parts?: readonly Part[] }
  readonly generationComplete?: boolean
  readonly turnComplete?: boolean
  readonly turnCompleteReason?: string
  readonly interrupted?: boolean
  readonly waitingForInput?: boolean
  readonly interactionStatus?: string
}

/** What is read of `LiveServerMessage` of @google/genai. Its getters (`text`, `data`) are left alone: they decode and warn. */
export type LiveMessage = {
  readonly setupComplete?: { readonly sessionId?: string }
  readonly serverContent?: LiveContent
  readonly toolCall?: object
  readonly usageMetadata?: LiveUsage
  readonly goAway?: { readonly timeLeft?: string }
}

/** What other calls name after the candidates is named after the response here. */
type LiveUsage = Omit<GeminiUsage, 'candidatesTokenCount' | 'candidatesTokensDetails'> & {
  readonly responseTokenCount?: GeminiUsage['candidatesTokenCount']
  readonly responseTokensDetails?: GeminiUsage['candidatesTokensDetails']
}

/** An answer of which nothing came. */
export const NO_ANSWER: Answer = {
  finishReasons: [],
  blockReason: undefined,
  error: undefined,
  hasText: false,
  audio: undefined,
  audioType: undefined,
  firstAudioMs: undefined,
  usage: undefined,
  model: undefined,
  id: undefined,
  serverTimingMs: undefined,
}

/** Every part of a message is optional, and none is taken for granted. */
export function readLiveMessage(message: unknown): LiveMessage {
  return typeof message === 'object' && message !== null ? message : {}
}

/** The tokens of one answer; the next one counts its own, with everything said before it in the input. */
export function readLiveUsage({ responseTokenCount, responseTokensDetails, ...usage }: LiveUsage): TokenUsage {
  return readUsage({ ...usage, candidatesTokenCount: responseTokenCount, candidatesTokensDetails: responseTokensDetails })
}

/** Seconds of a protobuf duration as JSON has it: `50s`, `9.5s`. */
export function readSeconds(duration: unknown): number | undefined {
  const seconds = typeof duration === 'string' && duration.endsWith('s') ? Number(duration.slice(0, -1)) : Number.NaN
  return Number.isFinite(seconds) ? seconds : undefined
}
