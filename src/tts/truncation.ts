import type { AudioFacts } from './audio.ts'
import { countSpoken, expectedDurationOf } from './expected.ts'

/**
 * Why speech seems to end before its text does, surest first:
 * - `header`: the header of the WAV file promises more than came
 * - `tokens`: the provider bills more audio than came
 * - `text`: nobody reads the text so fast
 */
export type TruncationReason = 'header' | 'tokens' | 'text'

/** What is known about one piece of speech. For audio from several calls, leave out the tokens or give their sum. */
export type Spoken = {
  readonly audio: AudioFacts | undefined
  /** Audio tokens of the output as Gemini counts them. */
  readonly audioTokens?: number | undefined
  /** All of what was to be spoken, and nothing else: instructions for the style would make it seem too long. */
  readonly text?: string | undefined
  /** BCP 47. */
  readonly language?: string | undefined
}

/** Gemini bills 25 tokens for each second of audio that it answers with (Google's price page; 4,925 tokens were seen for 197 s). */
export const AUDIO_TOKENS_PER_S = 25
/** Tokens are of 40 ms, and a model may end with silence that is billed and not sent. */
const UNSENT_S_MAX = 1
const UNSENT_SHARE_MAX = 0.1
/** Some encoders count the header among the samples. */
const UNWRITTEN_S_MAX = 0.1

/** Says why the audio seems too short; undefined when it does not, and when its duration is unknown or nothing came at all. */
export function suspectTruncation({ audio, audioTokens, text, language }: Spoken): TruncationReason | undefined {
  const { durationS, missingS = 0 } = audio ?? {}
  if (!durationS) return undefined
  if (missingS > UNWRITTEN_S_MAX) return 'header'
  if (audioTokens !== undefined && isUnsent(audioTokens / AUDIO_TOKENS_PER_S, durationS)) return 'tokens'
  const expected = text === undefined ? undefined : expectedDurationOf(countSpoken(text), language)
  return expected && durationS < expected.minS ? 'text' : undefined
}

function isUnsent(billedS: number, durationS: number): boolean {
  return billedS - durationS > Math.max(UNSENT_S_MAX, billedS * UNSENT_SHARE_MAX)
}
