/** HTTP names of the stable semantic conventions, and values that both directions share. https://opentelemetry.io/docs/specs/semconv/http/ */
export const HTTP_REQUEST_METHOD = 'http.request.method'
export const HTTP_REQUEST_METHOD_ORIGINAL = 'http.request.method_original'
export const HTTP_REQUEST_RESEND_COUNT = 'http.request.resend_count'
export const HTTP_RESPONSE_STATUS_CODE = 'http.response.status_code'
export const HTTP_ROUTE = 'http.route'
export const URL_PATH = 'url.path'
export const URL_SCHEME = 'url.scheme'
export const URL_FULL = 'url.full'
export const CLIENT_ADDRESS = 'client.address'
export const USER_AGENT_ORIGINAL = 'user_agent.original'
export const NETWORK_PROTOCOL_VERSION = 'network.protocol.version'

export const METRIC_HTTP_SERVER_DURATION = 'http.server.request.duration'
export const METRIC_HTTP_SERVER_ACTIVE = 'http.server.active_requests'
export const METRIC_HTTP_CLIENT_DURATION = 'http.client.request.duration'

/**
 * Seconds. The convention ends at 10, where long speech only begins (answers after 77 s and failures after 148 s are reported), so some
 * more follow. https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration
 */
export const HTTP_DURATION_BUCKETS_S = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300,
]

/** Any other method is recorded as `_OTHER`, so that clients cannot make new series. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'])
const METHOD_OTHER = '_OTHER'

/** The method as `http.request.method` wants it. */
export function knownMethod(method: string | undefined): string {
  return method !== undefined && METHODS.has(method) ? method : METHOD_OTHER
}

/** The method as the name of a span wants it. */
export function spanNameOf(method: string): string {
  return method === METHOD_OTHER ? 'HTTP' : method
}
