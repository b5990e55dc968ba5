import type { ServerResponse } from 'node:http'
import type { Rejected } from '../../../src/wire/outcome.ts'
import type { Chunk, Signal } from '../../../src/wire/signal.ts'
import type { Refusal } from '../stats.ts'

export type Encoding = Chunk['encoding']

/** A request that is not taken: the status, the reason to count and the one message that the sender gets. */
export type Refused = {
  readonly kind: 'refused'
  readonly status: keyof typeof CODES
  readonly reason: Refusal
  readonly message: string
  /** With 429 and 503: when to try again. */
  readonly afterMs?: number
}

/** google.rpc.Code for each status that we answer with. https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const CODES = { 400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 3, 415: 3, 429: 8, 503: 14 } as const

/** Exact, without a charset: the official collector compares them with ==. */
const CONTENT_TYPES: Record<Encoding, string> = { protobuf: 'application/x-protobuf', json: 'application/json' }

/** Longest message to a sender: exporters read 64 KiB of an answer at most, and a sentence says it all. */
const MESSAGE_CHARS_MAX = 2_000

const REJECTED_FIELDS: Record<Signal, string> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
}

/** Answers 200 with an Export*ServiceResponse. https://opentelemetry.io/docs/specs/otlp/#otlphttp-response */
export function answerOk(response: ServerResponse, signal: Signal, encoding: Encoding, rejected?: Rejected): void {
  if (rejected === undefined) send(response, 200, encoding, encoding === 'json' ? '{}' : '')
  else send(response, 200, encoding, encodePartialSuccess(signal, encoding, rejected.count, clip(rejected.message)))
}

/** Answers with a google.rpc.Status. https://opentelemetry.io/docs/specs/otlp/#failures-1 */
export function answerRefused(response: ServerResponse, encoding: Encoding, refused: Omit<Refused, 'kind' | 'reason'>): void {
  const { status, message, afterMs } = refused
  if (afterMs !== undefined) response.setHeader('Retry-After', Math.max(1, Math.ceil(afterMs / 1_000)))
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  if (status === 405) response.setHeader('Allow', 'POST')
  send(response, status, encoding, encodeStatus(encoding, CODES[status], clip(message)))
}

/** A google.rpc.Status in either encoding. */
export function encodeStatus(encoding: Encoding, code: number, message: string): Buffer | string {
  return encoding === 'json' ? JSON.stringify({ code, message }) : numberAndText(code, message)
}

function encodePartialSuccess(signal: Signal, encoding: Encoding, count: number, message: string): Buffer | string {
  if (encoding === 'protobuf') return lengthDelimited(1, numberAndText(count, message))
  return JSON.stringify({ partialSuccess: { [REJECTED_FIELDS[signal]]: String(count), errorMessage: message } })
}

function send(response: ServerResponse, status: number, encoding: Encoding, body: Buffer | string): void {
  response.writeHead(status, { 'Content-Type': CONTENT_TYPES[encoding], 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

/** Status and *PartialSuccess share a shape: field 1 a number, field 2 a text. */
function numberAndText(number: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([0x08]), varint(number), lengthDelimited(2, Buffer.from(text))])
}

function lengthDelimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(content.length), content])
}

function varint(number: number): Buffer {
  const bytes: number[] = []
  let rest = number
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

function clip(message: string): string {
  return message.slice(0, MESSAGE_CHARS_MAX)
}
