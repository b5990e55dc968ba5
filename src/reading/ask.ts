import http from 'node:http'
import https from 'node:https'
import { authorizeProxy, createTunnelAgent, findProxy, type ProxySettings, proxyHost } from '../wire/proxy.ts'

export type AskOptions = {
  /** Without path: the collector. */
  readonly url: string
  readonly proxy: ProxySettings
  readonly tls: { readonly ca: string | undefined; readonly key: string | undefined; readonly cert: string | undefined }
  /** For `Authorization: Bearer …`. */
  readonly token: string | undefined
}

export type Reply = { readonly status: number; readonly body: unknown }

/** A thousand log records, or ten thousand spans, with all that may stand in them. */
const BODY_BYTES_MAX = 64 << 20

/**
 * `GET url + path` with an answer in JSON, by `node:http`, so that an instrumented fetch sees nothing of it. The body is undefined when it
 * is none. Rejects when there is no answer before `signal`, or one that is longer than 64 MiB.
 */
export async function ask({ url: base, proxy, tls, token }: AskOptions, path: string, signal: AbortSignal): Promise<Reply> {
  const url = new URL(`${base.replace(/\/+$/, '')}${path}`)
  const hop = findProxy(url, proxy)
  const isHttps = url.protocol === 'https:'
  const agentOptions = { ...(tls.ca && { ca: tls.ca }), ...(tls.key && { key: tls.key }), ...(tls.cert && { cert: tls.cert }) }
  const target = { ...proxyHost(hop && !isHttps ? hop : url), path: hop && !isHttps ? url.href : `${url.pathname}${url.search}` }
  const agent = isHttps ? (hop ? createTunnelAgent(hop, agentOptions) : new https.Agent(agentOptions)) : new http.Agent()
  const headers = {
    host: url.host,
    ...(hop && !isHttps ? authorizeProxy(hop) : {}),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const request = (isHttps ? https : http).get({ ...target, agent, headers, signal })
  request.on('response', (response) => readReply(response).then(resolve, reject))
  request.on('error', reject)
  return await promise.finally(() => agent.destroy())
}

async function readReply(response: http.IncomingMessage): Promise<Reply> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of response) {
    parts.push(part)
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) throw new Error(`the answer is longer than ${BODY_BYTES_MAX} bytes`) // which closes the connection
  }
  return { status: response.statusCode ?? 0, body: parse(Buffer.concat(parts).toString()) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
