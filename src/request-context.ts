import { AsyncLocalStorage } from 'node:async_hooks'
import { trace } from '@opentelemetry/api'
import { uuidv7 } from './log/uuid.ts'
import { shared } from './shared.ts'
import { USER_ID } from './tts/semconv.ts'

/** What every span and log record of one request carries. `userId` is often learned late, after authentication. */
export type RequestContext = { readonly requestId: string; userId?: string }

/** Names of a request to enter; what is left out is taken from the surrounding request. */
export type RequestNames = { readonly requestId?: string | undefined; readonly userId?: string | undefined }

/** Ours, not OpenTelemetry's: request ids work in an app that registers nothing. */
const storage = shared('request-context', () => new AsyncLocalStorage<RequestContext>())

/** The request this code runs in, or undefined outside of one. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore()
}

/** The id of the current request; outside of one a fresh UUIDv7, different at each call. */
export function getRequestId(): string {
  return storage.getStore()?.requestId ?? uuidv7()
}

/**
 * Runs `fn` as one request: everything it starts (awaits, timers, streams) sees the same id. What `names` leaves out
 * comes from the surrounding request; a new id is made when there is none. `fn` receives the context.
 */
export function withRequest<T>(names: RequestNames, fn: (request: RequestContext) => T): T {
  const outer = storage.getStore()
  const userId = names.userId ?? outer?.userId
  const request: RequestContext = { requestId: names.requestId ?? outer?.requestId ?? uuidv7() }
  if (userId !== undefined) request.userId = userId
  return storage.run(request, fn, request)
}

/** Makes `request` the current one for the rest of this asynchronous execution; for code that cannot wrap what follows (HTTP instrumentation). */
export function enterRequest(request: RequestContext): void {
  storage.enterWith(request)
}

/** Runs `fn` in `request` again, where its asynchronous execution has lost it; nothing is made or copied. */
export function resumeRequest<T>(request: RequestContext, fn: () => T): T {
  return storage.run(request, fn)
}

/**
 * Says who makes the current request: kept for its later logs and spans, and set on the active span. Outside a request only the span learns it.
 * Nothing is nobody: a request without authentication keeps what it had.
 */
export function setUser(userId: string | number | undefined | null): void {
  if (userId === undefined || userId === null || userId === '') return
  const id = String(userId)
  const request = storage.getStore()
  if (request) request.userId = id
  trace.getActiveSpan()?.setAttribute(USER_ID, id)
}
