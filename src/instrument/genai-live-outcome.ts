import { connectionErrorType } from './error-type.ts'
import type { Answer } from './genai-answer.ts'
import { type CallFailure, shorten } from './genai-errors.ts'
import { judgeAnswer } from './genai-outcome.ts'

/** How a connection of the Live API ended. */
export type LiveClose = {
  /** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
  readonly code: number
  readonly reason: string
  /** What the socket reported before anybody closed it. */
  readonly error: CallFailure | undefined
  /** By the app, which has been told of what that cut off. */
  readonly isByApp: boolean
  /** The server was ready. */
  readonly isSetUp: boolean
  /** Somebody waits for an answer or the rest of one. */
  readonly isMidTurn: boolean
  /** The server had said that it would close. */
  readonly isAnnounced: boolean
}

/** Codes of a connection that ends as it should: normal, going away, none given. */
const NORMAL_CODES = [1000, 1001, 1005]
/** Texts in which Google names what the code does not: one code stands for many statuses. */
const NAMED: readonly (readonly [RegExp, string])[] = [
  [/quota|resource.?exhausted/i, 'RESOURCE_EXHAUSTED'],
  [/deadline.?(?:expired|exceeded)/i, 'DEADLINE_EXCEEDED'],
  [/unavailable|overloaded/i, 'UNAVAILABLE'],
]

/** What becomes of an answer that the app did not wait for. */
export const LEFT: CallFailure = { type: 'cancelled', message: 'The app closed the connection in the middle of a turn.' }

/**
 * Finds what is wrong with the end of a connection; undefined when nothing is. The limit of ten minutes, which a message announces
 * and any code may follow, is no error unless it cuts an answer off.
 */
export function judgeClose({ code, reason, error, ...close }: LiveClose): CallFailure | undefined {
  if (error || close.isByApp) return error
  const isNormal = NORMAL_CODES.includes(code)
  const isExpected = close.isSetUp && !close.isMidTurn && (isNormal || close.isAnnounced)
  if (isExpected) return undefined
  const said = reason === '' ? '' : `: ${reason}`
  const when = close.isSetUp ? (close.isMidTurn ? ' in the middle of a turn' : '') : ' before it was ready'
  const message = shorten(`The connection was closed${when} (${code}${said}).`)
  if (isNormal && close.isSetUp) return { type: 'truncated_stream', message }
  return { type: NAMED.find(([text]) => text.test(reason))?.[1] ?? String(code), message }
}

/** The text of `ws` for a server that answers with something else than a WebSocket. */
const REFUSED = /^Unexpected server response: (\d{3})$/

/** Names what the socket's `error` event carries. */
export function judgeSocketError(event: unknown): CallFailure {
  const { error, message = String(error) } = event as { readonly error?: unknown; readonly message?: string } // every part is optional
  const status = REFUSED.exec(message)?.[1]
  if (status !== undefined) return { type: status, message: `The server refused the connection with HTTP ${status}.` }
  return { type: connectionErrorType(error), message: shorten(message) }
}

/** What of a turn decides whether it went well. */
export type TurnFacts = {
  /** `turnCompleteReason` as it was sent. */
  readonly reason: string | undefined
  /** It need not speak: it was interrupted, calls a function, or waits for more. */
  readonly mayBeSilent: boolean
}

/** Finds what is wrong with an answer that the server calls complete; undefined when it is what was asked for. */
export function judgeTurn(answer: Answer, { reason, mayBeSilent }: TurnFacts, wantsAudio: boolean): CallFailure | undefined {
  const withheld = reason === undefined ? {} : readReason(reason)
  return judgeAnswer({ ...answer, finishReasons: [], ...withheld }, { wantsAudio: wantsAudio && !mayBeSilent, isStream: false })
}

type Verdict = Partial<Pick<Answer, 'finishReasons' | 'blockReason' | 'error'>>

/** `TurnCompleteReason` of @google/genai: most of its values concern what was said to the model, some what it answered. */
function readReason(reason: string): Verdict {
  if (UNREMARKABLE.includes(reason)) return {}
  if (reason === 'MALFORMED_FUNCTION_CALL') return { finishReasons: ['malformed_response'] }
  if (reason.startsWith('GENERATED_') && reason.endsWith('_SAFETY')) return { finishReasons: ['safety'] }
  if (reason === 'GENERATED_CONTENT_PROHIBITED') return { finishReasons: ['prohibited_content'] }
  if (reason === 'GENERATED_CONTENT_BLOCKLIST') return { finishReasons: ['blocklist'] }
  if (/^(?:GENERATED|OUTPUT|RESPONSE|MAX)_/.test(reason))
    return { error: { code: 'content_blocked', message: `Gemini withheld the answer: ${reason}.` } }
  return { blockReason: reason.toLowerCase() }
}

const UNREMARKABLE = ['TURN_COMPLETE_REASON_UNSPECIFIED', 'NEED_MORE_INPUT']
