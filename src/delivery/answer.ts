import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { Outcome, Rejected } from '../wire/outcome.ts'
import { openCursor, readBytes, readTag, skip } from '../wire/protobuf.ts'
import { parseRetryAfter } from '../wire/retry-after.ts'

/** What came back from a collector, its body cut at a limit. */
export type Answer = {
  readonly status: number
  readonly contentType: string
  readonly retryAfter: string | undefined
  readonly body: Uint8Array
}

/** `secrets` are texts that must not appear in a message, even when the collector repeats them. */
export type Circumstances = { readonly nowMs: number; readonly secrets: readonly string[] }

/** What is shown of a collector's own words. */
const MESSAGE_CHARACTERS_MAX = 200

/**
 * Decides what an answer means, by the OTLP specification and, where that only says "not retryable", by what can be done about it.
 *
 *     2xx ─► ok (partial_success: rejected)        429 502 503 504 ─► retry
 *     400 ─► poison, 413 ─► too_large: may be cut  all others      ─► refused
 *
 * `target` is the address as it may be shown. https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
export function toOutcome(answer: Answer, target: string, { nowMs, secrets }: Circumstances): Outcome {
  const { status } = answer
  if (status >= 200 && status < 300) return toAccepted(answer, target, secrets)
  const words = clean(readMessage(answer), secrets)
  const error = new Error(`${target} answered ${status}${words && ` (${words})`}${advise(status)}`)
  if (status === 400) return { kind: 'drop', reason: 'poison', error }
  if (status === 413) return { kind: 'drop', reason: 'too_large', error }
  if (status !== 429 && status !== 502 && status !== 503 && status !== 504) return { kind: 'drop', reason: 'refused', error }
  const afterMs = status === 429 || status === 503 ? parseRetryAfter(answer.retryAfter, nowMs) : undefined
  return afterMs === undefined ? { kind: 'retry', error } : { kind: 'retry', afterMs, error }
}

function toAccepted(answer: Answer, target: string, secrets: readonly string[]): Outcome {
  if (answer.contentType === 'text/html') {
    // A login page or a web server that answers everything: nothing was stored, so it must not count as sent.
    return { kind: 'drop', reason: 'refused', error: new Error(`${target} answered with a web page${advise(404)}`) }
  }
  const rejected = readPartialSuccess(answer)
  if (rejected === undefined || (rejected.count <= 0 && rejected.message === '')) return { kind: 'ok' }
  return { kind: 'ok', rejected: { count: Math.max(0, rejected.count), message: clean(rejected.message, secrets) } }
}

/** The three responses differ only in names: field 1 holds `partial_success`, and in it field 1 a count and field 2 a text. */
function readPartialSuccess({ contentType, body }: Answer): Rejected | undefined {
  try {
    if (contentType === 'application/x-protobuf') {
      const partial = ProtobufTraceSerializer.deserializeResponse(body).partialSuccess
      return toRejected(partial?.rejectedSpans, partial?.errorMessage)
    }
    if (contentType === 'application/json' && body.length > 0) {
      const partial = JSON.parse(decode(body))?.partialSuccess
      return toRejected(partial?.rejectedSpans ?? partial?.rejectedLogRecords ?? partial?.rejectedDataPoints, partial?.errorMessage)
    }
  } catch {
    // Accepted, with a body that cannot be read or was cut: the status is what counts.
  }
  return undefined
}

/** JSON has a 64-bit count as text. */
function toRejected(count: unknown, message: unknown): Rejected {
  return { count: Number(count ?? 0) || 0, message: String(message ?? '') }
}

/** The collector's own words about an error: the message of a `google.rpc.Status`, or plain text. */
function readMessage({ contentType, body }: Answer): string {
  try {
    if (contentType === 'application/json') return String(JSON.parse(decode(body))?.message ?? '')
    if (contentType === 'application/x-protobuf') return readStatusMessage(body)
    return contentType === 'text/plain' ? decode(body) : ''
  } catch {
    return '' // cut off, or not what the content type says
  }
}

const STATUS_MESSAGE_TAG = 0x12

function readStatusMessage(body: Uint8Array): string {
  const cursor = openCursor(body)
  while (cursor.pos < cursor.end) {
    const tag = readTag(cursor)
    if (tag !== STATUS_MESSAGE_TAG) skip(cursor, tag)
    else return decode(body.subarray(readBytes(cursor), cursor.pos))
  }
  return ''
}

function clean(text: string, secrets: readonly string[]): string {
  const bare = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
  return bare
    .replace(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, MESSAGE_CHARACTERS_MAX)
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** What to do about a refusal that a person has to repair, as the end of its message; often nothing. */
export function advise(status: number): string {
  if (status === 401 || status === 403) return '; set the right token in OTEL_EXPORTER_OTLP_HEADERS'
  if (status === 404 || status === 405) return '; set OTEL_EXPORTER_OTLP_ENDPOINT to an OTLP/HTTP receiver (usually port 4318)'
  if (status === 415) return '; it does not take this encoding: set OTEL_EXPORTER_OTLP_PROTOCOL or OTEL_EXPORTER_OTLP_COMPRESSION'
  if (status >= 300 && status < 400) return '; redirects are not followed: set the final address in OTEL_EXPORTER_OTLP_ENDPOINT'
  if (status === 500) return '; look into the log of the collector'
  return ''
}
