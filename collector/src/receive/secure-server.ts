import type { RequestListener, Server, ServerOptions } from 'node:http'
import https from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import { TLS_VERSION_MIN, type TlsTexts } from '../tls.ts'

export type SecureServer = {
  readonly server: Server
  /** Connections from now on get this certificate and are judged by these authorities; those that are open end with their next answer. */
  readonly renew: (tls: TlsTexts) => void
}

export type SecureServerOptions = ServerOptions & { readonly handshakeTimeout: number }

/** An HTTPS server. With authorities for clients, a client without a certificate of theirs gets no further than the handshake. */
export function createSecureServer(options: SecureServerOptions, listener: RequestListener, tls: TlsTexts): SecureServer {
  let current = new WeakSet<object>()
  const mutual = tls.clientCa !== undefined
  const server = https.createServer(
    { ...options, ...contextOf(tls), requestCert: mutual, rejectUnauthorized: mutual },
    (request, response) => {
      if (!current.has(request.socket)) response.setHeader('Connection', 'close')
      listener(request, response)
    },
  )
  server.on('secureConnection', (socket) => current.add(socket))
  // Node would hand a failed handshake to whoever answers broken HTTP, but there is no connection to answer on.
  server.removeAllListeners('tlsClientError')
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return {
    server,
    renew: (next) => {
      server.setSecureContext(contextOf(next))
      current = new WeakSet()
      server.closeIdleConnections()
    },
  }
}

/** Each context has ticket keys of its own: a session that an authority of before has vouched for is not resumed. */
function contextOf({ cert, key, clientCa }: TlsTexts): SecureContextOptions {
  return { cert, key, minVersion: TLS_VERSION_MIN, ...(clientCa !== undefined && { ca: clientCa }) }
}
