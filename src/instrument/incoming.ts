import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Attributes } from '@opentelemetry/api'
import { SERVER_ADDRESS, SERVER_PORT } from '../tts/semconv.ts'
import {
  CLIENT_ADDRESS,
  HTTP_REQUEST_METHOD,
  HTTP_REQUEST_METHOD_ORIGINAL,
  knownMethod,
  NETWORK_PROTOCOL_VERSION,
  URL_PATH,
  URL_SCHEME,
  USER_AGENT_ORIGINAL,
} from './http-semconv.ts'

/** Where a `Host` header points. */
type Host = { readonly address: string; readonly port: number | undefined }

/** A caller chooses its Host header: no more than this many are remembered. */
const HOSTS_MAX = 256
const HOST = /^(\[[\da-f:.]+\]|[^:/@\s]+)(?::(\d{1,5}))?$/i
/** An id that goes into logs, headers and queries as it is. */
const REQUEST_ID = /^[\w.:+/=@-]{1,128}$/
const ADDRESS = /^[\da-f.:]{2,45}$/i
const MAPPED = /^::ffff:(?=\d+\.)/i

/** Probes come every few seconds from every balancer: their spans and logs would cost more than they tell. */
export const PROBE_PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz', '/health'])

/** Path of the request without its query, which may hold secrets or the text to speak. */
export function pathOf(request: Pick<IncomingMessage, 'url'>): string {
  const url = request.url ?? '/'
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  return path.charCodeAt(0) === SLASH || path === '*' ? path : pathOfAbsolute(path)
}
const SLASH = 47

/** `GET http://user:secret@host/path`, as sent to proxies. */
function pathOfAbsolute(url: string): string {
  return URL.parse(url)?.pathname ?? '/'
}

/** The caller's `X-Request-Id` when it is well formed: 1 to 128 characters that are safe in logs, headers and queries. */
export function requestIdOf(headers: IncomingHttpHeaders): string | undefined {
  const id = headers['x-request-id']
  return typeof id === 'string' && REQUEST_ID.test(id) ? id : undefined
}

/** `https` behind TLS or behind a proxy that says so. */
export function schemeOf(request: IncomingMessage): 'http' | 'https' {
  if ('encrypted' in request.socket && request.socket.encrypted) return 'https'
  return request.headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
}

/** Reads what the server span is started with; remembers parsed hosts. */
export function createIncomingReader(): (request: IncomingMessage, path: string, scheme: string) => Attributes {
  const hosts = new Map<string, Host | undefined>()

  function parseHost(text: string): Host | undefined {
    const match = HOST.exec(text)
    const host = match ? { address: match[1]!, port: match[2] === undefined ? undefined : Number(match[2]) } : undefined
    if (hosts.size >= HOSTS_MAX) hosts.clear()
    hosts.set(text, host)
    return host
  }

  return function readIncoming(request, path, scheme) {
    const { headers } = request
    const method = knownMethod(request.method)
    const attributes: Attributes = {
      [HTTP_REQUEST_METHOD]: method,
      [URL_PATH]: path,
      [URL_SCHEME]: scheme,
      [NETWORK_PROTOCOL_VERSION]: request.httpVersion,
    }
    if (method !== request.method && request.method !== undefined) attributes[HTTP_REQUEST_METHOD_ORIGINAL] = request.method
    const host = headers.host === undefined ? undefined : (hosts.get(headers.host) ?? parseHost(headers.host))
    if (host) attributes[SERVER_ADDRESS] = host.address
    if (host?.port !== undefined) attributes[SERVER_PORT] = host.port
    const client = clientOf(request)
    if (client !== undefined) attributes[CLIENT_ADDRESS] = client
    if (headers['user-agent'] !== undefined) attributes[USER_AGENT_ORIGINAL] = headers['user-agent']
    return attributes
  }
}

/** The client as the outermost proxy saw it, else the peer. https://opentelemetry.io/docs/specs/semconv/registry/attributes/client/ */
function clientOf(request: IncomingMessage): string | undefined {
  const forwarded = request.headers['x-forwarded-for']
  if (typeof forwarded !== 'string') return peerOf(request)
  const comma = forwarded.indexOf(',')
  const first = (comma < 0 ? forwarded : forwarded.slice(0, comma)).trim()
  return ADDRESS.test(first) ? first : peerOf(request)
}

/** A server that listens on `::`, as by default, gets IPv4 clients in IPv6 clothes: `::ffff:203.0.113.9`. */
function peerOf({ socket }: IncomingMessage): string | undefined {
  return socket.remoteAddress?.replace(MAPPED, '')
}
