import type { Script } from './script.ts'

/** An error answer in Google's form: `{"error": {"code", "message", "status", "details"?}}`; https://cloud.google.com/apis/design/errors */
export type Refusal = {
  readonly code: number
  readonly status: string
  readonly message: string
  readonly details?: readonly object[]
}

/** The two ways to ask for speech; they name errors differently. */
export type Api = 'models' | 'interactions'

/** What an error takes on the real service when it is not slow. */
const REFUSAL_MS = 120

export function refuse(refusal: Refusal, api: Api = 'models'): Script {
  const steps = [{ kind: 'send', body: errorBody(refusal, api) }] as const
  return { status: refusal.code, contentType: 'application/json; charset=UTF-8', thinkMs: REFUSAL_MS, steps }
}

/** Pretty-printed as Google does; a `data:` line of a stream needs {@link errorLine}. */
function errorBody(refusal: Refusal, api: Api): string {
  return `${JSON.stringify({ error: api === 'models' ? refusal : toInteractionError(refusal) }, null, 2)}\n`
}

/** The same within a stream. */
export function errorLine(refusal: Refusal, api: Api): string {
  if (api === 'models') return `data: ${JSON.stringify({ error: refusal })}\r\n\r\n`
  return `event: error\ndata: ${JSON.stringify({ event_type: 'error', error: toInteractionError(refusal) })}\n\n`
}

/** https://ai.google.dev/gemini-api/docs/api-errors */
const INTERACTION_CODES: Readonly<Record<string, string>> = {
  INVALID_ARGUMENT: 'invalid_request',
  UNAUTHENTICATED: 'authentication',
  PERMISSION_DENIED: 'permission_denied',
  NOT_FOUND: 'model_not_found',
  RESOURCE_EXHAUSTED: 'rate_limit_exceeded',
  INTERNAL: 'api_error',
  UNAVAILABLE: 'service_unavailable',
  DEADLINE_EXCEEDED: 'deadline_exceeded',
}

function toInteractionError({ status, message }: Refusal): object {
  return { code: INTERACTION_CODES[status] ?? 'api_error', message }
}

export function invalidArgument(message: string): Refusal {
  return { code: 400, message, status: 'INVALID_ARGUMENT' }
}

export function notFound(message: string): Refusal {
  return { code: 404, message, status: 'NOT_FOUND' }
}

export const INTERNAL: Refusal = {
  code: 500,
  message: 'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
  status: 'INTERNAL',
}
export const UNAVAILABLE: Refusal = { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' }
export const DEADLINE: Refusal = { code: 504, message: 'Deadline expired before operation could complete.', status: 'DEADLINE_EXCEEDED' }
export const FORBIDDEN: Refusal = { code: 403, message: 'The caller does not have permission', status: 'PERMISSION_DENIED' }
export const BAD_REQUEST = invalidArgument('Request contains an invalid argument.')
export const EXHAUSTED: Refusal = { code: 429, message: 'Resource has been exhausted (e.g. check quota).', status: 'RESOURCE_EXHAUSTED' }

export const KEY_MISSING: Refusal = {
  code: 403,
  message:
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
  status: 'PERMISSION_DENIED',
}
export const KEY_WRONG: Refusal = {
  code: 400,
  message: 'API key not valid. Please pass a valid API key.',
  status: 'INVALID_ARGUMENT',
  details: [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    },
  ],
}

/** Which quota ran out: requests in a minute, requests in a day, or input tokens in a minute. */
export type Quota = 'GenerateRequestsPerMinute' | 'GenerateRequestsPerDay' | 'GenerateContentInputTokensPerModelPerMinute'

/** The 429 that names the quota and says when to come back. */
export function quotaExceeded(quota: Quota, model: string, retryAfterSeconds: number): Refusal {
  const quotaId = quota.endsWith('PerModelPerMinute') ? `${quota}-FreeTier` : `${quota}PerProjectPerModel-FreeTier`
  const metric = quota.includes('Tokens') ? 'generate_content_free_tier_input_token_count' : 'generate_content_free_tier_requests'
  return {
    ...EXHAUSTED,
    message: `You exceeded your current quota, please check your plan and billing details. Please retry in ${retryAfterSeconds}.04466179s.`,
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.Help',
        links: [{ description: 'Learn more about Gemini API quotas', url: 'https://ai.google.dev/gemini-api/docs/rate-limits' }],
      },
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: [
          {
            quotaMetric: `generativelanguage.googleapis.com/${metric}`,
            quotaId,
            quotaDimensions: { location: 'global', model },
            quotaValue: '10',
          },
        ],
      },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterSeconds}s` },
    ],
  }
}
