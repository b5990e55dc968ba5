import type { AudioFacts } from './audio.ts'
import { hasSound } from './audio.ts'

/** What the user got. A call that HTTP says went well can still be any of these. */
export type TtsOutcome = 'ok' | 'no_audio' | 'truncated' | 'text_instead_of_audio' | 'cancelled' | 'error'

/** What is known about one finished call of the provider; what is not known is left out. */
export type TtsCallFacts = {
  readonly outcome: TtsOutcome
  /** The model that answered, or else the one asked. */
  readonly model?: string | undefined
  readonly audio?: AudioFacts | undefined
  readonly inputTokens?: number | undefined
  /** Billed also when no audio came. */
  readonly audioTokens?: number | undefined
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
export type Ending = { readonly thrown?: { readonly error: unknown } }

/** Said in the status of a span whose work ended without an error being thrown. */
export const OUTCOME_MESSAGES: Readonly<Record<Exclude<TtsOutcome, 'ok' | 'cancelled'>, string>> = {
  no_audio: 'The provider answered without audio',
  truncated: 'The audio ends before the text does',
  text_instead_of_audio: 'The provider answered with text instead of audio',
  error: 'The call of the provider failed',
}

/**
 * Decides from the last call, as it is the one the user's answer came from: earlier ones were retried. Audio that the app
 * reported itself (`heard`) counts more than what a call says; an abort counts as the user's wish unless the call timed out.
 */
export function decideOutcome(ending: Ending, last: TtsCallFacts | undefined, heard: AudioFacts | undefined): TtsOutcome {
  if (ending.thrown) {
    if (isAbort(ending.thrown.error) && last?.errorType !== 'timeout') return 'cancelled'
    return last && last.outcome !== 'ok' ? last.outcome : 'error'
  }
  if (!heard) return last?.outcome ?? 'ok'
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
