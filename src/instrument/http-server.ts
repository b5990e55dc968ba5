import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { EventEmitter } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { type Attributes, metrics, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { EnterableContextManager } from '../context-manager.ts'
import { uuidv7 } from '../log/uuid.ts'
import { once } from '../once.ts'
import { currentRequest, enterRequest, resumeRequest } from '../request-context.ts'
import { account } from '../tts/account.ts'
import { ERROR_TYPE } from '../tts/semconv.ts'
import type { Guard } from './guard.ts'
import { createServerDuration } from './http-duration.ts'
import {
  HTTP_REQUEST_METHOD,
  HTTP_RESPONSE_STATUS_CODE,
  HTTP_ROUTE,
  knownMethod,
  METRIC_HTTP_SERVER_ACTIVE,
  spanNameOf,
  URL_SCHEME,
} from './http-semconv.ts'
import { createIncomingReader, PROBE_PATHS, pathOf, requestIdOf, schemeOf } from './incoming.ts'
import { followedRequest, followRequest, type ServerRequest } from './server-request.ts'
import { suppress } from './suppress.ts'

type EmitArguments = Parameters<EventEmitter['emit']>
type ServerOptions = { readonly contextManager: EnterableContextManager; readonly guard: Guard }

const UNTRACED = suppress(ROOT_CONTEXT)
/** `error.type` of a request whose client went away before the answer was sent. Not an error of the server: the span's status stays unset. */
const ABORTED = 'aborted'

/**
 * Server spans, `http.server.request.duration` and `http.server.active_requests` for every `node:http` and `node:https` server, through
 * Node's diagnostics channel. The span ends when the response closes, so that requests that the client gave up end as well.
 *
 * Wraps nothing but `emit` of the request and the response at hand: Node 24 loses the context in events that come with later packets
 * (`req.on('end')` of a body, `res.on('close')`), and it is put back there when it is gone.
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
 *
 * @returns stops following new requests.
 */
export function instrumentHttpServer({ contextManager, guard }: ServerOptions): () => void {
  // Making the first of these takes a millisecond, which an app without a server does not have to wait for.
  const tracer = once(() => trace.getTracer('tts-otel'))
  const measure = once(createServerMetrics)
  const readIncoming = createIncomingReader()
  const propagated = propagation.fields()

  function carriesContext(headers: IncomingHttpHeaders): boolean {
    for (const name of propagated) if (headers[name] !== undefined) return true
    return false
  }

  function start(message: IncomingMessage, response: ServerResponse): void {
    const request = { requestId: requestIdOf(message.headers) ?? uuidv7() }
    // Before the span is started: that is where the span's request_id comes from.
    enterRequest(request)
    const path = pathOf(message)
    if (PROBE_PATHS.has(path)) {
      contextManager.enterWith(UNTRACED)
      return
    }
    const parent = carriesContext(message.headers) ? propagation.extract(ROOT_CONTEXT, message.headers) : ROOT_CONTEXT
    const scheme = schemeOf(message)
    const method = knownMethod(message.method)
    const span = tracer().startSpan(spanNameOf(method), { kind: SpanKind.SERVER, attributes: readIncoming(message, path, scheme) }, parent)
    const context = trace.setSpan(parent, span)
    const state = { span, context, request, method, scheme, startMs: performance.now(), route: undefined, isEnded: false }
    followRequest(message, state)
    message.emit = emitOfRequest
    response.emit = emitOfResponse
    measure().started(state)
    contextManager.enterWith(context)
  }

  /**
   * Runs `emit` in the request's context where that is gone, and only `emit`: code outside of any request that answers one (a worker with a
   * queue) must not go on as a part of it.
   */
  function emitWithin(message: IncomingMessage, emit: () => boolean): boolean {
    const state = currentRequest() === undefined ? followedRequest(message) : undefined
    return state ? contextManager.with(state.context, () => resumeRequest(state.request, emit)) : emit()
  }

  function emitOfRequest(this: IncomingMessage, ...args: EmitArguments): boolean {
    return emitWithin(this, () => inheritedEmit(this).apply(this, args))
  }

  function emitOfResponse(this: ServerResponse, ...args: EmitArguments): boolean {
    try {
      return emitWithin(this.req, () => inheritedEmit(this).apply(this, args))
    } finally {
      // After the app's own listeners: they may still write to the span.
      if (args[0] === 'close') end(this)
    }
  }

  function end(response: ServerResponse): void {
    const state = followedRequest(response.req)
    if (!state || state.isEnded) return
    state.isEnded = true
    // Its own request, whoever answered it: that is where the span learns of a user who was known late.
    guard.run(() => resumeRequest(state.request, () => measure().ended(state, endSpan(state, response))))
  }

  function onStart(message: unknown): void {
    guard.run(() => {
      // Node documents this shape: https://nodejs.org/api/diagnostics_channel.html#http
      const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
      start(request, response)
    })
  }

  subscribe('http.server.request.start', onStart)
  return () => {
    unsubscribe('http.server.request.start', onStart)
    measure().stop()
  }
}

/** What `emit` is without us: another instrumentation may have replaced it on the class. */
function inheritedEmit(emitter: EventEmitter): EventEmitter['emit'] {
  return Object.getPrototypeOf(emitter).emit
}

/** Ends the span and says how the request ended. */
function endSpan({ span, errorType: known }: ServerRequest, response: ServerResponse): Ending {
  const status = response.headersSent ? response.statusCode : undefined
  const errorType = errorTypeOf(response, known)
  if (status !== undefined) span.setAttribute(HTTP_RESPONSE_STATUS_CODE, status)
  if (errorType !== undefined) {
    span.setAttribute(ERROR_TYPE, errorType)
    if (errorType !== ABORTED) span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end()
  return { status, errorType }
}

/** 5xx, or an answer that was never sent to its end; `known` is what broke it. 4xx is the caller's error, not ours. */
function errorTypeOf(response: ServerResponse, known: string | undefined): string | undefined {
  if (response.headersSent && response.statusCode >= 500) return known ?? String(response.statusCode)
  if (response.writableFinished) return undefined
  return known ?? (response.errored ? response.errored.name : ABORTED)
}

/** How a request ended; `status` is missing when no answer was begun. */
type Ending = { readonly status: number | undefined; readonly errorType: string | undefined }
type ServerMetrics = { started(state: ServerRequest): void; ended(state: ServerRequest, ending: Ending): void; stop(): void }

/** Series whose attributes are kept; an app has some hundred, methods and routes being few. */
const SERIES_MAX = 1_000

/** The attributes of a duration, one frozen object for each series: the bundle's SDK hashes a frozen object once. */
function createSeries(): (request: ServerRequest, ending: Ending) => Attributes {
  const known = new Map<string, Attributes>()
  return function seriesOf({ method, scheme, route }, { status, errorType }) {
    const key = `${method} ${scheme} ${status} ${errorType} ${route}`
    const found = known.get(key)
    if (found) return found
    const attributes: Attributes = { [HTTP_REQUEST_METHOD]: method, [URL_SCHEME]: scheme }
    if (route !== undefined) attributes[HTTP_ROUTE] = route
    if (status !== undefined) attributes[HTTP_RESPONSE_STATUS_CODE] = status
    if (errorType !== undefined) attributes[ERROR_TYPE] = errorType
    if (known.size >= SERIES_MAX) known.clear()
    known.set(key, Object.freeze(attributes))
    return attributes
  }
}

/** Active requests are counted here and read once for each export: two additions instead of two lookups by attributes. */
function createServerMetrics(): ServerMetrics {
  const meter = metrics.getMeter('tts-otel')
  const duration = createServerDuration(meter)
  const active = meter.createObservableUpDownCounter(METRIC_HTTP_SERVER_ACTIVE, {
    description: 'Number of active HTTP server requests.',
    unit: '{request}',
  })
  const seriesOf = createSeries()
  const counts = { http: new Map<string, number>(), https: new Map<string, number>() }
  const countsOf = (scheme: string) => (scheme === 'https' ? counts.https : counts.http)
  const observe: Parameters<typeof active.addCallback>[0] = (result) => {
    for (const [scheme, byMethod] of Object.entries(counts))
      for (const [method, count] of byMethod) result.observe(count, { [HTTP_REQUEST_METHOD]: method, [URL_SCHEME]: scheme })
  }
  active.addCallback(observe)

  return {
    started({ method, scheme }) {
      const byMethod = countsOf(scheme)
      byMethod.set(method, (byMethod.get(method) ?? 0) + 1)
    },
    ended(request, ending) {
      const { method, startMs, context } = request
      const byMethod = countsOf(request.scheme)
      byMethod.set(method, (byMethod.get(method) ?? 1) - 1)
      const seconds = (performance.now() - startMs) / 1_000
      account.request(seconds, ending.errorType !== undefined)
      duration.record(seconds, seriesOf(request, ending), context)
    },
    stop: () => active.removeCallback(observe),
  }
}
