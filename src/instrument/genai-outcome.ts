import { hasSound } from '../tts/audio.ts'
import type { TtsOutcome } from '../tts/outcome.ts'
import { connectionErrorType } from './error-type.ts'
import type { Answer } from './genai-answer.ts'
import { type CallFailure, providerCode, readApiError, shorten } from './genai-errors.ts'

export type Expectation = { readonly wantsAudio: boolean; readonly isStream: boolean }

/** What the caller set that can end a call: its own signal, and the client's deadline for each attempt. */
export type CallLimits = { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }

/** Finish reasons that are an error by themselves, whatever came before them. */
const FAILURES: Readonly<Record<string, string>> = {
  safety: 'Gemini withheld the answer: SAFETY.',
  recitation: 'Gemini withheld the answer: RECITATION.',
  language: 'Gemini does not support the language of the text.',
  blocklist: 'Gemini withheld the answer: BLOCKLIST.',
  prohibited_content: 'Gemini withheld the answer: PROHIBITED_CONTENT.',
  spii: 'Gemini withheld the answer: SPII.',
  malformed_response: 'Gemini made an answer that it could not read itself.',
  failed: 'The interaction failed.',
  budget_exceeded: 'The interaction used up its budget.',
  cancelled: 'The interaction was cancelled.',
}
/** Finish reasons that leave speech unfinished. */
const BREAKS = ['other', 'max_tokens', 'incomplete']

/** Finds what is wrong with an answer that Gemini sent with status 200; undefined when it is what was asked for. */
export function judgeAnswer(answer: Answer, { wantsAudio, isStream }: Expectation): CallFailure | undefined {
  const { blockReason, error } = answer
  const reasons = answer.finishReasons.filter((reason) => reason !== undefined)
  if (blockReason !== undefined) return { type: 'blocked', message: `Gemini refused the prompt: ${blockReason.toUpperCase()}.` }
  if (error) return { type: providerCode(error.code) ?? 'failed', message: shorten(error.message ?? 'The interaction failed.') }
  const failure = reasons.find((reason) => Object.hasOwn(FAILURES, reason))
  if (failure !== undefined) return { type: failure, message: FAILURES[failure]! }
  if (wantsAudio && !hasSound(answer.audio)) return explainSilence(answer, reasons)
  const truncated = isStream ? 'truncated_stream' : 'truncated'
  if (isStream && reasons.length === 0) return { type: truncated, message: `The stream ended without a finish reason${soFar(answer)}.` }
  const broken = wantsAudio ? reasons.find((reason) => BREAKS.includes(reason)) : undefined
  if (broken === undefined) return undefined
  return { type: truncated, message: `Gemini broke off (finish reason ${broken.toUpperCase()})${soFar(answer)}.` }
}

/** A stream that its reader left: after the last piece that is a normal end, before it a cancellation or a deadline. */
export function judgeLeft(answer: Answer, expectation: Expectation, { signal }: CallLimits): CallFailure | undefined {
  const isComplete = answer.finishReasons.length > 0 && answer.finishReasons.every((reason) => reason !== undefined)
  if (isComplete) return judgeAnswer(answer, expectation)
  if (signal?.aborted && isTimeout(signal.reason)) return { type: 'timeout', message: 'The call timed out.' }
  return { type: 'cancelled', message: 'The app stopped reading the stream.' }
}

function explainSilence({ hasText, audio, usage }: Answer, reasons: readonly string[]): CallFailure {
  const reason = reasons.length > 0 ? `finish reason ${reasons.join(', ').toUpperCase()}` : 'no finish reason'
  const billed = usage?.output ? `, ${usage.output} output tokens billed` : ''
  if (hasText) return { type: 'text_instead_of_audio', message: `Gemini answered with text instead of audio (${reason}${billed}).` }
  if (audio)
    return { type: 'no_audio', message: `Gemini answered with a header of ${audio.bytes} bytes and no audio (${reason}${billed}).` }
  return { type: 'no_audio', message: `Gemini answered without audio (${reason}${billed}).` }
}

function soFar({ audio }: Answer): string {
  return audio?.durationS === undefined ? '' : ` after ${audio.durationS.toFixed(1)} s of audio`
}

type ErrorWithBody = Error & { readonly status: number; readonly error?: unknown }

/** Names what was thrown. Both a deadline and the caller's signal surface as the same `AbortError`: the limits tell them apart. */
export function judgeThrown(thrown: unknown, { signal, timeoutMs }: CallLimits): CallFailure {
  const error = causeOfInterruption(thrown)
  const message = error instanceof Error ? error.message : String(error)
  if (hasStatus(error)) return readApiError(error.status, message, error.error)
  // The message can hold a piece of the answer: it stays here.
  if (isMalformed(error, message)) return { type: 'malformed_answer', message: 'The answer of Gemini is no valid JSON.' }
  const type = signal?.aborted ? 'cancelled' : errorType(error, message)
  if (type !== 'cancelled') return { type, message: shorten(message) }
  const isDeadline = signal?.aborted ? isTimeout(signal.reason) : timeoutMs !== undefined
  if (!isDeadline) return { type: 'cancelled', message: 'The app cancelled the call.' }
  return { type: 'timeout', message: timeoutMs === undefined ? 'The call timed out.' : `The call timed out after ${timeoutMs} ms.` }
}

/** What the user gets of a call that ended so. A continuation that nobody asked for is no failure, but the speech is cut off. */
export function outcomeOf({ finishReasons }: Answer, failure: CallFailure | undefined): TtsOutcome {
  if (failure) return OUTCOMES[failure.type] ?? 'error'
  return finishReasons.some((reason) => reason === 'continuation' || reason === 'requires_continuation') ? 'truncated' : 'ok'
}

const OUTCOMES: Readonly<Record<string, TtsOutcome>> = {
  no_audio: 'no_audio',
  text_instead_of_audio: 'text_instead_of_audio',
  truncated: 'truncated',
  truncated_stream: 'truncated',
  cancelled: 'cancelled',
}

/** The client wraps what stopped an answer of several requests. */
function causeOfInterruption(error: unknown): unknown {
  return error instanceof Error && error.name === 'ContinuationInterruptedError' && error.cause !== undefined ? error.cause : error
}

function hasStatus(error: unknown): error is ErrorWithBody {
  return error instanceof Error && 'status' in error && typeof error.status === 'number'
}

/** Texts of the client for a chunk that it cannot read, and for a body that ends within one. */
const MALFORMED = /^(?:exception parsing stream chunk|Incomplete JSON segment)/

function isMalformed(error: unknown, message: string): boolean {
  return error instanceof Error && (error.name === 'SyntaxError' || MALFORMED.test(message))
}

/** The interactions API has classes of its own for an abort and a deadline; 2.x does not set their names, so their texts decide. */
function errorType(error: unknown, message: string): string {
  const type = connectionErrorType(error)
  if (type !== 'Error' && !/^(?:API|Continuation)/.test(type)) return type
  if (/timed out/i.test(message)) return 'timeout'
  return /aborted/i.test(message) ? 'cancelled' : type
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}
