import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** PEM texts. */
export type Pair = { readonly cert: string; readonly key: string }

/** PEM texts: the certificate of an authority made for the test, and what it has issued for the names. */
export type Issued = Pair & { readonly ca: string }

export type Authority = {
  /** PEM text of its own certificate. */
  readonly ca: string
  /** A certificate for DNS names and 127.0.0.1, of a server or a client. With days below 0 it has ended. */
  issue(names: readonly string[], days?: number): Pair
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** An authority of one's own; `openssl` makes everything. */
export function createAuthority(): Authority {
  const authority = inFolder((file) => {
    const files = ['-keyout', file('key.pem'), '-out', file('cert.pem')]
    openssl('req', '-x509', ...CURVE, '-days', '2', '-subj', '/CN=Authority of the test', ...files)
    return readPair(file)
  })
  return {
    ca: authority.cert,
    issue: (names, days = 2) =>
      inFolder((file) => {
        writeFileSync(file('ca.pem'), authority.cert)
        writeFileSync(file('ca-key.pem'), authority.key)
        writeFileSync(file('names'), `subjectAltName=${[...names.map((name) => `DNS:${name}`), 'IP:127.0.0.1'].join(',')}\n`)
        openssl('req', ...CURVE, '-subj', `/CN=${names[0]}`, '-keyout', file('key.pem'), '-out', file('request.pem'))
        const issuer = ['-CA', file('ca.pem'), '-CAkey', file('ca-key.pem'), '-CAcreateserial', '-days', String(days)]
        openssl('x509', '-req', '-in', file('request.pem'), ...issuer, '-extfile', file('names'), '-out', file('cert.pem'))
        return readPair(file)
      }),
  }
}

/** An authority of one's own, and a certificate of a server for DNS names and 127.0.0.1. */
export function issueCertificate(...names: readonly string[]): Issued {
  const authority = createAuthority()
  return { ca: authority.ca, ...authority.issue(names) }
}

type File = (name: string) => string

function inFolder<T>(work: (file: File) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-authority-'))
  try {
    return work((name) => join(folder, name))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}

function readPair(file: File): Pair {
  return { cert: readFileSync(file('cert.pem'), 'utf8'), key: readFileSync(file('key.pem'), 'utf8') }
}
