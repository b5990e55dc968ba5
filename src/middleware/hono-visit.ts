import type { IncomingMessage, ServerResponse } from 'node:http'
import { context, trace } from '@opentelemetry/api'
import { requestIdOf } from '../instrument/incoming.ts'
import { uuidv7 } from '../log/uuid.ts'
import type { Answer } from './answer.ts'
import { guardBody } from './guarded-body.ts'
import { failNodeRequest, findNodeRequest, startNodeRequest } from './node-request.ts'
import type { Core, Served } from './request.ts'

/** One request that a Hono app answers, wherever it runs. */
export type Visit = {
  readonly served: Served
  /** Undefined when an answer has already begun; it is destroyed then. */
  fail(thrown: unknown): Answer | undefined
  refuse(status: number): Answer
  /** The app's answer on its way out. */
  complete(response: Response): Response
}

/** Follows a request: under `@hono/node-server` the one of Node behind it, elsewhere the Request alone. */
export function startVisit(core: Core, request: Request, env: unknown): Visit {
  const node = nodeOf(env)
  return node ? startNodeVisit(core, request, node) : startWebVisit(core, request)
}

type NodeBindings = { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse }

/** What `@hono/node-server` passes as the environment. */
function nodeOf(env: unknown): NodeBindings | undefined {
  const isNode = typeof env === 'object' && env !== null && 'incoming' in env && 'outgoing' in env
  return isNode ? (env as NodeBindings) : undefined // https://github.com/honojs/node-server#accessing-nodejs-api
}

function startNodeVisit(core: Core, request: Request, { incoming, outgoing }: NodeBindings): Visit {
  startNodeRequest(core, incoming, outgoing)
  const found = findNodeRequest(core, incoming, outgoing)
  return {
    served: found.served,
    fail: (thrown) => failNodeRequest(core, incoming, outgoing, asAbort(thrown, request)),
    refuse: (status) => found.core.refuse(found.served, status),
    complete(response) {
      if (isKeptByNodeServer(response) || !response.body) return response
      const guarded = guardBody(response.body, (error) => {
        // Before the first piece node-server sends the message of the error as the answer: it gets one without secrets.
        const shown = new Error('An unexpected error occurred')
        const answer = failNodeRequest(core, incoming, outgoing, error)
        if (answer) found.served.answers.set(shown, answer) // the same failure, when it comes back with the response
        return shown
      })
      return new Response(guarded, response)
    },
  }
}

/** An answer that node-server writes without making a real Response of it first. Others cost a wrapper more. */
function isKeptByNodeServer(response: Response): boolean {
  return Object.getOwnPropertySymbols(response).some(({ description }) => description === 'cache')
}

/** Nobody tells when a body has been read to its end: the request is over for the log when its answer leaves the app. */
function startWebVisit(core: Core, request: Request): Visit {
  const { headers, method } = request
  const header = (name: string) => headers.get(name) ?? undefined
  const requestId = requestIdOf({ 'x-request-id': header('x-request-id') }) ?? uuidv7()
  const served = core.start({
    request: { requestId },
    method,
    path: new URL(request.url).pathname,
    accept: header('accept'),
    userAgent: header('user-agent'),
    peer: undefined,
    forwardedFor: header('x-forwarded-for'),
    span: trace.getActiveSpan(),
    context: context.active(),
    nameError: undefined,
  })
  return {
    served,
    fail: (thrown) => core.fail(served, asAbort(thrown, request), request.signal.aborted),
    refuse: (status) => core.refuse(served, status),
    complete(response) {
      core.end(served, { status: response.status, how: 'complete' })
      return withHeader(response, 'x-request-id', requestId)
    },
  }
}

/** The reason of the request's own signal, which is a text under node-server, says that the client is gone. */
function asAbort(thrown: unknown, { signal }: Request): unknown {
  return signal.aborted && thrown === signal.reason ? new DOMException('The client is gone', 'AbortError') : thrown
}

/** The headers of an answer that `fetch` brought cannot be changed. */
function withHeader(response: Response, name: string, value: string): Response {
  try {
    response.headers.set(name, value)
    return response
  } catch {
    const copy = new Response(response.body, response)
    copy.headers.set(name, value)
    return copy
  }
}
