import { type AudioFacts, type AudioMeter, createAudioMeter } from '../tts/audio.ts'

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
  /** Google's spelling (`STOP`), by candidate; undefined where none came. */
  readonly finishReasons: readonly (string | undefined)[]
  /** The prompt was refused. */
  readonly blockReason: string | undefined
  readonly hasText: boolean
  readonly audio: AudioFacts | undefined
  readonly usage: TokenUsage | undefined
  readonly model: string | undefined
  readonly id: string | undefined
  /** Google's own time for the call. */
  readonly serverTimingMs: number | undefined
}

/** Reads the pieces of one answer; keeps numbers, never the audio or the text. */
export type AnswerReader = {
  /** @returns whether this piece held audio. */
  add(piece: GeminiResponse): boolean
  answer(): Answer
}

type TokenDetail = { readonly modality?: string; readonly tokenCount?: number }
type Part = {
  readonly text?: string
  readonly thought?: boolean
  readonly inlineData?: { readonly data?: string; readonly mimeType?: string }
}
type Candidate = { readonly index?: number; readonly finishReason?: string; readonly content?: { readonly parts?: readonly Part[] } }

/** What is read of `GenerateContentResponse` of @google/genai. Its getters (`text`, `data`) are left alone: they decode and warn. */
export type GeminiResponse = {
  readonly candidates?: readonly Candidate[]
  readonly promptFeedback?: { readonly blockReason?: string }
  readonly modelVersion?: string
  readonly responseId?: string
  readonly sdkHttpResponse?: { readonly headers?: Readonly<Record<string, string>> }
  readonly usageMetadata?: {
    readonly promptTokenCount?: number
    readonly candidatesTokenCount?: number
    readonly thoughtsTokenCount?: number
    readonly cachedContentTokenCount?: number
    readonly promptTokensDetails?: readonly TokenDetail[]
    readonly candidatesTokensDetails?: readonly TokenDetail[]
  }
}

/** `gfet4t7; dur=525` */
const SERVER_TIMING = /\bdur=(\d+(?:\.\d+)?)/

/** Reads one answer of Gemini: whole, or chunk by chunk. */
export function createAnswerReader(): AnswerReader {
  const finishReasons: (string | undefined)[] = []
  let meter: AudioMeter | undefined
  let blockReason: string | undefined
  let hasText = false
  let model: string | undefined
  let id: string | undefined
  let usage: GeminiResponse['usageMetadata']
  let serverTimingMs: number | undefined

  function readPart({ inlineData, text, thought }: Part): boolean {
    if (text && !thought) hasText = true
    if (!inlineData?.data) return false
    meter ??= createAudioMeter(inlineData.mimeType ?? '')
    meter.add(inlineData.data)
    return meter.facts() !== undefined
  }

  function readCandidate(candidate: Candidate, position: number): boolean {
    const at = candidate.index ?? position
    finishReasons[at] = candidate.finishReason ?? finishReasons[at]
    return (candidate.content?.parts ?? []).map(readPart).includes(true)
  }

  return {
    add(piece) {
      model = piece.modelVersion ?? model
      id = piece.responseId ?? id
      blockReason = piece.promptFeedback?.blockReason ?? blockReason
      // In a stream the counts are running totals.
      usage = piece.usageMetadata ?? usage
      serverTimingMs ??= readServerTiming(piece.sdkHttpResponse?.headers?.['server-timing'])
      return (piece.candidates ?? []).map(readCandidate).includes(true)
    },
    answer: () => ({
      finishReasons: Array.from(finishReasons),
      blockReason,
      hasText,
      audio: meter?.facts(),
      usage: usage && readUsage(usage),
      model,
      id,
      serverTimingMs,
    }),
  }
}

function readServerTiming(header: string | undefined): number | undefined {
  const match = header === undefined ? null : SERVER_TIMING.exec(header)
  return match ? Number(match[1]) : undefined
}

function readUsage(usage: NonNullable<GeminiResponse['usageMetadata']>): TokenUsage {
  const { candidatesTokenCount, thoughtsTokenCount } = usage
  const hasOutput = candidatesTokenCount !== undefined || thoughtsTokenCount !== undefined
  return {
    input: usage.promptTokenCount,
    output: hasOutput ? (candidatesTokenCount ?? 0) + (thoughtsTokenCount ?? 0) : undefined,
    thoughts: thoughtsTokenCount,
    cached: usage.cachedContentTokenCount,
    inputByModality: byModality(usage.promptTokensDetails),
    outputByModality: byModality(usage.candidatesTokensDetails),
  }
}

function byModality(details: readonly TokenDetail[] | undefined): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { modality, tokenCount } of details ?? []) {
    const name = (modality ?? 'unknown').toLowerCase()
    counts[name] = (counts[name] ?? 0) + (tokenCount ?? 0)
  }
  return counts
}
