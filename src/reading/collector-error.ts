/** Why stored telemetry could not be read. */
export type CollectorErrorCode =
  /** There is no address to ask, or address or token can be none. */
  | 'NOT_CONFIGURED'
  /** No connection, or no whole answer. */
  | 'UNREACHABLE'
  | 'TIMEOUT'
  /** The collector wants a READ_TOKEN, or another one. */
  | 'UNAUTHORIZED'
  /** The collector does not understand the question; its message says what to change. */
  | 'INVALID_PARAMETER'
  | 'NOT_FOUND'
  /** Its store does not answer; ask again later. */
  | 'UNAVAILABLE'
  /** Something else listens there. */
  | 'NOT_A_COLLECTOR'

/** The message says what happened, where and what to do; without secrets. */
export class CollectorError extends Error {
  override readonly name = 'CollectorError'
  readonly code: CollectorErrorCode
  /** Of the answer; undefined when there was none. */
  readonly status: number | undefined

  constructor(code: CollectorErrorCode, message: string, { status, cause }: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = status
  }
}
