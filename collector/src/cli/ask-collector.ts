import { type CollectorConfig, processCollectorConfig } from '../config.ts'

export type Question = {
  /** Of the collector; without one where the variables say that it listens. */
  readonly url: string | true | undefined
  readonly method?: 'POST'
}

const ANSWER_MS_MAX = 10_000

/** Asks a collector that runs, with the token for reading of these variables. Rejects with a message for people unless the answer is good. */
export async function askCollector(path: string, { url, method }: Question): Promise<unknown> {
  const { config } = processCollectorConfig()
  const target = new URL(path, typeof url === 'string' ? url : urlOf(config))
  const [token] = config.access.read.tokens
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const limits = { signal: AbortSignal.timeout(ANSWER_MS_MAX), redirect: 'error' } as const
  const response = await fetch(target, { ...(method && { method }), headers, ...limits }).catch((error: unknown) => {
    throw new Error(`the collector at ${target.origin} does not answer: ${explain(error, target)}`)
  })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body
  const message = typeof body === 'object' && body !== null && 'message' in body ? body.message : `status ${response.status}`
  throw new Error(`${target.origin} answers: ${message}`)
}

/** By the code of Node. Who wants a client certificate and gets none closes the connection, and fetch says no more of it. */
const ADVICE: readonly (readonly [code: RegExp, advice: string])[] = [
  [
    /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    '; for an authority of your own set NODE_EXTRA_CA_CERTS to the file of its certificate',
  ],
  [
    /^(UND_ERR_SOCKET|ECONNRESET|EPIPE|ERR_SSL_.*ALERT.*)$/,
    '; if it wants client certificates (COLLECTOR_TLS_CLIENT_CA), this command has none to show: ask with curl --cert FILE --key FILE --cacert FILE',
  ],
]

function explain(error: unknown, { protocol }: URL): string {
  const cause = error instanceof Error ? (error.cause ?? error.message) : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const advice = protocol === 'https:' ? ADVICE.find(([pattern]) => pattern.test(code))?.[1] : undefined
  return `${cause}${advice ?? ''}`
}

/** Of a collector on this machine, with the same variables. */
function urlOf({ listen, tls }: CollectorConfig): string {
  const host = listen.host.replace(/^0\.0\.0\.0$/, '127.0.0.1').replace(/^::$/, '::1')
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`
}
