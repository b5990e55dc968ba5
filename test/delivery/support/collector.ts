import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import zlib from 'node:zlib'

export type Received = {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  /** Decompressed. */
  readonly body: Buffer
  /** The names of the items inside, see `itemName`. */
  readonly names: readonly string[]
  readonly atMs: number
}

export type Reply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Uint8Array }
  | 'hang'
  | 'reset'
  | 'reset mid-body'

export type Collector = {
  readonly url: string
  readonly port: number
  readonly received: readonly Received[]
  /** Names out of the requests that were answered with 200. */
  readonly stored: readonly string[]
  readonly connections: () => number
  /** Refuses connections, keeps the port's number. */
  readonly stop: () => Promise<void>
}

export const OK: Reply = { status: 200, headers: { 'content-type': 'application/x-protobuf' } }

/** A name that can be found again in the bytes of any encoding. */
export const itemName = (index: number) => `item-${index};`

export type CollectorOptions = {
  readonly answer?: (request: Received, count: number) => Reply
  readonly delayMs?: number
  readonly port?: number
  readonly tls?: https.ServerOptions
}

/** A receiver on a real socket: keeps what arrives and answers as the test says. */
export async function startCollector({ answer = () => OK, delayMs = 0, port = 0, tls }: CollectorOptions = {}): Promise<Collector> {
  const received: Received[] = []
  const stored: string[] = []
  let connections = 0

  async function handle(request: IncomingMessage, response: ServerResponse) {
    const item = await readRequest(request)
    received.push(item)
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
    const reply = answer(item, received.length)
    if (typeof reply === 'object' && reply.status === 200) stored.push(...item.names)
    send(response, reply)
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => void handle(request, response).catch(() => response.destroy())
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener)
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    port: address.port,
    received,
    stored,
    connections: () => connections,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function readRequest(request: IncomingMessage): Promise<Received> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  const body = decompress(Buffer.concat(parts), request.headers['content-encoding'])
  const names = [...body.toString('latin1').matchAll(/item-\d+;/g)].map(([name]) => name)
  return { path: request.url ?? '', headers: request.headers, body, names, atMs: performance.now() }
}

/** The body as it was before `content-encoding`. */
export function decompress(bytes: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'gzip') return zlib.gunzipSync(bytes)
  return encoding === 'zstd' ? zlib.zstdDecompressSync(bytes) : bytes
}

/** Answers as `reply` says. */
export function send(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return
  if (reply === 'reset') return void response.socket?.resetAndDestroy()
  if (reply === 'reset mid-body') {
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 1_000 })
    response.write('half an answer', () => response.socket?.resetAndDestroy())
    return
  }
  response.writeHead(reply.status, reply.headers)
  response.end(reply.body)
}
