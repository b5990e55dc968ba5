import { type Context, createContextKey } from '@opentelemetry/api'

/** HTTP requests below one call of a client that retries and continues by itself. Times in ms. */
export type Attempts = {
  /** Only requests to this origin count; those for a token, to another server, do not. Undefined: all. */
  readonly origin: string | undefined
  sent: number
  /** Those that are no repetition of a failed one: the first, and each continuation. */
  hops: number
  /** Failures since the last that went well. */
  failedInARow: number
  /** Of the requests whose answer says how long the server took: that time, the time until their headers came, and from there to the last byte. */
  readonly timed: { count: number; serverMs: number; untilHeadersMs: number; bodyMs: number }
}

const ATTEMPTS = createContextKey('tts-otel.http-attempts')

/** A count that starts at nothing. `baseUrl` is where the call goes. */
export function createAttempts(baseUrl: string | undefined): Attempts {
  const origin = baseUrl === undefined ? undefined : URL.parse(baseUrl)?.origin
  return { origin, sent: 0, hops: 0, failedInARow: 0, timed: { count: 0, serverMs: 0, untilHeadersMs: 0, bodyMs: 0 } }
}

/** `context` in which HTTP requests are counted in `attempts`, and learn their `http.request.resend_count`. */
export function withAttempts(inContext: Context, attempts: Attempts): Context {
  return inContext.setValue(ATTEMPTS, attempts)
}

/** Where a request to `origin` that starts in `context` is counted. */
export function attemptsOf(inContext: Context, origin: string): Attempts | undefined {
  // Only withAttempts writes this key.
  const attempts = inContext.getValue(ATTEMPTS) as Attempts | undefined
  return attempts?.origin === undefined || attempts.origin === origin ? attempts : undefined
}

/** Google's own time in a `server-timing` header (`gfet4t7; dur=525`), in ms. */
export function parseServerTiming(header: string | undefined): number | undefined {
  const match = header === undefined ? null : SERVER_TIMING.exec(header)
  return match ? Number(match[1]) : undefined
}

const SERVER_TIMING = /\bgfet4t7\s*;[^,]*?\bdur=(\d+(?:\.\d+)?)/
