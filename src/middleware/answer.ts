import { STATUS_CODES } from 'node:http'
import type { Failure } from './failure.ts'

/** An error as it is sent. */
export type Answer = {
  readonly status: number
  /** In lower case, without the content type. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
  readonly contentType: string
}

/** What an answer says of its request. */
export type AnswerFacts = {
  readonly method: string
  /** Without query. */
  readonly path: string
  readonly requestId: string
  readonly accept: string | undefined
  readonly nowMs: number
  /** Ties an unexpected error to its log record. */
  readonly errorId: string | undefined
  /** The stack, where `ERROR_INCLUDE_TRACEBACK` asks for it. */
  readonly traceback: string | undefined
  /** `WWW-Authenticate` of a 401. */
  readonly challenge: string
}

/** What describes a body that is not sent now; an error must not be cached under the rules of the answer that it replaces. */
export const BODY_HEADERS: readonly string[] = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'transfer-encoding',
]

/** Of every body that the middleware makes. */
export const JSON_TYPE = 'application/json; charset=utf-8'
const PROBLEM_TYPE = 'application/problem+json'
/** Entries of an `Accept` header that are read; browsers send seven. */
const ACCEPT_ENTRIES_MAX = 32

/**
 * The answer to a request that failed: JSON `{error, message, timestamp (s), path, method, details?, request_id, error_id?}`, or the same facts
 * as RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457) for a client that asks for `application/problem+json`.
 */
export function toAnswer(failure: Failure, facts: AnswerFacts): Answer {
  const isProblem = wantsProblem(facts.accept)
  const { status } = failure
  const headers: Record<string, string> = { 'cache-control': 'no-store', ...failure.headers }
  if (status === 401) headers['www-authenticate'] ??= facts.challenge
  const body = stringify(failure, (shown) => (isProblem ? toProblem(shown, facts) : toPlain(shown, facts)))
  return { status, headers, body, contentType: isProblem ? `${PROBLEM_TYPE}; charset=utf-8` : JSON_TYPE }
}

/** Details that JSON cannot carry (a cycle, a BigInt, a getter that throws) are left out, not the answer. */
function stringify(failure: Failure, toBody: (failure: Failure) => Body): string {
  try {
    return JSON.stringify(toBody(failure))
  } catch {
    return JSON.stringify(toBody({ ...failure, details: undefined }))
  }
}

type Body = Readonly<Record<string, unknown>>

function toPlain(failure: Failure, facts: AnswerFacts): Body {
  return { error: failure.code, message: failure.message, ...sharedFacts(failure, facts) }
}

/** `about:blank`: the type says no more than the status; `error` is what programs look at. */
function toProblem(failure: Failure, facts: AnswerFacts): Body {
  const title = STATUS_CODES[failure.status] ?? 'Error'
  const detail = { detail: failure.message, instance: facts.path, error: failure.code }
  return { type: 'about:blank', title, status: failure.status, ...detail, ...sharedFacts(failure, facts) }
}

function sharedFacts({ details }: Failure, { nowMs, path, method, requestId, errorId, traceback }: AnswerFacts): Body {
  const hasDetails = details !== undefined && Object.keys(details).length > 0
  return {
    timestamp: nowMs / 1_000,
    path,
    method,
    ...(hasDetails ? { details } : {}),
    request_id: requestId,
    ...(errorId === undefined ? {} : { error_id: errorId }),
    ...(traceback === undefined ? {} : { traceback }),
  }
}

/** Only when it is named, and not liked less than plain JSON: `*` means that any form will do, and ours is JSON. */
function wantsProblem(accept = ''): boolean {
  if (!/problem\+json/i.test(accept)) return false
  const weights = new Map(accept.split(',', ACCEPT_ENTRIES_MAX).map(parseEntry))
  const problem = weights.get(PROBLEM_TYPE) ?? 0
  return problem > 0 && problem >= (weights.get('application/json') ?? 0)
}

function parseEntry(entry: string): [type: string, weight: number] {
  const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  return [type, weight === undefined ? 1 : Number.parseFloat(weight.slice(2)) || 0]
}
