import { hasSound } from '../tts/audio.ts'
import { connectionErrorType } from './error-type.ts'
import type { Answer } from './genai-answer.ts'

/**
 * Why a call failed. `type` is the value of `error.type`, one of:
 *
 * - Google's status: `RESOURCE_EXHAUSTED`, `INTERNAL`, `INVALID_ARGUMENT`, …; the HTTP code where an error has none
 * - `no_audio`: an answer without audio, or with nothing but a header, although audio was asked for
 * - `text_instead_of_audio`: text came where audio was asked for
 * - `blocked`: the prompt or the answer was refused
 * - `truncated_stream`: the stream ended before its end; `truncated`: an answer in one piece was broken off
 * - `timeout`, `cancelled` (by the app; not an error of the call)
 * - the code of a connection error: `ECONNREFUSED`, `UND_ERR_SOCKET`, …; else the class of the error
 */
export type CallFailure = { readonly type: string; readonly message: string; readonly quotaId?: string | undefined }

export type Expectation = { readonly wantsAudio: boolean; readonly isStream: boolean }

/** What the caller set that can end a call: its own signal, and the client's deadline for each attempt. */
export type CallLimits = { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }

/** Finish reasons by which Google says that it refused to answer. */
const REFUSALS = new Set(['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'LANGUAGE'])
/** Google's statuses are made of these; a proxy's `Bad Gateway` is not. */
const GOOGLE_STATUS = /^[A-Z][A-Z_]{2,39}$/
/** Bodies of errors are small; anything larger is not read for its details. */
const ERROR_BODY_CHARS_MAX = 65_536
const MESSAGE_CHARS_MAX = 500

/** Finds what is wrong with an answer that Gemini sent with status 200; undefined when it is what was asked for. */
export function judgeAnswer(answer: Answer, { wantsAudio, isStream }: Expectation): CallFailure | undefined {
  const reasons = answer.finishReasons.filter((reason) => reason !== undefined)
  const refusal = answer.blockReason ?? reasons.find((reason) => REFUSALS.has(reason))
  if (refusal !== undefined) return { type: 'blocked', message: `Gemini refused to answer: ${refusal}.` }
  if (wantsAudio && !hasSound(answer.audio)) return explainSilence(answer, reasons)
  if (isStream && reasons.length === 0)
    return { type: 'truncated_stream', message: `The stream ended without a finish reason${soFar(answer)}.` }
  if (!wantsAudio || !reasons.includes('OTHER')) return undefined
  return { type: isStream ? 'truncated_stream' : 'truncated', message: `Gemini broke off (finish reason OTHER)${soFar(answer)}.` }
}

/** A stream that its reader left: after the last piece that is a normal end, before it a cancellation. */
export function judgeLeft(answer: Answer, expectation: Expectation): CallFailure | undefined {
  const isComplete = answer.finishReasons.length > 0 && answer.finishReasons.every((reason) => reason !== undefined)
  return isComplete ? judgeAnswer(answer, expectation) : { type: 'cancelled', message: 'The app stopped reading the stream.' }
}

function explainSilence({ hasText, audio, usage }: Answer, reasons: readonly string[]): CallFailure {
  const reason = reasons.length > 0 ? `finish reason ${reasons.join(', ')}` : 'no finish reason'
  const billed = usage?.output ? `, ${usage.output} output tokens billed` : ''
  if (hasText) return { type: 'text_instead_of_audio', message: `Gemini answered with text instead of audio (${reason}${billed}).` }
  if (audio)
    return { type: 'no_audio', message: `Gemini answered with a header of ${audio.bytes} bytes and no audio (${reason}${billed}).` }
  return { type: 'no_audio', message: `Gemini answered without audio (${reason}${billed}).` }
}

function soFar({ audio }: Answer): string {
  return audio?.durationS === undefined ? '' : ` after ${audio.durationS.toFixed(1)} s of audio`
}

/** Names what was thrown. Both a deadline and the caller's signal surface as the same `AbortError`: the limits tell them apart. */
export function judgeThrown(error: unknown, { signal, timeoutMs }: CallLimits): CallFailure {
  const message = error instanceof Error ? error.message : String(error)
  if (isApiError(error)) return readApiError(error.status, message)
  const type = connectionErrorType(error)
  if (type !== 'cancelled') return { type, message: shorten(message) }
  const isDeadline = signal?.aborted ? isTimeout(signal.reason) : timeoutMs !== undefined
  if (!isDeadline) return { type: 'cancelled', message: 'The app cancelled the call.' }
  return { type: 'timeout', message: timeoutMs === undefined ? 'The call timed out.' : `The call timed out after ${timeoutMs} ms.` }
}

function isApiError(error: unknown): error is { readonly status: number } {
  return error instanceof Error && error.name === 'ApiError' && 'status' in error && typeof error.status === 'number'
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}

/** The client puts the body of the answer into the message; errors inside a stream have `got status: INTERNAL. ` before it. */
function readApiError(status: number, message: string): CallFailure {
  const body = parseBody(message)
  const google = typeof body?.status === 'string' && GOOGLE_STATUS.test(body.status) ? body.status : undefined
  return {
    type: google ?? String(status),
    message: shorten(`${status}: ${typeof body?.message === 'string' ? body.message : message}`),
    quotaId: Array.isArray(body?.details) ? findQuotaId(body.details) : undefined,
  }
}

function parseBody(message: string): { status?: unknown; message?: unknown; details?: unknown } | undefined {
  const start = message.indexOf('{')
  if (start < 0 || message.length > ERROR_BODY_CHARS_MAX) return undefined
  try {
    return JSON.parse(message.slice(start)).error
  } catch {
    return undefined
  }
}

/** `{"@type": "…QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinute…"}]}` */
function findQuotaId(details: readonly { readonly violations?: readonly { readonly quotaId?: unknown }[] }[]): string | undefined {
  for (const { violations } of details) {
    const quotaId = Array.isArray(violations) ? violations[0]?.quotaId : undefined
    if (typeof quotaId === 'string') return quotaId
  }
  return undefined
}

function shorten(message: string): string {
  return message.length <= MESSAGE_CHARS_MAX ? message : `${message.slice(0, MESSAGE_CHARS_MAX)}…`
}
