import { connectionErrorType } from '../instrument/error-type.ts'
import { cleanText } from './clean-text.ts'

/** Why a check failed, fit for strangers. */
export type Failure = {
  /** Low-cardinality, for metrics: `timeout`, `ECONNREFUSED`, a SQLSTATE, an HTTP status, the first word of Redis, a class name. */
  readonly type: string
  readonly message: string
  /** What the check threw, for the log. */
  readonly error: unknown
}

/** https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/#error-type */
const OTHER = '_OTHER'
const LOST = 'connection lost'
const UNAUTHENTICATED = 'authentication failed'
const FORBIDDEN = 'permission denied'
const CERTIFICATE = 'the TLS certificate is not accepted'

/** SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html; the words of Redis: https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: LOST,
  EPIPE: LOST,
  UND_ERR_SOCKET: LOST,
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name not found',
  EHOSTUNREACH: 'host not reachable',
  ENETUNREACH: 'host not reachable',
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  CERT_HAS_EXPIRED: CERTIFICATE,
  ERR_TLS_CERT_ALTNAME_INVALID: CERTIFICATE,
  '28000': UNAUTHENTICATED,
  '28P01': UNAUTHENTICATED,
  '3D000': 'the database does not exist',
  '42501': FORBIDDEN,
  '53300': 'too many connections',
  '57P01': LOST,
  '57P02': LOST,
  '57P03': 'starting up or shutting down',
  WRONGPASS: UNAUTHENTICATED,
  NOAUTH: UNAUTHENTICATED,
  NOPERM: FORBIDDEN,
  LOADING: 'still loading its data',
  '401': UNAUTHENTICATED,
  '403': FORBIDDEN,
  '429': 'rate limited',
}

/** Not every word of five letters: `EPERM` comes from the system. */
const SQLSTATE = /^(?:\d[0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}$/
const HTTP_STATUS = /^[1-5]\d\d$/
const REDIS_WORD = /^([A-Z]{2,20})(?: |$)/

/** Type and sentence for whatever a check threw. Never throws. */
export function describeFailure(error: unknown): Failure {
  try {
    const type = typeOf(error)
    return { type, message: sentenceOf(type, error), error }
  } catch {
    // An error whose message is no text, or a getter that throws.
    return { type: 'unreadable', message: 'failed with an error that cannot be read', error: undefined }
  }
}

function sentenceOf(type: string, error: unknown): string {
  const known = SENTENCES[type]
  if (known !== undefined) return known
  if (HTTP_STATUS.test(type)) return `answered with status ${type}`
  if (SQLSTATE.test(type)) return `refused with SQLSTATE ${type}`
  if (isNamed(error, 'ReplyError')) return `refused with ${type}`
  const message = error instanceof Error ? error.message : typeof error === 'string' ? error : ''
  return cleanText(message) || (error instanceof Error ? `failed with ${type}` : 'failed without an error')
}

function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return OTHER
  const status = statusOf(error)
  if (status !== undefined) return isWrongKey(error, status) ? '401' : String(status)
  // Both ioredis and node-redis say with their message what they have no code for.
  if (isNamed(error, 'ReplyError')) return REDIS_WORD.exec(error.message)?.[1] ?? 'ERR'
  return connectionErrorType(error)
}

/** Of an HTTP answer, where the client puts it on the error as `@google/genai` does. */
function statusOf(error: Error): number | undefined {
  const status = 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 100 && status < 600 ? status : undefined
}

/** Google answers a wrong key with 400, like any other mistake. */
function isWrongKey(error: Error, status: number): boolean {
  return status === 400 && error.message.includes('API_KEY_INVALID')
}

function isNamed(error: unknown, name: string): error is Error {
  return error instanceof Error && error.name === name
}
