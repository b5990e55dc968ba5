import type { Outcome } from '../wire/outcome.ts'

/** What an attempt without an answer came to: worth another try, unless our own request is what cannot be sent. `name` is the address as it may be shown. */
export function toFailure(cause: unknown, name: string): Outcome {
  const code = codeOf(cause)
  const said = cause instanceof Error && cause.message !== '' ? withoutTrace(cause.message) : String(code ?? cause)
  const error = new Error(`${name}: ${said}${adviseOn(code ?? '', said)}`, { cause })
  return code?.startsWith('ERR_INVALID_') ? { kind: 'drop', reason: 'refused', error } : { kind: 'retry', error }
}

/** The code of an error of Node's, such as ECONNREFUSED. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** OpenSSL names a thread, a function, a file and a line around its reason. */
function withoutTrace(message: string): string {
  return /:[\w ]+ routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message
}

function adviseOn(code: string, reason: string): string {
  return ADVICE[code] ?? TLS_ADVICE[reason] ?? (code.startsWith('ERR_OSSL_') ? UNUSABLE : '')
}

/** Nothing was sent: OpenSSL cannot use what it was given. */
const UNUSABLE =
  '; see that OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY name a certificate and its key, without a passphrase'

const UNTRUSTED = '; if the collector has a certificate of your own authority, set OTEL_EXPORTER_OTLP_CERTIFICATE'

const UNKNOWN_NAME = '; check the name in OTEL_EXPORTER_OTLP_ENDPOINT'

const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: '; no collector is listening there',
  ENOTFOUND: UNKNOWN_NAME,
  EAI_AGAIN: UNKNOWN_NAME,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
}

const NO_CLIENT_CERTIFICATE =
  '; the collector wants a client certificate: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY'

/** By OpenSSL's reason. */
const TLS_ADVICE: Readonly<Record<string, string>> = {
  'tlsv13 alert certificate required': NO_CLIENT_CERTIFICATE,
  // What TLS 1.2 says instead.
  'ssl/tls alert handshake failure': NO_CLIENT_CERTIFICATE,
  'wrong version number': '; it answers without TLS: write http:// in OTEL_EXPORTER_OTLP_ENDPOINT',
}
