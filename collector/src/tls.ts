import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { FollowedFiles } from './follow-files.ts'

/** PEM texts of a server with TLS. With `clientCa` it talks only to clients with a certificate of one of these authorities. */
export type TlsTexts = { readonly cert: string; readonly key: string; readonly clientCa: string | undefined }

/** The texts, and the files that they came from, in the same order. */
export type TlsConfig = TlsTexts & { readonly paths: readonly string[] }

export type Tls = {
  /** The certificate and its key, for {@link followFiles}. */
  readonly files: readonly FollowedFiles[]
  /** When the certificate ends, in the Prometheus text format. */
  readonly prometheus: () => string
}

export type TlsOptions = {
  /** Gets texts that can be used. */
  readonly renew: (texts: TlsTexts) => void
  /** ms since 1970. */
  readonly now: () => number
}

/** TLS 1.2 and 1.3: what every client of the last ten years speaks, and the older ones are broken (RFC 8996). */
export const TLS_VERSION_MIN = 'TLSv1.2'

/** What is wrong with these texts, one sentence each: no PEM, a key that does not belong to the certificate, a time that is over. */
export function judgeTls({ cert, key, clientCa }: TlsTexts, nowMs: number): string[] {
  const leaf = readCertificate(cert)
  const privateKey = readKey(key)
  const problems = [
    leaf === undefined ? `COLLECTOR_TLS_CERT ${NO_CERTIFICATE}` : judgeTime('COLLECTOR_TLS_CERT', [leaf], nowMs),
    typeof privateKey === 'string' ? privateKey : leaf && judgePair(leaf, privateKey),
    clientCa === undefined ? undefined : judgeAuthorities(clientCa, nowMs),
  ].filter((problem) => problem !== undefined)
  return problems.length > 0 ? problems : judgeContext({ cert, key, clientCa })
}

/** Follows the files of a certificate. What cannot be used is told and changes nothing. */
export function createTls(config: TlsConfig, { renew, now }: TlsOptions): Tls {
  let current: TlsTexts = config

  function apply([cert = '', key = '', clientCa]: readonly string[]): string | undefined {
    const next = { cert, key, clientCa }
    const [problem] = judgeTls(next, now())
    if (problem !== undefined) throw new Error(problem)
    if (cert === current.cert && key === current.key && clientCa === current.clientCa) return undefined
    renew(next)
    current = next
    return `new connections get the certificate that ends ${new Date(endMs(cert)).toISOString()}`
  }

  return {
    files: [{ name: 'COLLECTOR_TLS', paths: config.paths, apply }],
    prometheus: () =>
      [
        '# HELP tts_otel_collector_tls_certificate_end_seconds When the certificate of the collector ends, in seconds since 1970.',
        '# TYPE tts_otel_collector_tls_certificate_end_seconds gauge',
        `tts_otel_collector_tls_certificate_end_seconds ${endMs(current.cert) / 1_000}`,
        '',
      ].join('\n'),
  }
}

const NO_CERTIFICATE = 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)'

/** The first of a text; that is the one of the server, those of authorities between come after it. */
function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** A sentence when there is no key. Nothing of the text is repeated. */
function readKey(pem: string): KeyObject | string {
  try {
    return createPrivateKey(pem)
  } catch {
    return pem.includes('ENCRYPTED')
      ? 'COLLECTOR_TLS_KEY is encrypted with a passphrase; write it without one (openssl pkey -in key.pem -out plain.pem) and protect the file instead'
      : 'COLLECTOR_TLS_KEY holds no private key in PEM (-----BEGIN PRIVATE KEY-----)'
  }
}

function judgePair(leaf: X509Certificate, key: KeyObject): string | undefined {
  if (leaf.checkPrivateKey(key)) return undefined
  return `COLLECTOR_TLS_KEY does not belong to the first certificate of COLLECTOR_TLS_CERT (${subjectOf(leaf)}); that must be the collector's own, those of authorities come after it`
}

function judgeAuthorities(pem: string, nowMs: number): string | undefined {
  const texts = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const authorities = texts.map(readCertificate)
  const valid = authorities.filter((authority) => authority !== undefined)
  if (valid.length === 0 || valid.length < authorities.length) return `COLLECTOR_TLS_CLIENT_CA ${NO_CERTIFICATE}`
  return judgeTime('COLLECTOR_TLS_CLIENT_CA', valid, nowMs)
}

/** Something is wrong when none of them holds today. */
function judgeTime(name: string, certificates: readonly X509Certificate[], nowMs: number): string | undefined {
  if (certificates.some(({ validFromDate, validToDate }) => validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime()))
    return undefined
  const [first] = certificates
  const [from, to] = [first!.validFromDate, first!.validToDate]
  return to.getTime() <= nowMs
    ? `${name} (${subjectOf(first!)}) has ended at ${to.toISOString()}; renew it`
    : `${name} (${subjectOf(first!)}) begins only at ${from.toISOString()}; see that the clock of this machine is right`
}

/** What only OpenSSL can say, such as that a key is too small. */
function judgeContext({ cert, key, clientCa }: TlsTexts): string[] {
  try {
    createSecureContext({ cert, key, minVersion: TLS_VERSION_MIN, ...(clientCa !== undefined && { ca: clientCa }) })
    return []
  } catch (error) {
    return [`COLLECTOR_TLS_CERT and COLLECTOR_TLS_KEY cannot be used: ${error instanceof Error ? error.message : error}`]
  }
}

function subjectOf({ subject }: X509Certificate): string {
  return subject?.replaceAll('\n', ', ') ?? 'without a name'
}

function endMs(cert: string): number {
  return readCertificate(cert)?.validToDate.getTime() ?? 0
}
