/** A request to the reading side, as the receiver has read it. */
export type ApiRequest = {
  readonly method: string
  /** Decoded by nobody: `/api/traces/4bf9…`. */
  readonly path: string
  readonly query: URLSearchParams
  /** The Authorization header. */
  readonly authorization: string | undefined
  /** The Accept header. */
  readonly accept: string | undefined
  /** Of the connection. */
  readonly address: string
  /** Reads the body, which is JSON; undefined when it is none. */
  readonly body?: () => Promise<unknown>
}

export type ApiAnswer = {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** Records in the body. */
  readonly rows?: number
}

/** Answers questions; undefined for what is none, such as a POST to a path it does not know. Never throws, never rejects. */
export type Api = (request: ApiRequest) => Promise<ApiAnswer | undefined>

/** A wrong request; the message says what to change. */
export class BadRequestError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BadRequestError'
  }
}

export function json(status: number, body: unknown, headers?: Readonly<Record<string, string>>): ApiAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n`, ...(headers === undefined ? {} : { headers }) }
}

/** `{"error": "not_found", "message": "…"}`. */
export function failure(status: number, error: string, message: string, headers?: Readonly<Record<string, string>>): ApiAnswer {
  return json(status, { error, message }, headers)
}
