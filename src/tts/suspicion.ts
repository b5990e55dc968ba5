import type { AudioFacts } from './audio.ts'
import { expectedDuration } from './expected.ts'
import type { Totals } from './tally.ts'
import { suspectTruncation, type TruncationReason } from './truncation.ts'

/** What one speech request was to say, and what came of it. */
export type Spoken = {
  readonly text: string
  /** BCP 47. */
  readonly language: string | undefined
  readonly totals: Totals
  /** What the app reported itself. */
  readonly heard: AudioFacts | undefined
  /** Some of the audio may have come from elsewhere. */
  readonly isFromCache: boolean
}

/**
 * Says why the audio of a request seems too short: what the provider sent is held against what it bills, what the user got against the
 * text. Undefined when it does not. See {@link TruncationReason} for how sure each reason is.
 */
export function findSuspicion({ text, language, totals, heard, isFromCache }: Spoken): TruncationReason | undefined {
  const bySender = suspectTruncation({ audio: totals.audio, audioTokens: totals.audioTokens })
  if (bySender !== undefined) return bySender
  const isAllKnown = heard !== undefined || !isFromCache
  const audio = heard ?? totals.audio
  return suspectTruncation({ audio, language, text: isAllKnown && mayBeTooShort(text, language, audio) ? text : undefined })
}

/** Spares counting the letters of a text that is not too long even if each of its characters is one: nearly all of them. */
function mayBeTooShort(text: string, language: string | undefined, audio: AudioFacts | undefined): boolean {
  const expected = expectedDuration({ characters: text.length, language })
  return expected !== undefined && (audio?.durationS ?? 0) < expected.minS
}
