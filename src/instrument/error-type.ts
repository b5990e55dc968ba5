/**
 * Low-cardinality name of what broke a connection or ended a call: the code of the deepest cause (`ECONNREFUSED`, `UND_ERR_SOCKET`), `timeout`
 * for a deadline, `cancelled` for an abort by the app, else the class of the error.
 */
export function connectionErrorType(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  if (error.name === 'TimeoutError') return 'timeout'
  if (error.name === 'AbortError') return 'cancelled'
  const code = codeOf(error)
  if (code === undefined) return error.name
  return TIMEOUTS.has(code) ? 'timeout' : code
}

const TIMEOUTS = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])
/** Causes can be circular; real chains have two or three. */
const CAUSES_MAX = 5

/** `fetch` hides the reason in `cause`; several addresses that all refused are an `AggregateError` with the code on it. */
function codeOf(error: Error): string | undefined {
  let found: string | undefined
  let current: unknown = error
  for (let depth = 0; depth < CAUSES_MAX && current instanceof Error; depth++) {
    if ('code' in current && typeof current.code === 'string') found = current.code
    current = current.cause
  }
  return found
}
