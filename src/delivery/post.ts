import http from 'node:http'
import https from 'node:https'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import type { Outcome, Send } from '../wire/outcome.ts'
import { authorizeProxy, bareHost, createTunnelAgent, findProxy, type ProxySettings, proxyHost } from '../wire/proxy.ts'
import type { Chunk } from '../wire/signal.ts'
import { withTimeout } from '../wire/timeout.ts'
import { type Answer, toOutcome } from './answer.ts'
import { codeOf, toFailure } from './failure.ts'

export type PostOptions = {
  /** The full address of the signal, such as `http://localhost:4318/v1/traces`. A user and password in it become basic authentication. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'gzip' | 'zstd' | 'none'
  /** For one attempt, from the connection to the last byte of the answer. */
  readonly timeoutMs: number
  /** PEM texts. `ca` replaces the certificate authorities of Node. */
  readonly tls?: { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
  readonly proxy?: ProxySettings
}

/** Below this a compressed body saves no packet. */
const COMPRESS_BYTES_MIN = 1_024

/** An answer is a few bytes, or an error text; the official collector reads as much. */
const ANSWER_BYTES_MAX = 65_536

/** A connection that has been idle for longer is usually closed by the other side or by something between. */
const IDLE_MS_MAX = 30_000

const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const

const COMPRESS = { gzip: promisify(zlib.gzip), zstd: promisify(zlib.zstdCompress) } as const

/**
 * One attempt to deliver a chunk by OTLP/HTTP. Never rejects; every message names the address without user, password and query.
 *
 * Uses `node:http` with its own keep-alive connections, so that nothing which watches `fetch` sees it, and runs with tracing suppressed for what
 * watches `node:http`. Its sockets do not keep the process alive: whoever needs the answer holds a timer.
 * Throws at once when the address, or that of the proxy, cannot be used.
 */
export function createPost(options: PostOptions): Send<Chunk> {
  const target = createTarget(options)

  async function post(chunk: Chunk, signal: AbortSignal): Promise<Outcome> {
    try {
      const { encoding, body } = await compress(chunk.bytes, options.compression)
      const headers = { ...target.headers, 'content-type': CONTENT_TYPES[chunk.encoding], ...encoding, 'content-length': body.length }
      const answer = await context.with(UNTRACED, exchange, undefined, target, { headers, body, signal })
      return toOutcome(answer, target.name, { nowMs: Date.now(), secrets: target.secrets })
    } catch (error) {
      return toFailure(signal.aborted ? signal.reason : error, target.name)
    }
  }

  return withTimeout(post, options.timeoutMs)
}

/** Not the context of whoever filled the batch. */
const UNTRACED = suppressTracing(ROOT_CONTEXT)

type Target = {
  /** The address as it may be shown. */
  readonly name: string
  readonly request: typeof http.request
  readonly options: http.RequestOptions
  readonly headers: Readonly<Record<string, string>>
  /** Texts that must not come back in a message. */
  readonly secrets: readonly string[]
}

//     http,  direct ─► http.request to the target       http,  proxy ─► request to the proxy, the whole URL as path
//     https, direct ─► https.request to the target      https, proxy ─► https.request through a CONNECT tunnel
function createTarget({ url: address, headers, tls, proxy: proxySettings = {} }: PostOptions): Target {
  const url = new URL(address)
  const proxy = findProxy(url, proxySettings)
  const agentOptions = { keepAlive: true, timeout: IDLE_MS_MAX, ...tls }
  const path = `${url.pathname}${url.search}`
  const direct = { method: 'POST', host: bareHost(url.hostname), port: url.port, path }
  const ours = { 'user-agent': 'tts-otel', ...authorize(url), ...lowerCaseKeys(headers) }
  const shown = { name: `${url.origin}${url.pathname}`, headers: ours, secrets: findSecrets(url, ours) }

  if (url.protocol === 'https:') {
    const agent = proxy ? createTunnelAgent(proxy, agentOptions) : new https.Agent(agentOptions)
    return { ...shown, request: https.request, options: { ...direct, agent } }
  }
  if (!proxy) return { ...shown, request: http.request, options: { ...direct, agent: new http.Agent(agentOptions) } }
  const [request, agent] =
    proxy.protocol === 'https:' ? [https.request, new https.Agent(agentOptions)] : [http.request, new http.Agent(agentOptions)]
  return {
    ...shown,
    request,
    options: { ...direct, ...proxyHost(proxy), agent, path: `${url.origin}${path}` },
    headers: { host: url.host, ...authorizeProxy(proxy), ...ours },
  }
}

function authorize({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {}
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
}

function lowerCaseKeys(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Whole header values, and the token behind `Bearer`: some servers repeat them in an error text. */
function findSecrets(url: URL, headers: Readonly<Record<string, string>>): readonly string[] {
  const { 'user-agent': _, ...secret } = headers
  const values = Object.values(secret).flatMap((value) => [value, value.split(' ').at(-1) ?? ''])
  return [...values, url.search, url.password, decodeURIComponent(url.password)].filter((text) => text.length > 3)
}

async function compress(bytes: Uint8Array, compression: PostOptions['compression']) {
  if (compression === 'none' || bytes.length < COMPRESS_BYTES_MIN) return { encoding: {}, body: bytes }
  return { encoding: { 'content-encoding': compression }, body: await COMPRESS[compression](bytes) }
}

type Message = { readonly headers: http.OutgoingHttpHeaders; readonly body: Uint8Array; readonly signal: AbortSignal }

function exchange(target: Target, message: Message): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const request = target.request({ ...target.options, headers: message.headers, signal: message.signal })
  // A request that is still without a socket (a tunnel being opened) would report its abort only when it has one.
  message.signal.addEventListener('abort', () => reject(message.signal.reason), { once: true })
  request.on('socket', (socket) => socket.unref())
  request.on('response', (response) => readAnswer(response).then(resolve, reject))
  request.on('error', (error) => {
    // The other side closed an idle connection at the moment we used it: no fault of this attempt.
    if (request.reusedSocket && codeOf(error) === 'ECONNRESET') exchange(target, message).then(resolve, reject)
    else reject(error)
  })
  request.end(message.body)
  return promise
}

async function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response) {
    parts.push(part)
    size += part.length
    if (size > ANSWER_BYTES_MAX) break // which also closes the connection
  }
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '',
    retryAfter: response.headers['retry-after'],
    body: Buffer.concat(parts).subarray(0, ANSWER_BYTES_MAX),
  }
}
