import { explainTls } from '../tls-failure.ts'
import type { Outcome } from '../wire/outcome.ts'

/** What an attempt without an answer came to: worth another try, unless our own request is what cannot be sent. `name` is the address as it may be shown. */
export function toFailure(cause: unknown, name: string): Outcome {
  const code = codeOf(cause)
  const said = cause instanceof Error && cause.message !== '' ? cause.message : String(code ?? cause)
  const error = new Error(`${name}: ${explainTls(cause) ?? `${said}${ADVICE[code ?? ''] ?? ''}`}`, { cause })
  return code?.startsWith('ERR_INVALID_') ? { kind: 'drop', reason: 'refused', error } : { kind: 'retry', error }
}

/** The code of an error of Node's, such as ECONNREFUSED. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

const UNKNOWN_NAME = '; check the name in OTEL_EXPORTER_OTLP_ENDPOINT'

const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: '; no collector is listening there',
  ENOTFOUND: UNKNOWN_NAME,
  EAI_AGAIN: UNKNOWN_NAME,
}
