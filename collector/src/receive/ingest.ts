import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Outcome } from '../../../src/wire/outcome.ts'
import type { Signal } from '../../../src/wire/signal.ts'
import { asError } from '../as-error.ts'
import type { Batch, Sink } from '../batch.ts'
import type { Refusal, Stats } from '../stats.ts'
import type { TokenCheck } from '../token.ts'
import { answerOk, answerRefused, type Encoding, type Refused } from './answer.ts'
import { type Body, type Budget, readBody } from './body.ts'
import { openBatch } from './decode.ts'
import { DecodeError } from './decode-error.ts'
import { refuseUnauthorized } from './guard.ts'
import type { ReceiveLimits } from './limits.ts'

/** Where the requests of one path go. */
export type Route = { readonly signal: Signal; readonly sink: Sink }

export type IngestOptions = {
  readonly limits: ReceiveLimits
  readonly stats: Stats
  readonly budget: Budget
  /** Aborted when the collector stops and cannot wait any longer. */
  readonly aborted: AbortSignal
  /** Asked for each request: true while the collector stops. */
  readonly isStopping: () => boolean
  /** Who may send. */
  readonly checkSender: TokenCheck
  /** Told of faults of ours, which the sender sees as 503. */
  readonly onFault: (error: Error) => void
}

/** Wait that a sender is asked for when the sink names none: a database that restarts is back within some seconds. */
const RETRY_AFTER_MS = 5_000

/**
 * Takes one export request from its headers to its answer:
 *
 *   check headers ──► read body ──► decode ──► sink ──► answer
 *         └───────────────┴────────────┴─────────┴──► refuse
 *
 * Never rejects. A fault of ours is answered with 503: senders drop what gets a 500.
 */
export async function ingest(request: IncomingMessage, response: ServerResponse, route: Route, options: IngestOptions): Promise<void> {
  const encoding = encodingOf(request)
  try {
    const refused = refuseHeaders(request, encoding, options)
    if (refused !== undefined || encoding === undefined)
      return refuse(request, response, route.signal, refused ?? unsupported(request), options)
    const body = await readBody(request, options.limits, options.budget)
    if (body.kind === 'refused') return refuse(request, response, route.signal, body, options)
    try {
      await deliver(body, { request, response, route, encoding, options })
    } finally {
      body.release()
    }
  } catch (error) {
    options.onFault(asError(error))
    refuse(request, response, route.signal, unavailable('fault', 'An unexpected fault of the collector; see its log.', undefined), options)
  }
}

/** Refuses a request: counts the reason, answers in the sender's encoding. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  signal: Signal | undefined,
  refused: Refused,
  { stats }: Pick<IngestOptions, 'stats'>,
): void {
  if (signal !== undefined) stats.addRefused(signal, refused.reason)
  if (!response.headersSent) answerRefused(response, encodingOf(request) ?? 'json', refused)
}

type Exchange = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly route: Route
  readonly encoding: Encoding
  readonly options: IngestOptions
}

async function deliver(body: Body, { request, response, route, encoding, options }: Exchange): Promise<void> {
  const { signal, sink } = route
  const batch = decodeOrRefuse(signal, encoding, body.bytes)
  if (batch.kind === 'refused') return refuse(request, response, signal, batch, options)
  const records = batch.value.records.length
  options.stats.addReceived(signal, records)
  const outcome: Outcome = records === 0 ? { kind: 'ok' } : await sink(batch.value, options.aborted)
  // This frame has grown old while the body came: what it holds lives until V8 looks through its old objects.
  batch.value.release?.()
  if (outcome.kind === 'retry') {
    return refuse(request, response, signal, unavailable('sink_unavailable', outcome.error.message, outcome.afterMs), options)
  }
  const rejected = outcome.kind === 'drop' ? { count: records, message: outcome.error.message } : outcome.rejected
  const belowLevel = outcome.kind === 'ok' ? (outcome.belowLevel ?? 0) : 0
  // One sink may reject what another leaves out.
  options.stats.addStored(signal, Math.max(0, records - (rejected?.count ?? 0) - belowLevel))
  options.stats.addRejected(signal, rejected?.count ?? 0)
  options.stats.addBelowLevel(signal, belowLevel)
  answerOk(response, signal, encoding, rejected)
}

function refuseHeaders(request: IncomingMessage, encoding: Encoding | undefined, options: IngestOptions): Refused | undefined {
  if (request.method !== 'POST') {
    const message = `${request.method} is not for this path: telemetry is sent with POST.`
    return { kind: 'refused', status: 405, reason: 'bad_method', message }
  }
  if (options.isStopping()) return unavailable('stopping', 'The collector is stopping. Try again later.', undefined)
  return refuseUnauthorized(request, options.checkSender) ?? (encoding === undefined ? unsupported(request) : undefined)
}

function decodeOrRefuse(
  signal: Signal,
  encoding: Encoding,
  bytes: Uint8Array,
): { readonly kind: 'batch'; readonly value: Batch } | Refused {
  try {
    return { kind: 'batch', value: openBatch(signal, { encoding, bytes }) }
  } catch (error) {
    if (error instanceof DecodeError) return { kind: 'refused', status: 400, reason: 'undecodable', message: error.message }
    throw error
  }
}

/** The request's encoding; parameters like a charset do not matter. */
function encodingOf(request: IncomingMessage): Encoding | undefined {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  return type === 'application/x-protobuf' ? 'protobuf' : type === 'application/json' ? 'json' : undefined
}

function unsupported(request: IncomingMessage): Refused {
  const type = request.headers['content-type']?.slice(0, 100) ?? ''
  const message = `Content-Type "${type}" is not supported. Send application/x-protobuf or application/json (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf or http/json).`
  return { kind: 'refused', status: 415, reason: 'unsupported_type', message }
}

function unavailable(reason: Refusal, message: string, afterMs: number | undefined): Refused {
  return { kind: 'refused', status: 503, reason, message, afterMs: afterMs ?? RETRY_AFTER_MS }
}
