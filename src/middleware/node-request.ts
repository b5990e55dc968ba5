import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { context, trace } from '@opentelemetry/api'
import { pathOf, requestIdOf } from '../instrument/incoming.ts'
import { followedRequest, setRoute, setServerError } from '../instrument/server-request.ts'
import { uuidv7 } from '../log/uuid.ts'
import { currentRequest, type RequestContext, resumeRequest } from '../request-context.ts'
import { type Answer, BODY_HEADERS } from './answer.ts'
import type { Core, Served } from './request.ts'

const SERVED: unique symbol = Symbol('tts-otel.served')
type ServedMessage = IncomingMessage & { [SERVED]?: { readonly core: Core; readonly served: Served } }

/**
 * Follows a request of `node:http` from here to the `close` of its response: gives it a context where registration did not, echoes its id and
 * logs it at the end. The same request again, from a second middleware, changes nothing.
 */
export function startNodeRequest(core: Core, message: IncomingMessage, response: ServerResponse, url = message.url): Served {
  const marked: ServedMessage = message
  if (marked[SERVED]) return marked[SERVED].served
  const followed = followedRequest(message)
  const request = followed?.request ?? { requestId: requestIdOf(message.headers) ?? uuidv7() }
  const forwarded = message.headers['x-forwarded-for']
  const served = core.start({
    request,
    method: message.method ?? 'GET',
    path: pathOf(url === undefined ? {} : { url }),
    accept: message.headers.accept,
    userAgent: message.headers['user-agent'],
    peer: message.socket?.remoteAddress,
    forwardedFor: Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
    span: followed?.span ?? trace.getActiveSpan(),
    context: followed?.context ?? context.active(),
    nameError: followed && ((errorType) => setServerError(message, errorType)),
  })
  marked[SERVED] = { core, served }
  if (!followed) carryRequest(request, message, response)
  if (!response.headersSent) response.setHeader('x-request-id', request.requestId)
  response.once('close', () => endNodeRequest(core, served, message, response))
  return served
}

/** What follows the request: of whichever middleware saw it first, else of `core`, from now on. */
export function findNodeRequest(core: Core, message: IncomingMessage, response: ServerResponse): { core: Core; served: Served } {
  const marked: ServedMessage = message
  const served = startNodeRequest(core, message, response)
  return marked[SERVED] ?? { core, served }
}

/** Runs `fn` in the request's context, if it is not there already. */
export function runIn<T>(served: Served, fn: () => T): T {
  return currentRequest() === served.request ? fn() : resumeRequest(served.request, fn)
}

/**
 * Logs and records what was thrown, and gives the answer to send. Undefined when an answer has already begun: then its connection is destroyed,
 * so that the client sees that it is not complete.
 */
export function failNodeRequest(core: Core, message: IncomingMessage, response: ServerResponse, thrown: unknown): Answer | undefined {
  const found = findNodeRequest(core, message, response)
  const answer = found.core.fail(found.served, thrown, isClientGone(response))
  if (!response.headersSent) return answer
  if (!response.writableEnded) response.destroy()
  return undefined
}

/** Sends `answer`, without what the app had already said about the body that will not come. Nothing where another one has begun meanwhile. */
export function sendAnswer(response: ServerResponse, { status, headers, body, contentType }: Answer): void {
  if (response.headersSent) return
  for (const name of BODY_HEADERS) response.removeHeader(name)
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.setHeader('content-type', contentType)
  response.setHeader('content-length', Buffer.byteLength(body))
  response.end(body)
}

function endNodeRequest(core: Core, served: Served, message: IncomingMessage, response: ServerResponse): void {
  const { errored, headersSent, statusCode } = response
  const isComplete = response.writableFinished
  if (!isComplete && errored) core.fail(served, errored, true)
  if (served.route !== undefined) setRoute(message, served.route)
  const status = headersSent ? statusCode : undefined
  core.end(served, { status, how: isComplete ? 'complete' : served.answers.size > 0 ? 'broken' : 'aborted' })
}

function isClientGone(response: ServerResponse): boolean {
  return response.destroyed || response.socket?.destroyed === true
}

type EmitArguments = Parameters<EventEmitter['emit']>

/** Node loses the context in events that come with later packets; the server instrumentation does the same where it is registered. */
function carryRequest(request: RequestContext, ...emitters: readonly EventEmitter[]): void {
  for (const emitter of emitters) {
    const { emit } = emitter
    emitter.emit = function emitInRequest(this: EventEmitter, ...args: EmitArguments) {
      return currentRequest() === undefined ? resumeRequest(request, () => emit.apply(this, args)) : emit.apply(this, args)
    }
  }
}
