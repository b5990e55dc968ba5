import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { isDoneWithin } from '../done-within.ts'
import type { ConnectionRefusal, RefusalStats } from '../refusal-stats.ts'
import type { Seldom } from '../seldom.ts'
import type { TlsTexts } from '../tls.ts'
import { encodeStatus } from './answer.ts'
import { limitConnections } from './connections.ts'
import type { ReceiveLimits } from './limits.ts'
import { createSecureServer } from './secure-server.ts'

/** How often Node looks for connections that broke a time limit; its default of 30 s would make all of them 30 s longer. */
const CHECK_INTERVAL_MS = 1_000

/** Largest header block. 16 KiB: Node's default, and twice what other servers take. */
const HEADER_BYTES_MAX = 16 * 1_024

/** Time to read why a connection ends. */
const LINGER_MS_MAX = 2_000

export type LimitedServer = {
  readonly server: Server
  /** Takes another certificate for connections from now on; only where there is one. */
  readonly renewTls: (tls: TlsTexts) => void
}

export type LimitedServerOptions = {
  readonly limits: ReceiveLimits
  readonly refusals: RefusalStats
  /** undefined: plain HTTP. */
  readonly tls: TlsTexts | undefined
  /** Is told why handshakes fail. */
  readonly tell: Seldom
}

/** Opens no port yet. Each limit on headers, time and connections is set here, the ones on bodies where they are read. */
export function createLimitedServer(listener: RequestListener, { limits, refusals, tls, tell }: LimitedServerOptions): LimitedServer {
  const options = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: limits.headersMs,
    handshakeTimeout: limits.headersMs,
    // Bodies have their own, earlier timer with an answer; this one cuts the connections that outlive it.
    requestTimeout: limits.headersMs + 2 * limits.bodyMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersMs),
    keepAliveTimeout: limits.idleMs,
  }
  const { server, renew } =
    tls === undefined ? { server: createServer(options, listener), renew: () => {} } : createSecureServer(options, listener, tls)
  limitConnections(server, limits, refusals)
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // A client certificate that is not trusted ends as if the client had gone; the socket knows better.
    const untrusted = socket.authorizationError
    // A balancer that only looks whether the port is open.
    if (error.code === 'ECONNRESET' && !untrusted) return
    refusals.addConnection('tls')
    const who = socket.remoteAddress === undefined ? '' : ` with ${socket.remoteAddress}`
    tell('tls', `A TLS handshake${who} failed: ${untrusted ? `its client certificate is refused (${untrusted})` : reasonOf(error)}.`)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerBrokenHttp(error, socket, refusals))
  return { server, renewTls: renew }
}

/** Listens, or rejects with a message that says what to do about it. Port 0 takes a free one. */
export function listenOn(server: Server, host: string, port: number): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(toListenError(error, host, port))
    server.once('error', onError)
    server.listen({ host, port }, () => {
      server.off('error', onError)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : { host, port })
    })
  })
}

/** Cuts a connection that does not take its answer, which waits in memory. */
export function limitAnswer(response: ServerResponse, { answerMs }: ReceiveLimits, refusals: RefusalStats): void {
  if (response.closed || response.writableFinished) return
  const timer = setTimeout(() => {
    refusals.addConnection('answer_not_taken')
    response.destroy()
  }, answerMs)
  timer.unref()
  response.once('close', () => clearTimeout(timer))
}

/** Takes no more connections, waits until all of `inHand` are answered or `timeoutMs` is over, and cuts what is left. True when all were answered. */
export async function closeServer(server: Server, inHand: ReadonlySet<ServerResponse>, timeoutMs: number): Promise<boolean> {
  server.close()
  const answers = [...inHand].map((response) => new Promise<void>((resolve) => response.once('close', resolve)))
  const clean = await isDoneWithin(Promise.all(answers), timeoutMs)
  server.closeAllConnections() // kept alive, or opened and silent: nothing is lost with them
  return clean
}

/** OpenSSL names a thread, a function, a file and a line around its reason. */
function reasonOf(error: Error & { readonly reason?: string }): string {
  return error.reason ?? error.message
}

/** What is no HTTP at all, or took too long to say it; there is no request object to answer. */
function answerBrokenHttp(error: NodeJS.ErrnoException, socket: Duplex, refusals: RefusalStats): void {
  // A sender that has gone, or has its answer already.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { reason, status, message } = BROKEN[error.code ?? ''] ?? badHttp(error)
  refusals.addConnection(reason)
  const body = encodeStatus('json', 3, message).toString()
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  // Cut at once, with bytes of the sender still unread, it could not read the answer; never cut, it could keep the connection.
  const lingering = setTimeout(() => socket.destroy(), LINGER_MS_MAX).unref()
  socket.once('close', () => clearTimeout(lingering))
  socket.resume()
}

type Broken = { readonly reason: ConnectionRefusal; readonly status: string; readonly message: string }

const BROKEN: { readonly [code: string]: Broken } = {
  HPE_HEADER_OVERFLOW: {
    reason: 'headers_too_large',
    status: '431 Request Header Fields Too Large',
    message: `The headers are larger than ${HEADER_BYTES_MAX} bytes. Send fewer or shorter ones.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    reason: 'too_slow',
    status: '408 Request Timeout',
    message: 'The request did not arrive in time. Try again.',
  },
}

function badHttp(error: Error): Broken {
  return { reason: 'bad_http', status: '400 Bad Request', message: `This is not HTTP/1.1: ${error.message}.` }
}

function toListenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const reason =
    error.code === 'EADDRINUSE'
      ? `port ${port} is taken by another process. Stop that one (perhaps another collector), or choose another port, for example COLLECTOR_LISTEN=${host}:${port + 1}`
      : error.code === 'EACCES'
        ? `port ${port} needs more rights. Choose one above 1023, for example COLLECTOR_LISTEN=${host}:4318`
        : error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND'
          ? 'this machine has no such address. Set COLLECTOR_LISTEN to one that it has, for example COLLECTOR_LISTEN=127.0.0.1:4318'
          : `${error.message}. Set COLLECTOR_LISTEN to an address and port of this machine`
  return new Error(`The collector cannot listen on ${where}: ${reason}.`, { cause: error })
}
