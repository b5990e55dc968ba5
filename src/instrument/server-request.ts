import type { IncomingMessage } from 'node:http'
import type { Context, Span } from '@opentelemetry/api'
import type { RequestContext } from '../request-context.ts'
import { HTTP_ROUTE, spanNameOf } from './http-semconv.ts'

/** One request that our server instrumentation follows. */
export type ServerRequest = {
  readonly span: Span
  readonly context: Context
  readonly request: RequestContext
  readonly method: string
  readonly scheme: string
  readonly startMs: number
  route: string | undefined
  /** What broke the request, where somebody knows more than its status. */
  errorType?: string
  isEnded: boolean
}

/** Known to all copies of this package: the one that follows requests is not always the one whose middleware the app uses. */
const FOLLOWED: unique symbol = Symbol.for('tts-otel.server-request')
type Followed = IncomingMessage & { [FOLLOWED]?: ServerRequest }

/** Ties `state` to the request, for as long as that lives. */
export function followRequest(message: IncomingMessage, state: ServerRequest): void {
  const followed: Followed = message
  followed[FOLLOWED] = state
}

/** What we know of this request; undefined when it is not traced, or no server request at all. */
export function followedRequest(message: IncomingMessage): ServerRequest | undefined {
  const followed: Followed = message
  return followed[FOLLOWED]
}

/** Says which route of the app took the request (`/users/:id`): the span is named `GET /users/:id`. The first router to say it wins. */
export function setRoute(message: IncomingMessage, route: string): void {
  const state = followedRequest(message)
  if (!state || state.isEnded || state.route !== undefined) return
  state.route = route
  state.span.updateName(`${spanNameOf(state.method)} ${route}`)
  state.span.setAttribute(HTTP_ROUTE, route)
}

/** Says what broke the request: `error.type` of its span and its duration, instead of the status, should it end as an error of the server. */
export function setServerError(message: IncomingMessage, errorType: string): void {
  const state = followedRequest(message)
  if (state) state.errorType ??= errorType
}
