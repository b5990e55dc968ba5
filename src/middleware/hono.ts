import { type Answer, BODY_HEADERS } from './answer.ts'
import { startVisit, type Visit } from './hono-visit.ts'
import { runIn } from './node-request.ts'
import type { TtsOtelOptions } from './options.ts'
import { createCore } from './request.ts'

export type { ProbeSource, TtsOtelOptions } from './options.ts'

// The little of Hono 4 that is used.

type HonoRequest = {
  readonly raw: Request
  readonly routeIndex: number
  readonly matchedRoutes: readonly { readonly method: string; readonly path: string }[]
  readonly bodyCache: { readonly text?: unknown; readonly formData?: unknown }
}

type HonoContext = {
  readonly req: HonoRequest
  readonly env: unknown
  header(name: string, value?: string): unknown
  newResponse(body: string, init: object): Response
}

type Answered = Response | Promise<Response>

/** What a Hono app is to us. */
export type HonoApp = {
  fetch(request: Request, env?: object, executionContext?: never): Answered
  use(path: string, middleware: (c: HonoContext, next: () => Promise<void>) => Promise<void>): unknown
  onError(handler: (error: Error, c: HonoContext) => Answered): unknown
  notFound(handler: (c: HonoContext) => Answered): unknown
}

/**
 * `ttsOtel(app, options)`, before everything else of the app: request ids, the request log, probes and the answers to errors. Takes the place of
 * `app.fetch`, so that every request is seen, also those of routes that are already there; hand the app to `serve` afterwards.
 */
export function ttsOtel<App extends HonoApp>(app: App, options: TtsOtelOptions = {}): App {
  const core = createCore(options)
  const visits = new WeakMap<Request, Visit>()
  const visitOf = ({ req, env }: HonoContext): Visit => visits.get(req.raw) ?? startVisit(core, req.raw, env)

  const answerAs: HonoApp['fetch'] = app.fetch
  app.fetch = function fetchFollowed(request, env, executionContext) {
    const visit = begin(request, env)
    if (!visit) return answerAs(request, env, executionContext)
    const { method, path } = visit.served
    const run = () => runIn(visit.served, () => finish(visit, () => answerAs(request, env, executionContext)))
    if (!core.isProbe(method, path)) return run()
    return core.probe(path).then((answer) => (answer ? visit.complete(toResponse(answer)) : run()))
  }

  function begin(request: Request, env: object | undefined): Visit | undefined {
    try {
      const visit = startVisit(core, request, env)
      visits.set(request, visit)
      return visit
    } catch (error) {
      core.failed(error)
      return undefined
    }
  }

  app.use('*', async function ttsOtelRoute(c, next) {
    try {
      await next()
    } finally {
      visitOf(c).served.route ??= routeOf(c.req)
    }
  })
  app.onError(async (error, c) => {
    const visit = visitOf(c)
    const isBodys = await isOfBody(error, c.req)
    return answerWith(c, isBodys ? visit.refuse(400) : visit.fail(error))
  })
  app.notFound((c) => answerWith(c, visitOf(c).refuse(404)))
  return app
}

/** Hono lets pass what is thrown and is no Error. An answer that is there at once stays so: node-server sends it sooner. */
function finish(visit: Visit, answer: () => Answered): Answered {
  const failed = (thrown: unknown) => visit.complete(toResponse(visit.fail(thrown)))
  try {
    const answered = answer()
    return answered instanceof Promise ? answered.then(visit.complete, failed) : visit.complete(answered)
  } catch (thrown) {
    return failed(thrown)
  }
}

/** Keeps what middleware said about the answer before (CORS), not what was said about its body. */
function answerWith(c: HonoContext, answer: Answer | undefined): Response {
  if (!answer) return toResponse(answer)
  for (const name of BODY_HEADERS) c.header(name, undefined)
  return c.newResponse(answer.body, toInit(answer))
}

function toResponse(answer: Answer | undefined): Response {
  return answer ? new Response(answer.body, toInit(answer)) : new Response(null, { headers: ALREADY_SENT })
}

/** Tells node-server to leave the connection alone. https://github.com/honojs/node-server#direct-response-from-nodejs-api */
const ALREADY_SENT = { 'x-hono-already-sent': 'true' }

function toInit({ status, headers, contentType }: Answer): ResponseInit {
  return { status, headers: { ...headers, 'content-type': contentType } }
}

/** The first route from here on that is not a middleware for everything below a path: a middleware may have answered before it. */
function routeOf({ matchedRoutes, routeIndex }: HonoRequest): string | undefined {
  return matchedRoutes.slice(routeIndex).find(({ method, path }) => method !== 'ALL' || !path.endsWith('*'))?.path
}

/** Whether `error` is what Hono throws for this body, that is no JSON or no form: it has no error of its own for that. */
async function isOfBody(error: Error, { bodyCache: { text, formData } }: HonoRequest): Promise<boolean> {
  if (error instanceof TypeError) return error === (await failureOf(async () => settledOf(formData)))
  if (!(error instanceof SyntaxError) || text === undefined) return false
  const again = await failureOf(async () => JSON.parse(String(await settledOf(text))))
  return again instanceof Error && again.message === error.message
}

/** What `promise` has come to; undefined while it waits: a body that nobody needs any more may take long. */
function settledOf(promise: unknown): Promise<unknown> {
  return Promise.race([promise, undefined])
}

async function failureOf(step: () => Promise<unknown>): Promise<unknown> {
  try {
    await step()
    return undefined
  } catch (error) {
    return error
  }
}
