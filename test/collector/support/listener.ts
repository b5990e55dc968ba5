/** A server that alerts are posted to, with whatever can go wrong there. */
import { once } from 'node:events'
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Issued } from './authority.ts'

export type Received = {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** ms, by a clock that nobody sets. */
  readonly atMs: number
}

export type Listener = {
  /** `http://127.0.0.1:port` or `https://127.0.0.1:port`. */
  readonly url: string
  readonly port: number
  readonly received: Received[]
  /** Connections so far. */
  connections: number
  /** What the next requests meet. */
  answer: (response: ServerResponse, received: Received) => void
  /** Accepts nothing any more, as a machine that is gone. */
  close(): Promise<void>
}

/** On a free port of loopback unless one is named; with TLS where a certificate is given. */
export async function startListener({ port = 0, tls }: { readonly port?: number; readonly tls?: Issued } = {}): Promise<Listener> {
  const onRequest: RequestListener = async (request, response) => {
    const { method = '', url: path = '', headers } = request
    const received = { method, path, headers, body: await text(request).catch(() => ''), atMs: performance.now() }
    listener.received.push(received)
    listener.answer(response, received)
  }
  const server = tls === undefined ? http.createServer(onRequest) : https.createServer(tls, onRequest)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    listener.connections++
    sockets.add(socket.on('close', () => sockets.delete(socket)))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo
  const listener: Listener = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${bound}`,
    port: bound,
    received: [],
    connections: 0,
    answer: ok,
    async close() {
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
  return listener
}

/** 200 and nothing more. */
export function ok(response: ServerResponse): void {
  response.end()
}

/** A status, with headers and a body. */
export function status(code: number, headers: Readonly<Record<string, string>> = {}, body = ''): Listener['answer'] {
  return (response) => void response.writeHead(code, headers).end(body)
}
