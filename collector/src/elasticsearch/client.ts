import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { parseRetryAfter } from '../../../src/wire/retry-after.ts'
import { describeError } from '../describe-error.ts'
import { isLoopback } from '../loopback.ts'

/** How to reach a server: what it is called, and who we are to it. */
export type Connection = {
  /** `http://` or `https://`, without credentials; a path before ours is kept. */
  readonly url: string
  /** Certificates (PEM) that are trusted instead of the system's. */
  readonly ca: string | undefined
  readonly credentials: Credentials | undefined
  /** Whether bodies are compressed. Unless told, they are where they leave this machine. */
  readonly gzip?: boolean
}

export type Credentials =
  /** As Elasticsearch hands it out: base64 of `id:key`, or `id:key` itself. */
  { readonly kind: 'apiKey'; readonly apiKey: string } | { readonly kind: 'basic'; readonly username: string; readonly password: string }

export type Question = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** With its query. Names in it are encoded by the caller. */
  readonly path: string
  /** JSON, or lines of JSON for `_bulk`; in UTF-8 where it is bytes already. */
  readonly body?: string | readonly Buffer[]
  readonly lines?: boolean
  readonly signal: AbortSignal
}

export type Answer = {
  readonly status: number
  /** `X-Elastic-Product`, which only Elasticsearch sends; '' when absent. */
  readonly product: string
  /** What `Retry-After` says, in ms. */
  readonly afterMs: number | undefined
  /** Parsed JSON, or the text of anything else. */
  readonly body: unknown
}

export type Client = {
  /** For people; without credentials. */
  readonly url: string
  /** Rejects when no whole answer came; any status is an answer. */
  ask(question: Question): Promise<Answer>
  close(): void
}

/** Connections at once; each has one request at a time. More only makes the server's queue longer. */
const CONNECTIONS_MAX = 4
/** Shorter than the 60 s of usual proxies: we close first and never write into a closing connection. */
const IDLE_MS = 30_000
/** Longest `Retry-After` that is believed: a proxy with a page for the weekend must not silence the queue until Monday. */
const RETRY_AFTER_MS_MAX = 5 * 60_000
/** An answer to the largest bulk with an error for each of its documents is some MB. */
const ANSWER_BYTES_MAX = 32 << 20
/** Smaller bodies are not worth compressing. */
const GZIP_BYTES_MIN = 1_024

const compress = promisify(gzip)

/** Plain HTTP with connections that are kept; nothing is retried here but what a connection closed while idle has cost. */
export function createClient({ url, ca, credentials, gzip }: Connection): Client {
  const base = new URL(url)
  const compressed = gzip ?? !isLoopback(base.hostname.replace(/^\[|\]$/g, ''))
  const secure = base.protocol === 'https:'
  const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX, timeout: IDLE_MS }
  const agent = secure ? new https.Agent({ ...options, ...(ca === undefined ? {} : { ca }) }) : new http.Agent(options)
  const prefix = base.pathname.replace(/\/+$/, '')
  const authorization = credentials === undefined ? {} : { authorization: authorizationOf(credentials) }
  const request = secure ? https.request : http.request

  async function ask({ method, path, body, lines = false, signal }: Question): Promise<Answer> {
    const { pieces, headers } = await encode(body, { lines, compressed })
    const send = () =>
      new Promise<Answer>((resolve, reject) => {
        const target = new URL(prefix + path, base)
        const outgoing = request(target, { method, agent, signal, headers: { ...authorization, ...headers } })
        outgoing.on('response', (response) => readAnswer(response).then(resolve, reject))
        outgoing.on('error', (error) => reject(outgoing.reusedSocket && isClosed(error) ? new IdleConnectionError(error) : error))
        for (const piece of pieces) outgoing.write(piece)
        outgoing.end()
      })
    // Each of our requests can be sent twice: documents have their ids, the rest says what is to be.
    const answer = send().catch((error) => (error instanceof IdleConnectionError ? send() : Promise.reject(error)))
    return await answer.catch((error) => Promise.reject(describe(error, base.origin, signal)))
  }
  return { url: base.origin + prefix, ask, close: () => agent.destroy() }
}

class IdleConnectionError extends Error {
  constructor(cause: Error) {
    super('the server had closed the connection', { cause })
  }
}

function isClosed(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE'
}

function authorizationOf(credentials: Credentials): string {
  if (credentials.kind === 'basic') return `Basic ${base64(`${credentials.username}:${credentials.password}`)}`
  return `ApiKey ${credentials.apiKey.includes(':') ? base64(credentials.apiKey) : credentials.apiKey}`
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

type Encoding = { readonly lines: boolean; readonly compressed: boolean }

async function encode(
  body: Question['body'],
  { lines, compressed }: Encoding,
): Promise<{ pieces: readonly Buffer[]; headers: http.OutgoingHttpHeaders }> {
  if (body === undefined) return { pieces: [], headers: {} }
  const pieces = typeof body === 'string' ? [Buffer.from(body)] : body
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const type = { 'content-type': lines ? 'application/x-ndjson' : 'application/json' }
  if (!compressed || length < GZIP_BYTES_MIN) return { pieces, headers: { ...type, 'content-length': length } }
  // 1: a sixth more bytes than the default for a third of its time; networks inside a data centre are faster than gzip.
  const bytes = await compress(Buffer.concat(pieces), { level: constants.Z_BEST_SPEED })
  return { pieces: [bytes], headers: { ...type, 'content-length': bytes.length, 'content-encoding': 'gzip' } }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of response) {
    parts.push(part)
    length += part.length
    if (length > ANSWER_BYTES_MAX) throw new Error(`its answer is longer than ${ANSWER_BYTES_MAX} bytes`)
  }
  const text = Buffer.concat(parts).toString()
  const product = response.headers['x-elastic-product']
  return {
    status: response.statusCode ?? 0,
    product: typeof product === 'string' ? product : '',
    afterMs: retryAfter(response.headers['retry-after']),
    body: parse(text),
  }
}

/** At once is no wait that anybody means. */
function retryAfter(header: string | undefined): number | undefined {
  const afterMs = parseRetryAfter(header, Date.now())
  return afterMs === undefined || afterMs === 0 ? undefined : Math.min(afterMs, RETRY_AFTER_MS_MAX)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** An abort says nothing of why. */
function describe(error: unknown, origin: string, signal: AbortSignal): Error {
  const cause = signal.aborted && signal.reason instanceof Error ? signal.reason : error
  return new Error(`Elasticsearch at ${origin} did not answer: ${describeError(cause)}`, { cause })
}
