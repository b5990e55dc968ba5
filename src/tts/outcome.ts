import type { AudioFacts } from './audio.ts'
import { hasSound, isSilent } from './audio.ts'
import type { PlaybackFacts } from './playback.ts'
import type { TruncationReason } from './truncation.ts'

/** What the user got. A call that HTTP says went well can still be any of these. `silent` only where the audio is analysed. */
export type TtsOutcome = 'ok' | 'no_audio' | 'truncated' | 'silent' | 'text_instead_of_audio' | 'cancelled' | 'error'

/** What is known about one finished call of the provider; what is not known is left out. */
export type TtsCallFacts = {
  readonly outcome: TtsOutcome
  /** The model that answered, or else the one asked. */
  readonly model?: string | undefined
  readonly audio?: AudioFacts | undefined
  /** How its pieces came, on the clock of {@link performance.now}. */
  readonly playback?: PlaybackFacts | undefined
  readonly inputTokens?: number | undefined
  /** Billed also when no audio came. */
  readonly audioTokens?: number | undefined
  /** Characters it is billed for; those of the whole text when left out. */
  readonly characters?: number | undefined
  /** How soon the provider answers, and for how much, in its own words: `standard`, `batch`. */
  readonly tier?: string | undefined
  /** From the start of this call. */
  readonly timeToFirstAudioS?: number | undefined
  /** Of this call; with it the time to the first audio is right also after failed calls. */
  readonly durationS?: number | undefined
  /** HTTP requests that this call took; 1 when left out. */
  readonly attempts?: number | undefined
  /** Low-cardinality: the provider's status, an HTTP code, `timeout`. */
  readonly errorType?: string | undefined
}

/** How a piece of work ended: by an error that was thrown, or without. */
export type Ending = {
  readonly thrown?: { readonly error: unknown }
  /** The app says that the user did not want it any more. */
  readonly isCancelled?: boolean
}

/** What an outcome is decided from. */
export type Evidence = {
  readonly ending: Ending
  /** The call that ended last: the user's answer came from it, earlier ones were retried. */
  readonly last: TtsCallFacts | undefined
  /** What the app reported itself; counts more than what a call says. */
  readonly heard: AudioFacts | undefined
  /** That, or what the calls brought. */
  readonly audio: AudioFacts | undefined
  readonly suspicion: TruncationReason | undefined
}

/** Said in the status of a span whose work ended without an error being thrown. */
export const OUTCOME_MESSAGES: Readonly<Record<Exclude<TtsOutcome, 'ok' | 'cancelled'>, string>> = {
  no_audio: 'The provider answered without audio',
  truncated: 'The audio ends before the text does',
  silent: 'Nothing can be heard in the audio',
  text_instead_of_audio: 'The provider answered with text instead of audio',
  error: 'The call of the provider failed',
}

/** An abort counts as the user's wish unless the call timed out. A suspicion that the text alone raises is only a hint. */
export function decideOutcome({ ending, last, heard, audio, suspicion }: Evidence): TtsOutcome {
  if (ending.isCancelled) return 'cancelled'
  if (ending.thrown) return decideThrown(ending.thrown.error, last)
  const claimed = heard ? decideHeard(heard, last) : (last?.outcome ?? 'ok')
  if (claimed !== 'ok') return claimed
  if (isSilent(audio)) return 'silent'
  return suspicion === 'header' || suspicion === 'tokens' ? 'truncated' : 'ok'
}

function decideThrown(error: unknown, last: TtsCallFacts | undefined): TtsOutcome {
  if (isAbort(error) && last?.errorType !== 'timeout') return 'cancelled'
  if (last?.outcome === 'ok') return isReaderGone(error) ? 'cancelled' : 'error'
  return last?.outcome ?? 'error'
}

function decideHeard(heard: AudioFacts, last: TtsCallFacts | undefined): TtsOutcome {
  if (!hasSound(heard)) return 'no_audio'
  return last?.outcome === 'truncated' ? 'truncated' : 'ok'
}

/** `error.type` of work that did not go well; undefined when it did, or was cancelled. */
export function errorTypeOf(outcome: TtsOutcome, ending: Ending, last: TtsCallFacts | undefined): string | undefined {
  if (outcome === 'ok' || outcome === 'cancelled') return undefined
  if (outcome !== 'error') return outcome
  if (last?.outcome === 'error' && last.errorType !== undefined) return last.errorType
  return ending.thrown?.error instanceof Error ? ending.thrown.error.name : '_OTHER'
}

/** What `AbortController.abort()` makes fetch, streams and timers throw. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** What a pipeline throws when one of its streams is closed too early: the reader's, where the provider had sent everything. */
function isReaderGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}
