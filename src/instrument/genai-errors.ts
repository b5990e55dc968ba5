/**
 * Every value of `error.type` on `gemini_api_call` and its metrics, with what it means. Values that Google, a proxy or the network
 * chooses stand in groups; the last rows say what becomes of the rest.
 */
export const GEMINI_ERROR_TYPES = {
  // Found in an answer that HTTP calls good
  no_audio: 'Audio was asked for, and none came or only the header of a file.',
  text_instead_of_audio: 'Audio was asked for, and text came.',
  truncated: 'An answer in one piece ends before the text does: finish reason OTHER or MAX_TOKENS, or status incomplete.',
  truncated_stream:
    'A stream ends before the text does: no finish reason, OTHER or MAX_TOKENS, or status incomplete; Live: closed in the middle of a turn.',
  blocked: 'The prompt was refused; gcp.gemini.block_reason tells why.',
  safety: 'The answer was withheld as harmful.',
  recitation: 'The answer was withheld because it repeats protected text.',
  language: 'The language is not supported.',
  blocklist: 'The text holds forbidden words.',
  prohibited_content: 'The text holds forbidden content.',
  spii: 'The text holds sensitive personal data.',
  content_blocked: 'The answer was withheld and nobody says why (interactions, Live).',
  malformed_response: 'The model made an answer that Google itself could not read.',
  malformed_answer: 'The answer is no valid JSON, or ends in the middle of it.',
  failed: 'The interaction failed without naming a reason.',
  budget_exceeded: 'The interaction used up its budget.',
  cancelled: 'The app cancelled the call or stopped reading the stream: no error of the call, the status of the span stays unset.',
  timeout: 'A deadline passed: of the client, of the app, or of the connection.',
  // Google's statuses
  INVALID_ARGUMENT: 'HTTP 400: the request is wrong; the message says where.',
  FAILED_PRECONDITION: 'HTTP 400: the region or the account may not use this.',
  UNAUTHENTICATED: 'HTTP 401: no valid credentials.',
  PERMISSION_DENIED: 'HTTP 403: the key may not do this.',
  NOT_FOUND: 'HTTP 404: no such model; it may have been shut down.',
  RESOURCE_EXHAUSTED: 'HTTP 429: a quota ran out; gcp.gemini.quota_id tells which.',
  CANCELLED: 'HTTP 499: Google saw the connection close.',
  INTERNAL: 'HTTP 500: a fault at Google.',
  UNAVAILABLE: 'HTTP 503: the model is overloaded.',
  DEADLINE_EXCEEDED: 'HTTP 504: Google did not finish in time.',
  // Codes of the interactions API. https://ai.google.dev/gemini-api/docs/api-errors
  invalid_request: 'HTTP 400 (interactions): the request is wrong.',
  failed_precondition: 'HTTP 400 (interactions): the account may not use this.',
  authentication: 'HTTP 401 (interactions): no valid key.',
  permission_denied: 'HTTP 403 (interactions): the key may not do this.',
  model_not_found: 'HTTP 404 (interactions): no such model.',
  not_found: 'HTTP 404 (interactions): no such thing.',
  rate_limit_exceeded: 'HTTP 429 (interactions): too many requests or tokens in a minute.',
  quota_exceeded: 'HTTP 429 (interactions): the quota of the day is used up.',
  too_many_requests: 'HTTP 429 (interactions): too many requests in a short time.',
  api_error: 'HTTP 500 (interactions): a fault at Google.',
  service_unavailable: 'HTTP 503 (interactions): the service is overloaded.',
  deadline_exceeded: 'HTTP 504 (interactions): Google did not finish in time.',
  // What is not Google's
  '502': 'Or another number: the HTTP status, where the answer names nothing better, as the page of a proxy.',
  '1011':
    'Or another number from 1000 on: the code that the connection of the Live API was closed with. 1006: it broke; 1007: the request or the key is wrong; 1008: not allowed, or no such model; 1011: a fault at Google.',
  ECONNREFUSED: 'Or another code of Node or undici (ECONNRESET, ENOTFOUND, UND_ERR_SOCKET): the connection failed.',
  TypeError: 'Or the class of another error that the client threw.',
} as const satisfies Readonly<Record<string, string>>

/** Why a call failed. `type` is the value of `error.type`, one of {@link GEMINI_ERROR_TYPES}. */
export type CallFailure = { readonly type: string; readonly message: string; readonly quota?: Quota | undefined }

/** What a 429 says of the quota that ran out; what it does not say is left out. */
export type Quota = { readonly id?: string | undefined; readonly metric?: string | undefined; readonly retryDelayS?: number | undefined }

type ErrorBody = { readonly status?: unknown; readonly code?: unknown; readonly message?: unknown; readonly details?: unknown }
type Detail = { readonly violations?: readonly { quotaId?: unknown; quotaMetric?: unknown }[]; readonly retryDelay?: unknown }

/** Google's names are made of these; a proxy's `Bad Gateway` is not. */
const PROVIDER_CODE = /^(?:[A-Z][A-Z_]{2,39}|[a-z][a-z_]{2,39})$/
/** Bodies of errors are small; anything larger is not read for its details. */
const ERROR_BODY_CHARS_MAX = 65_536
const MESSAGE_CHARS_MAX = 500

/**
 * An error answer of either API. `ApiError` of generateContent has the body in its message, with `got status: INTERNAL. ` before it inside
 * a stream; the errors of interactions have it parsed.
 */
export function readApiError(status: number, message: string, parsed: unknown): CallFailure {
  const body = unwrap(parsed) ?? parseBody(message)
  const text = typeof body?.message === 'string' ? body.message : message
  return {
    type: providerCode(body?.status) ?? providerCode(body?.code) ?? String(status),
    message: shorten(text.startsWith(`${status}`) ? text : `${status}: ${text}`),
    quota: Array.isArray(body?.details) ? readQuota(body.details) : undefined,
  }
}

/** A name of Google's for what went wrong: `UNAVAILABLE`, `rate_limit_exceeded`; undefined for anything else. */
export function providerCode(code: unknown): string | undefined {
  return typeof code === 'string' && PROVIDER_CODE.test(code) ? code : undefined
}

/** Messages come from outside: what is beyond any sentence is cut. */
export function shorten(message: string): string {
  return message.length <= MESSAGE_CHARS_MAX ? message : `${message.slice(0, MESSAGE_CHARS_MAX)}…`
}

function parseBody(message: string): ErrorBody | undefined {
  const start = message.indexOf('{')
  if (start < 0 || message.length > ERROR_BODY_CHARS_MAX) return undefined
  try {
    return unwrap(JSON.parse(message.slice(start)))
  } catch {
    return undefined
  }
}

/** `{"error": {…}}` or what is in it. */
function unwrap(body: unknown): ErrorBody | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  return 'error' in body && typeof body.error === 'object' && body.error !== null ? body.error : body
}

/** `[{"@type": "…QuotaFailure", "violations": [{"quotaId", "quotaMetric"}]}, {"@type": "…RetryInfo", "retryDelay": "20s"}]` */
function readQuota(details: readonly Detail[]): Quota {
  const violation = details.flatMap((detail) => (Array.isArray(detail?.violations) ? detail.violations : []))[0]
  const delay = details.find((detail) => typeof detail?.retryDelay === 'string')?.retryDelay
  const retryDelayS = typeof delay === 'string' ? Number.parseFloat(delay) : Number.NaN
  return {
    id: typeof violation?.quotaId === 'string' ? violation.quotaId : undefined,
    metric: typeof violation?.quotaMetric === 'string' ? violation.quotaMetric : undefined,
    retryDelayS: Number.isFinite(retryDelayS) ? retryDelayS : undefined,
  }
}
