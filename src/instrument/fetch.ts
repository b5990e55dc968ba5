import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  type Attributes,
  type Context,
  context,
  metrics,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api'
import { once } from '../once.ts'
import { ERROR_TYPE, SERVER_ADDRESS, SERVER_PORT } from '../tts/semconv.ts'
import { type Attempts, attemptsOf, parseServerTiming } from './attempts.ts'
import { connectionErrorType } from './error-type.ts'
import type { Guard } from './guard.ts'
import {
  HTTP_DURATION_BUCKETS_S,
  HTTP_REQUEST_METHOD,
  HTTP_REQUEST_METHOD_ORIGINAL,
  HTTP_REQUEST_RESEND_COUNT,
  HTTP_RESPONSE_STATUS_CODE,
  knownMethod,
  METRIC_HTTP_CLIENT_DURATION,
  spanNameOf,
  URL_FULL,
  URL_SCHEME,
} from './http-semconv.ts'
import { createOriginParser, type Origin, redactQuery } from './origin.ts'
import { isSuppressed } from './suppress.ts'

type FetchOptions = {
  readonly guard: Guard
  /** Whether a request goes to the collector of this SDK: never traced. */
  readonly isOwnTraffic: (origin: string, path: string) => boolean
}

/** What is read of an undici request. https://undici.nodejs.org/#/docs/api/DiagnosticsChannel */
type UndiciRequest = {
  readonly origin: string | URL
  readonly path: string
  readonly method: string
  readonly upgrade?: unknown
  readonly headers: unknown
  addHeader(name: string, value: string): unknown
}

/** Its headers are a flat list of bytes. */
type UndiciResponse = { readonly statusCode: number; readonly headers?: unknown }

type Attempt = {
  readonly span: Span
  readonly context: Context
  readonly startMs: number
  readonly attributes: Attributes
  readonly count: Attempts | undefined
  /** When the headers of an answer came that tells the server's own time. */
  timedMs?: number
}

/**
 * CLIENT spans, trace context headers and `http.client.request.duration` for `fetch` and undici, through undici's diagnostics channels:
 * Node's own copy and one from npm alike. One span for each request on the wire: redirects and retries have their own.
 * The span ends with the body. https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client
 *
 * @returns stops following new requests.
 */
export function instrumentFetch({ guard, isOwnTraffic }: FetchOptions): () => void {
  // Making the first of these takes a millisecond, which an app that makes no request does not have to wait for.
  const tracer = once(() => trace.getTracer('tts-otel'))
  const duration = once(() =>
    metrics.getMeter('tts-otel').createHistogram(METRIC_HTTP_CLIENT_DURATION, {
      description: 'Duration of HTTP client requests.',
      unit: 's',
      advice: { explicitBucketBoundaries: HTTP_DURATION_BUCKETS_S },
    }),
  )
  const parseOrigin = createOriginParser()
  const attempts = new WeakMap<object, Attempt>()

  function start(request: UndiciRequest): void {
    const parent = context.active()
    const origin = String(request.origin)
    // An upgrade (WebSocket) is a connection, not a request with an end.
    if (request.upgrade || isSuppressed(parent) || isOwnTraffic(origin, request.path)) return
    const method = knownMethod(request.method)
    const attributes = sharedAttributes(method, parseOrigin(origin))
    const count = attemptsOf(parent, origin)
    const options = { kind: SpanKind.CLIENT, attributes: { ...attributes, ...spanAttributes(request, origin, method, count) } }
    if (count) countSent(count)
    const span = tracer().startSpan(spanNameOf(method), options, parent)
    const ofSpan = trace.setSpan(parent, span)
    if (!carriesTrace(request)) propagation.inject(ofSpan, request, HEADERS)
    attempts.set(request, { span, context: ofSpan, startMs: performance.now(), attributes, count })
  }

  function answered(request: object, { statusCode, headers }: UndiciResponse): void {
    const attempt = attempts.get(request)
    // 1xx comes before the answer.
    if (!attempt || statusCode < 200) return
    attempt.span.setAttribute(HTTP_RESPONSE_STATUS_CODE, statusCode)
    attempt.attributes[HTTP_RESPONSE_STATUS_CODE] = statusCode
    const isError = statusCode >= 400
    if (attempt.count) countAnswered(attempt, attempt.count, isError, headers)
    if (isError) setError(attempt, String(statusCode))
  }

  function failed(request: object, error: unknown): void {
    const attempt = attempts.get(request)
    if (!attempt) return
    if (attempt.count) attempt.count.failedInARow += 1
    setError(attempt, connectionErrorType(error), error instanceof Error ? error.message : undefined)
    end(request)
  }

  function end(request: object): void {
    const attempt = attempts.get(request)
    if (!attempt) return
    attempts.delete(request)
    const nowMs = performance.now()
    if (attempt.count && attempt.timedMs !== undefined) attempt.count.timed.bodyMs += nowMs - attempt.timedMs
    duration().record((nowMs - attempt.startMs) / 1_000, attempt.attributes, attempt.context)
    attempt.span.end()
  }

  // Each message's shape is documented (see UndiciRequest); the guard catches what a future version changes.
  return subscribeAll(guard, {
    'undici:request:create': (message) => start((message as { request: UndiciRequest }).request),
    'undici:request:headers': (message) => {
      const { request, response } = message as { request: object; response: UndiciResponse }
      answered(request, response)
    },
    'undici:request:trailers': (message) => end((message as { request: object }).request),
    'undici:request:error': (message) => {
      const { request, error } = message as { request: object; error: unknown }
      failed(request, error)
    },
  })
}

const HEADERS: TextMapSetter<UndiciRequest> = {
  set(request, name, value) {
    request.addHeader(name, value)
  },
}

/** An app that sends its own trace context means it; a second header would make both invalid. Names stand at even places, in the app's case. */
function carriesTrace({ headers }: UndiciRequest): boolean {
  return Array.isArray(headers) && headers.some((text, index) => index % 2 === 0 && String(text).toLowerCase() === 'traceparent')
}

function sharedAttributes(method: string, server: Origin | undefined): Attributes {
  const attributes: Attributes = { [HTTP_REQUEST_METHOD]: method }
  if (!server) return attributes
  attributes[SERVER_ADDRESS] = server.address
  attributes[SERVER_PORT] = server.port
  attributes[URL_SCHEME] = server.scheme
  return attributes
}

function spanAttributes(request: UndiciRequest, origin: string, method: string, count: Attempts | undefined): Attributes {
  const attributes: Attributes = { [URL_FULL]: origin + redactQuery(request.path) }
  if (method !== request.method) attributes[HTTP_REQUEST_METHOD_ORIGINAL] = request.method
  if (count && count.failedInARow > 0) attributes[HTTP_REQUEST_RESEND_COUNT] = count.failedInARow
  return attributes
}

function countSent(count: Attempts): void {
  count.sent += 1
  if (count.failedInARow === 0) count.hops += 1
}

function countAnswered(attempt: Attempt, count: Attempts, isError: boolean, headers: unknown): void {
  count.failedInARow = isError ? count.failedInARow + 1 : 0
  const serverMs = parseServerTiming(findHeader(headers, 'server-timing'))
  if (serverMs === undefined) return
  attempt.timedMs = performance.now()
  count.timed.count += 1
  count.timed.serverMs += serverMs
  count.timed.untilHeadersMs += attempt.timedMs - attempt.startMs
}

/** Names stand at even places, each followed by its value, all of them bytes. */
function findHeader(headers: unknown, name: string): string | undefined {
  if (!Array.isArray(headers)) return undefined
  const index = headers.findIndex((text, place) => place % 2 === 0 && String(text).toLowerCase() === name)
  return index < 0 ? undefined : String(headers[index + 1])
}

function setError({ span, attributes }: Attempt, type: string, message?: string): void {
  attributes[ERROR_TYPE] = type
  span.setAttribute(ERROR_TYPE, type)
  span.setStatus(message === undefined ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message })
}

/** A subscriber that throws would end the process. */
function subscribeAll(guard: Guard, handlers: Readonly<Record<string, (message: unknown) => void>>): () => void {
  const subscribed = Object.entries(handlers).map(([channel, handle]) => {
    const guarded = (message: unknown) => guard.run(() => handle(message))
    subscribe(channel, guarded)
    return () => unsubscribe(channel, guarded)
  })
  return () => {
    for (const stop of subscribed) stop()
  }
}
