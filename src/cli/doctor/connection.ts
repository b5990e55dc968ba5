import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { proxyHost as hostOf, openTunnel } from '../../wire/proxy.ts'
import type { Deadline } from './deadline.ts'
import type { Endpoint } from './endpoints.ts'
import { type Finding, ok, problem, warning } from './findings.ts'

/** Renewals are automatic some weeks before the end; this late something has gone wrong. */
const EXPIRY_DAYS_MIN = 14
const DAY_MS = 86_400_000
/** The customary gRPC port. https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-default-port */
const GRPC_PORT = 4317

/** Walks the way to a server step by step and ends at the first that fails; with a proxy the first steps lead to that. */
export async function checkConnection(endpoint: Endpoint, deadline: Deadline): Promise<readonly Finding[]> {
  const hop = endpoint.proxy ?? endpoint.url
  const findings: Finding[] = []
  if (hostOf(endpoint.url).port === GRPC_PORT) findings.push(warning('grpc-port', `${endpoint.origin} has the port of gRPC`))
  for (const step of [checkName, checkPort, ...(endpoint.url.protocol === 'https:' ? [checkTls] : [])]) {
    findings.push(...(await step({ endpoint, hop, deadline })))
    if (findings.some(({ status }) => status === 'problem')) break
  }
  return findings
}

type Step = { readonly endpoint: Endpoint; readonly hop: URL; readonly deadline: Deadline }

async function checkName({ hop, deadline }: Step): Promise<readonly Finding[]> {
  const { host } = hostOf(hop)
  if (isIP(host) > 0) return []
  try {
    const addresses = await deadline.within('the look-up', lookup(host, { all: true }))
    return [ok('dns', `${host} is ${addresses.map(({ address }) => address).join(', ')}`)]
  } catch (error) {
    return [problem('dns', `${host} is not found: ${messageOf(error)}`)]
  }
}

async function checkPort({ endpoint: { proxy }, hop, deadline }: Step): Promise<readonly Finding[]> {
  const { host, port } = hostOf(hop)
  const name = `${proxy ? 'the proxy ' : ''}${hop.hostname}:${port}`
  const startMs = performance.now()
  const socket = connect({ host, port })
  try {
    await deadline.within('connecting', once(socket, 'connect'))
    return [ok('tcp', `${name} is reached in ${msSince(startMs)} ms`)]
  } catch (error) {
    return [problem('tcp', `${name} is not reached: ${messageOf(error)}`)]
  } finally {
    socket.destroy()
  }
}

async function checkTls({ endpoint, deadline }: Step): Promise<readonly Finding[]> {
  const { url, proxy } = endpoint
  const { host, port } = hostOf(url)
  const findings: Finding[] = []
  let tunnel: Socket | undefined
  if (proxy !== undefined) {
    try {
      tunnel = await deadline.within('the proxy', openTunnel(proxy, `${url.hostname}:${port}`))
      findings.push(ok('proxy', `the proxy ${proxy.host} opens a way to ${url.host}`))
    } catch (error) {
      return [problem('proxy', messageOf(error))]
    }
  }
  const { ca, cert, key } = endpoint.tls
  const socket = connectTls({
    ...(tunnel ? { socket: tunnel } : { host, port }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    host,
    // To see which certificate it is; the delivery itself never skips the check.
    rejectUnauthorized: false,
  })
  try {
    await deadline.within('TLS', once(socket, 'secureConnect'))
    return [...findings, ok('tls', `${url.host} speaks ${socket.getProtocol()}`), ...judgeCertificate(socket, url.host)]
  } catch (error) {
    return [...findings, problem('tls', `no TLS with ${url.host}: ${explain(error)}`)]
  } finally {
    socket.destroy()
    tunnel?.destroy()
  }
}

function judgeCertificate(socket: TLSSocket, host: string): readonly Finding[] {
  const { subject, issuer, valid_to } = socket.getPeerCertificate()
  const by = `of ${nameOf(subject)}, by ${nameOf(issuer)}`
  if (!socket.authorized)
    return [problem('tls-trust', `the certificate of ${host} (${by}) is refused: ${messageOf(socket.authorizationError)}`)]
  const days = Math.floor((Date.parse(valid_to) - Date.now()) / DAY_MS)
  const until = `the certificate ends ${new Date(valid_to).toISOString().slice(0, 10)}, in ${days} ${days === 1 ? 'day' : 'days'}`
  return [
    ok('tls-trust', `the certificate ${by}, is trusted`),
    days < EXPIRY_DAYS_MIN ? warning('tls-expiry', until) : ok('tls-expiry', until),
  ]
}

function nameOf(subject: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined): string {
  return String(subject?.CN ?? subject?.O ?? 'nobody')
}

/** OpenSSL's words for the two usual mistakes say nothing to most people. */
function explain(error: unknown): string {
  const message = messageOf(error)
  if (/wrong version number|packet length too long|http request/i.test(message)) return 'it answers without TLS (plain HTTP?)'
  if (/ECONNRESET|socket hang up|disconnected before/i.test(message)) return `it closed the connection (${message})`
  return message
}

/** A sentence for any error; several addresses that all fail come as one without a message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(messageOf))].join(', ')
  return error instanceof Error ? error.message : String(error)
}

function msSince(startMs: number): number {
  return Math.round(performance.now() - startMs)
}
