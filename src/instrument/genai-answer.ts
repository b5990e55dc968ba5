import type { AudioFacts } from '../tts/audio.ts'
import { createPlayback, type Playback, type PlaybackFacts } from '../tts/playback.ts'
import { parseServerTiming } from './attempts.ts'

/** Tokens as Google counts them; what it does not say is left out. */
export type TokenUsage = {
  readonly input?: number | undefined
  readonly output?: number | undefined
  readonly thoughts?: number | undefined
  readonly cached?: number | undefined
  /** By modality in lower case: `text`, `audio`. Parts of `input` and `output`. */
  readonly inputByModality: Readonly<Record<string, number>>
  readonly outputByModality: Readonly<Record<string, number>>
}

/** What came back from one call, however many pieces it came in. */
export type Answer = {
  /** In lower case (`stop`, `completed`), by candidate; undefined where none came. */
  readonly finishReasons: readonly (string | undefined)[]
  /** Why the prompt was refused, in lower case. */
  readonly blockReason: string | undefined
  /** An error that came inside the answer, under HTTP 200. */
  readonly error: { readonly code?: string | undefined; readonly message?: string | undefined } | undefined
  readonly hasText: boolean
  readonly audio: AudioFacts | undefined
  readonly audioType: string | undefined
  /** When the first audio came, on the clock of {@link performance.now}. */
  readonly firstAudioMs: number | undefined
  /** How the pieces of the audio came, on the clock of {@link performance.now}; undefined where nobody can say. */
  readonly playback?: PlaybackFacts | undefined
  /** How soon the provider answered, and for how much: `standard`, `batch`. */
  readonly serviceTier?: string | undefined
  readonly usage: TokenUsage | undefined
  readonly model: string | undefined
  readonly id: string | undefined
  /** Google's own time for the call, as the headers of the answer tell. */
  readonly serverTimingMs: number | undefined
}

/** Reads the pieces of one answer; keeps numbers, never the audio. */
export type AnswerReader = {
  /** A piece that came at `atMs` of {@link performance.now}. */
  add(piece: unknown, atMs: number): void
  answer(): Answer
}

export type ReaderOptions = {
  /** Whether the audio is listened to, too. */
  readonly analyse: boolean
  /** Given each text of the answer, when content is captured. */
  readonly onText?: ((text: string) => void) | undefined
}

/** Audio and text as both APIs deliver them. */
export type MediaReader = {
  /** Base64 that came at `atMs` of {@link performance.now}. */
  audio(data: string | undefined, mimeType: string | undefined, atMs: number): void
  text(text: string | undefined): void
  media(): Pick<Answer, 'audio' | 'audioType' | 'firstAudioMs' | 'playback' | 'hasText'>
}

type TokenDetail = { readonly modality?: string; readonly tokenCount?: number }
type Part = {
  readonly text?: string
  readonly thought?: boolean
  readonly inlineData?: { readonly data?: string; readonly mimeType?: string }
}
type Candidate = { readonly index?: number; readonly finishReason?: string; readonly content?: { readonly parts?: readonly Part[] } }

/** What is read of `GenerateContentResponse` of @google/genai. Its getters (`text`, `data`) are left alone: they decode and warn. */
type GeminiResponse = {
  readonly candidates?: readonly Candidate[]
  readonly promptFeedback?: { readonly blockReason?: string }
  readonly modelVersion?: string
  readonly responseId?: string
  readonly sdkHttpResponse?: { readonly headers?: Readonly<Record<string, string>> }
  readonly usageMetadata?: GeminiUsage
}

/** What is read of `GenerateContentResponseUsageMetadata` of @google/genai. */
export type GeminiUsage = {
  readonly promptTokenCount?: number
  readonly candidatesTokenCount?: number | undefined
  readonly thoughtsTokenCount?: number
  readonly serviceTier?: string
  readonly cachedContentTokenCount?: number
  readonly promptTokensDetails?: readonly TokenDetail[]
  readonly candidatesTokensDetails?: readonly TokenDetail[] | undefined
}

/** Reads one answer of `generateContent`: whole, or chunk by chunk. */
export function createAnswerReader(options: ReaderOptions): AnswerReader {
  const finishReasons: (string | undefined)[] = []
  const reader = createMediaReader(options)
  let blockReason: string | undefined
  let model: string | undefined
  let id: string | undefined
  let usage: GeminiUsage | undefined
  let serverTimingMs: number | undefined

  function readCandidate(candidate: Candidate, position: number, atMs: number): void {
    const at = candidate.index ?? position
    finishReasons[at] = candidate.finishReason?.toLowerCase() ?? finishReasons[at]
    for (const { inlineData, text, thought } of candidate.content?.parts ?? []) {
      if (!thought) reader.text(text)
      if (inlineData) reader.audio(inlineData.data, inlineData.mimeType, atMs)
    }
  }

  return {
    add(value, atMs) {
      const piece = value as GeminiResponse // every part of it is optional
      model = piece.modelVersion ?? model
      id = piece.responseId ?? id
      blockReason = piece.promptFeedback?.blockReason?.toLowerCase() ?? blockReason
      // In a stream the counts are running totals.
      usage = piece.usageMetadata ?? usage
      serverTimingMs ??= parseServerTiming(piece.sdkHttpResponse?.headers?.['server-timing'])
      piece.candidates?.forEach((candidate, position) => {
        readCandidate(candidate, position, atMs)
      })
    },
    answer: () => ({
      ...reader.media(),
      finishReasons: Array.from(finishReasons),
      blockReason,
      error: undefined,
      usage: usage && readUsage(usage),
      serviceTier: usage?.serviceTier,
      model,
      id,
      serverTimingMs,
    }),
  }
}

/** Measures audio, and notices text. */
export function createMediaReader({ onText, analyse }: ReaderOptions): MediaReader {
  let playback: Playback | undefined
  let audioType: string | undefined
  let hasText = false
  let firstAudioMs: number | undefined
  return {
    audio(data, mimeType, atMs) {
      if (!data) return
      audioType ??= mimeType
      playback ??= createPlayback(mimeType ?? '', { analyse })
      playback.add(data, atMs)
      firstAudioMs ??= playback.audio() && atMs
    },
    text(text) {
      if (!text) return
      hasText = true
      onText?.(text)
    },
    media: () => ({ audio: playback?.audio(), audioType, firstAudioMs, playback: playback?.facts(), hasText }),
  }
}

/** The tokens of a call, the thoughts counted among its output. */
export function readUsage(usage: GeminiUsage): TokenUsage {
  const { candidatesTokenCount, thoughtsTokenCount } = usage
  const hasOutput = candidatesTokenCount !== undefined || thoughtsTokenCount !== undefined
  return {
    input: usage.promptTokenCount,
    output: hasOutput ? (candidatesTokenCount ?? 0) + (thoughtsTokenCount ?? 0) : undefined,
    thoughts: thoughtsTokenCount,
    cached: usage.cachedContentTokenCount,
    inputByModality: countByModality(usage.promptTokensDetails, (detail) => detail.tokenCount),
    outputByModality: countByModality(usage.candidatesTokensDetails, (detail) => detail.tokenCount),
  }
}

/**
 * Tokens of audio that are billed. Where the answer does not tell the modalities of its output all of it is taken for audio, as a
 * speech model makes nothing else; undefined where the tokens were not told, or are of another kind.
 */
export function billedAudioTokens(usage: TokenUsage | undefined): number | undefined {
  if (!usage) return undefined
  const { outputByModality, output = 0 } = usage
  return outputByModality.audio ?? (Object.keys(outputByModality).length === 0 ? output : undefined)
}

/** Sums of what `tokensOf` gives, by modality in lower case. */
export function countByModality<T extends { readonly modality?: string }>(
  details: readonly T[] | undefined,
  tokensOf: (detail: T) => number | undefined,
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const detail of details ?? []) {
    const name = (detail.modality ?? 'unknown').toLowerCase()
    counts[name] = (counts[name] ?? 0) + (tokensOf(detail) ?? 0)
  }
  return counts
}
