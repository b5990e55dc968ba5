import type { Answer } from './client.ts'
import { field, textField } from './json.ts'

type Refusal = {
  readonly status: number
  readonly type: string
  readonly message: string
  readonly afterMs?: number | undefined
  readonly detail?: string
}

/** What Elasticsearch refused: a whole request, or one document of a bulk. */
export class RefusalError extends Error {
  readonly status: number
  /** As Elasticsearch names it: `document_parsing_exception`; '' when it said none. */
  readonly type: string
  readonly afterMs: number | undefined
  /** What was behind it; it may quote the document. */
  readonly detail: string

  constructor({ status, type, message, afterMs, detail = '' }: Refusal) {
    super(message)
    this.name = 'RefusalError'
    this.status = status
    this.type = type
    this.afterMs = afterMs
    this.detail = detail
  }
}

/** What a refusal means for the documents that were being written. */
export type Verdict =
  /** They are there already. */
  | { readonly kind: 'stored' }
  | { readonly kind: 'poison' }
  /** The request is larger than the server takes. */
  | { readonly kind: 'too_large' }
  | { readonly kind: 'retry'; readonly afterMs: number }
  /** Nobody knows: it may pass, or be something that these documents meet each time. */
  | { readonly kind: 'fault'; readonly afterMs: number }

const STORED: Verdict = { kind: 'stored' }
const POISON: Verdict = { kind: 'poison' }
const TOO_LARGE: Verdict = { kind: 'too_large' }
const SOON: Verdict = { kind: 'retry', afterMs: 1_000 }
/** A missing right, a full disk or a closed index is mended by a person; asking every second only fills the server's log. */
const LATER: Verdict = { kind: 'retry', afterMs: 10_000 }
const FAULT: Verdict = { kind: 'fault', afterMs: 1_000 }

/**
 * The type of an error, or its status -> what to do. Only what a document itself causes is poison: everything else may pass.
 * https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
 */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  document_parsing_exception: POISON, // a value that its field refuses
  mapper_parsing_exception: POISON, // the same up to 8.7
  strict_dynamic_mapping_exception: POISON, // a template of somebody else that takes no other fields
  validation_exception: LATER, // 400, but for the cluster: it has as many shards as it may have
  index_closed_exception: LATER, // 400, but for the index
  200: STORED,
  201: STORED,
  409: STORED, // create only: a document with this id is there
  413: TOO_LARGE,
  401: LATER,
  403: LATER, // no right to it, or the index is blocked
  404: LATER, // no such index, and it may not be made
  429: SOON,
  502: SOON,
  503: SOON,
  504: SOON,
}

/** Decides about an error of a write. What is no refusal is a connection that broke or a wait that ended, or a bug of ours. */
export function verdict(error: unknown): Verdict {
  if (!(error instanceof RefusalError)) return isBug(error) ? FAULT : SOON
  const found = VERDICTS[error.type] ?? VERDICTS[error.status] ?? redirected(error.status) ?? FAULT
  return found.kind === 'retry' && error.afterMs !== undefined ? { ...found, afterMs: error.afterMs } : found
}

/** The answer, when the request was taken. Throws {@link RefusalError}. */
export function accept(answer: Answer, what: string): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body
  throw refusalOf(answer, what)
}

/** `what` begins the message: `Elasticsearch refused …`. */
export function refusalOf({ status, body, afterMs }: Answer, what: string): RefusalError {
  const error = field(body, 'error')
  const type = textField(error, 'type')
  const said = textField(error, 'reason') || (typeof error === 'string' ? error : typeof body === 'string' ? body : '')
  const message = `Elasticsearch refused ${what} with ${status}${type && ` (${type})`}: ${clip(said) || 'no reason given'}${ADVICE[status] ?? ''}`
  return new RefusalError({ status, type, message, afterMs })
}

/** Reasons quote the document, which may be of any size. */
export function clip(reason: string): string {
  return reason.length > REASON_CHARACTERS_MAX ? `${reason.slice(0, REASON_CHARACTERS_MAX).toWellFormed()}…` : reason
}

const REASON_CHARACTERS_MAX = 500

const ADVICE: Readonly<Record<number, string>> = {
  401: '. Check ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD',
  403: '. Give the user or the API key the rights that docs/elasticsearch.md lists',
}

function redirected(status: number): Verdict | undefined {
  return status >= 300 && status < 400 ? LATER : undefined
}

/** What JavaScript throws by itself when a program is wrong. */
function isBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}
