/**
 * A failure of TLS in short, and which variables to look at: `wrong version number; it answers without TLS: write http:// in …`.
 * Undefined for an error that has nothing to do with it.
 */
export function explainTls(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error ? String(error.code) : ''
  if (UNTRUSTED.includes(code))
    return `${error.message}; for an authority of your own set OTEL_EXPORTER_OTLP_CERTIFICATE to its certificate`
  // OpenSSL names a thread, a function, a file and a line around its reason.
  const reason = /:[\w ]+ routines:[^:]*:([^:]+)/.exec(error.message)?.[1]
  if (reason === undefined) return undefined
  return `${reason}${ADVICE[reason] ?? (code.startsWith('ERR_OSSL_') ? UNUSABLE : '')}`
}

const UNTRUSTED = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]

/** Nothing was sent: OpenSSL cannot use what it was given. */
const UNUSABLE =
  '; see that OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY name a certificate and its key, without a passphrase'

const NO_CLIENT_CERTIFICATE =
  '; the collector wants a client certificate: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY'

/** By OpenSSL's reason. */
const ADVICE: Readonly<Record<string, string>> = {
  'tlsv13 alert certificate required': NO_CLIENT_CERTIFICATE,
  // What TLS 1.2 says instead.
  'ssl/tls alert handshake failure': NO_CLIENT_CERTIFICATE,
  'wrong version number': '; it answers without TLS: write http:// instead of https://',
}
