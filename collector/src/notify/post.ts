import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { bareHost, createTunnelAgent, findProxy, type ProxySettings } from '../../../src/wire/proxy.ts'
import { parseRetryAfter } from '../../../src/wire/retry-after.ts'
import { ForbiddenAddressError, type Guard, wayOf } from './guard.ts'

/** What every channel needs to leave the house. */
export type Outside = {
  readonly guard: Guard
  readonly proxy: ProxySettings
  /** ms since 1970. */
  readonly now: () => number
}

export type Message = {
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What a server said. */
export type Answer = {
  readonly status: number
  /** What `Retry-After` asks for. */
  readonly afterMs: number | undefined
  /** The beginning of the body. It is compared with words that are known and goes nowhere else: whoever reads a message must not learn what an address inside says. */
  readonly body: string
}

/** One request to one address. */
export type Post = {
  /** The address as it may be shown: its path and query are secrets with most receivers. */
  readonly name: string
  /** Rejects when no answer came, with an error that may be shown. Redirects are answers. */
  send(message: Message, signal: AbortSignal): Promise<Answer>
}

/** Enough for the words of an error. */
const ANSWER_BYTES_MAX = 4_096
/** The status is known by then, and it is what counts. */
const ANSWER_MS_MAX = 2_000

/**
 * Posts JSON to `url`, on a connection of its own each time: alerts are rare, and what a name resolves to is judged anew.
 *
 * Behind a proxy it is the proxy that resolves the name, so that only the address as it is written is judged here.
 * Throws when the guard forbids the address or the proxy's address is none.
 */
export function createPost(url: URL, { guard, proxy: settings, now }: Outside, ca?: string): Post {
  const proxy = url.protocol === 'https:' ? findProxy(url, settings) : undefined
  const problem = guard.checkUrl(url) ?? (proxy && guard.checkProxied(url))
  if (problem !== undefined) throw new ForbiddenAddressError(`${url.origin} ${problem}`)

  const trust = ca === undefined ? {} : { ca }
  const isSecure = url.protocol === 'https:'
  const direct = { keepAlive: false, lookup: guard.lookup(wayOf(url)), ...trust }
  const ownAgent = isSecure ? new https.Agent(direct) : new http.Agent(direct)
  const agent = proxy === undefined ? ownAgent : createTunnelAgent(proxy, { keepAlive: false, ...trust })
  const target = { method: 'POST', host: bareHost(url.hostname), port: url.port, path: `${url.pathname}${url.search}`, agent }
  const request = isSecure ? https.request : http.request

  function exchange({ body, headers }: Message, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const bytes = Buffer.from(body)
    const own = { host: url.host, 'user-agent': 'tts-otel-collector', 'content-type': 'application/json', 'content-length': bytes.length }
    const outgoing = request({ ...target, headers: { ...own, ...headers }, signal })
    // A request that has no socket yet (a tunnel is being opened) would report its abort only when it has one.
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    outgoing.on('response', (response) => readAnswer(response, now).then(resolve, reject))
    outgoing.on('error', reject)
    outgoing.end(bytes)
    return promise
  }

  return {
    name: url.origin,
    async send(message, signal) {
      try {
        signal.throwIfAborted()
        return await exchange(message, signal)
      } catch (error) {
        throw new Error(`${url.origin} did not answer: ${describe(signal.aborted ? signal.reason : error)}`, { cause: error })
      }
    },
  }
}

async function readAnswer(response: IncomingMessage, now: () => number): Promise<Answer> {
  const { statusCode: status = 0, headers } = response
  return { status, afterMs: parseRetryAfter(headers['retry-after'], now()), body: await readStart(response) }
}

/** What comes within the limits; a body that is longer, or does not come, closes the connection. */
async function readStart(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  const timer = setTimeout(() => response.destroy(), ANSWER_MS_MAX).unref()
  try {
    for await (const part of response) {
      parts.push(part)
      length += part.length
      if (length >= ANSWER_BYTES_MAX) break // which also closes the connection
    }
  } catch {
    // Cut off: the status has arrived.
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(parts).subarray(0, ANSWER_BYTES_MAX).toString()
}

/** Node leaves the message of a refused connection to several addresses empty. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return `${error.message || code || error.name}${ADVICE[code ?? ''] ?? ''}`
}

const UNTRUSTED = '; name the certificates of your own authority with ca_file, or for the whole process with NODE_EXTRA_CA_CERTS'

const ADVICE: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
}
