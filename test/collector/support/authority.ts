import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** PEM texts: the certificate of an authority made for the test, and what it has issued for the names. */
export type Issued = { readonly ca: string; readonly cert: string; readonly key: string }

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** An authority of one's own, and a certificate of a server for DNS names and 127.0.0.1. */
export function issueCertificate(...names: readonly string[]): Issued {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-authority-'))
  const file = (name: string) => join(folder, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  try {
    openssl(
      'req',
      '-x509',
      ...CURVE,
      '-days',
      '2',
      '-subj',
      '/CN=Authority of the test',
      '-keyout',
      file('ca-key.pem'),
      '-out',
      file('ca.pem'),
    )
    openssl('req', ...CURVE, '-subj', `/CN=${names[0]}`, '-keyout', file('key.pem'), '-out', file('request.pem'))
    writeFileSync(file('names'), `subjectAltName=${[...names.map((name) => `DNS:${name}`), 'IP:127.0.0.1'].join(',')}\n`)
    const issuer = ['-CA', file('ca.pem'), '-CAkey', file('ca-key.pem'), '-CAcreateserial']
    openssl('x509', '-req', '-in', file('request.pem'), ...issuer, '-days', '2', '-extfile', file('names'), '-out', file('cert.pem'))
    const read = (name: string) => readFileSync(file(name), 'utf8')
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
