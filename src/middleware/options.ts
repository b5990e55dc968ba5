import { HEADER_VALUE } from './failure.ts'

/** What the middleware asks about a probe; `createHealth` makes one. */
export type ProbeSource = {
  /** The answer to a probe of this path (`/livez`, `/readyz`, `/health`); undefined when the path is none. */
  answer(path: string): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> } | undefined>
}

/** The same for Fastify, Express and Hono; everything has a default. A wrong one throws a TypeError when the middleware is made. */
export type TtsOtelOptions = {
  /** Serves `/livez`, `/readyz` and `/health` before anything else of the app sees them. Default: the app serves its own. */
  readonly health?: ProbeSource | undefined
  /** Addresses and CIDR blocks (`10.0.0.0/8`, `fd00::/8`) of proxies whose `X-Forwarded-For` is believed. Default: none, the peer is the client. */
  readonly trustedProxies?: readonly string[] | undefined
  /** A request that takes longer is logged as a warning. Default 5 s. */
  readonly slowRequestS?: number | undefined
  /** Paths without a request log, besides the probes: exact, without query. */
  readonly quietPaths?: readonly string[] | undefined
  /** `WWW-Authenticate` of a 401 that has none yet. Default `Bearer`. */
  readonly challenge?: string | undefined
}

const SLOW_REQUEST_S = 5

/** The options with their defaults. Throws a TypeError for one that cannot be used. */
export function readOptions(options: TtsOtelOptions) {
  const { health, trustedProxies = [], slowRequestS = SLOW_REQUEST_S, quietPaths = [], challenge = 'Bearer' } = options
  if (!(slowRequestS >= 0)) throw new TypeError(`slowRequestS: ${slowRequestS} is no number of seconds`)
  if (!HEADER_VALUE.test(challenge))
    throw new TypeError(`challenge: ${JSON.stringify(challenge)} cannot stand in a header; write Bearer or Basic realm="tts"`)
  return { health, trustedProxies, slowRequestS, quietPaths, challenge }
}
