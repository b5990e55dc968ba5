import http from 'node:http'
import https from 'node:https'
import { isIP, isIPv6, Socket } from 'node:net'
import tls from 'node:tls'

/** The values of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. */
export type ProxySettings = { readonly https?: string | undefined; readonly http?: string | undefined; readonly no?: string | undefined }

/** Time to reach the target through the proxy; the attempt as a whole has its own limit. */
const CONNECT_TIMEOUT_MS = 10_000

/**
 * The proxy for `target`, or undefined for a direct connection. A target on this machine never goes through a proxy, as in Go and so in the
 * official collector. Throws when the proxy's address is none, or of a kind other than http and https.
 */
export function findProxy(target: URL, settings: ProxySettings): URL | undefined {
  const address = target.protocol === 'https:' ? settings.https : settings.http
  if (!address || isLoopback(target.hostname) || isExcluded(target, settings.no ?? '')) return undefined
  const proxy = URL.parse(address.includes('://') ? address : `http://${address}`)
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy
  throw new Error(`the proxy address for ${target.protocol.slice(0, -1)} is not an http:// or https:// URL`)
}

/** The `Proxy-Authorization` that the user and password of the proxy's address ask for. */
export function authorizeProxy(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === '') return {}
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
}

/** An agent whose connections go through the proxy's `CONNECT`, with TLS to the target inside. */
export function createTunnelAgent(proxy: URL, options: https.AgentOptions): https.Agent {
  const agent = new https.Agent(options)
  agent.createConnection = ({ host, port }, callback) => {
    const name = host ?? ''
    openTunnel(proxy, `${isIPv6(name) ? `[${name}]` : name}:${port}`).then(
      (socket) =>
        callback?.(null, tls.connect({ ...tlsOptions(options), ...(isIP(name) === 0 && { servername: name }), host: name, socket })),
      (error) => callback?.(error, new Socket()), // the type wants a stream; nobody looks at it
    )
    return undefined
  }
  return agent
}

function tlsOptions({ ca, cert, key }: https.AgentOptions): tls.ConnectionOptions {
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), ALPNProtocols: ['http/1.1'] }
}

/** A connection through the proxy to `authority` (`host:port`), without TLS yet. It does not keep the process alive. */
export function openTunnel(proxy: URL, authority: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const request = (proxy.protocol === 'https:' ? https : http).request({
    ...proxyHost(proxy),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...authorizeProxy(proxy) },
    timeout: CONNECT_TIMEOUT_MS,
    agent: false,
  })
  request.on('socket', (socket) => socket.unref())
  request.on('connect', (response, socket) => {
    socket.setTimeout(0)
    if (response.statusCode === 200) return resolve(socket)
    socket.destroy()
    reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode} to CONNECT`))
  })
  request.on('timeout', () => request.destroy(new Error(`the proxy ${proxy.host} did not open a tunnel within ${CONNECT_TIMEOUT_MS} ms`)))
  request.on('error', reject)
  request.end()
  return promise
}

/** Where the proxy (or any server of such an address) listens, as `http.request` wants it. */
export function proxyHost(proxy: URL): { readonly host: string; readonly port: number } {
  return { host: bareHost(proxy.hostname), port: Number(proxy.port || (proxy.protocol === 'https:' ? 443 : 80)) }
}

/** `hostname` of a URL without the brackets of an IPv6 address, as sockets want it. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function isLoopback(hostname: string): boolean {
  const host = bareHost(hostname)
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** `NO_PROXY` as curl reads it: names cover their subdomains, a leading dot or `*.` changes nothing, `:port` narrows, `*` is everything. */
function isExcluded(target: URL, noProxy: string): boolean {
  const host = bareHost(target.hostname)
  const port = target.port || (target.protocol === 'https:' ? '443' : '80')
  return noProxy.split(/[\s,]+/).some((entry) => {
    const [, name = '', entryPort] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase().replace(/^\[(.*)\]/, '$1')) ?? []
    if (entry === '*') return true
    if (name === '' || (entryPort !== undefined && entryPort !== port)) return false
    return host === name || host.endsWith(`.${name}`)
  })
}
