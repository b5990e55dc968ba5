import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type Answer, BODY_HEADERS } from './answer.ts'
import { guardBody } from './guarded-body.ts'
import { failNodeRequest, findNodeRequest, runIn, startNodeRequest } from './node-request.ts'
import type { TtsOtelOptions } from './options.ts'
import { type Core, createCore, type Served } from './request.ts'

export type { ProbeSource, TtsOtelOptions } from './options.ts'

// The little of Fastify 4 and 5 that is used.

type Request = {
  readonly raw: IncomingMessage
  readonly is404: boolean
  readonly routeOptions: { readonly url?: string | undefined }
}

type Reply = {
  readonly raw: ServerResponse
  readonly statusCode: number
  code(status: number): unknown
  header(name: string, value: string): unknown
  removeHeader(name: string): unknown
  serializer(serialize: (payload: unknown) => string): unknown
  send(payload: string): unknown
}

type Done = (error?: Error) => void
type DoneWith = (error?: Error | null, payload?: unknown) => void

/** What a Fastify instance is to us. */
export type FastifyApp = {
  readonly server: Server
  addHook(name: 'onRequest', hook: (request: Request, reply: Reply, done: Done) => void): unknown
  addHook(name: 'preSerialization' | 'onSend', hook: (request: Request, reply: Reply, payload: unknown, done: DoneWith) => void): unknown
  setErrorHandler(handler: (error: unknown, request: Request, reply: Reply) => void): unknown
}

/**
 * `await app.register(ttsOtel, options)`, before everything else of the app: request ids, the request log, probes and the answers to errors,
 * in all plugins of the app. An error handler that a plugin sets for itself stays the plugin's own.
 */
export const ttsOtel = Object.assign(registerTtsOtel, {
  // What fastify-plugin does: without it hooks and handlers would hold inside this plugin only.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'tts-otel',
  [Symbol.for('plugin-meta')]: { name: 'tts-otel', fastify: '>=4' },
})

/** Asynchronous, so that a wrong option rejects the registration. */
async function registerTtsOtel(app: FastifyApp, options: TtsOtelOptions): Promise<void> {
  const core = createCore(options)
  // Before Fastify: what it refuses without a hook (an address that cannot be decoded) has an id and a record as well.
  app.server.prependListener('request', (message, response) => void start(core, message, response))
  app.addHook('onRequest', (request, reply, next) => startRequest(core, request, reply, next))
  app.addHook('preSerialization', (request, reply, payload, next) => {
    const isOurs = request.is404 && isDefault404(reply.statusCode, payload)
    next(null, isOurs ? refuse(core, request, reply) : payload)
  })
  app.addHook('onSend', (request, reply, payload, next) => {
    next(
      null,
      watchBody(payload, (error) => void failNodeRequest(core, request.raw, reply.raw, error)),
    )
  })
  app.setErrorHandler((error, request, reply) => {
    const answer = failNodeRequest(core, request.raw, reply.raw, error)
    if (answer) send(reply, answer)
  })
}

function startRequest(core: Core, request: Request, reply: Reply, next: Done): void {
  const served = start(core, request.raw, reply.raw)
  if (served && !request.is404) served.route = request.routeOptions.url
  if (!served) next()
  else if (!core.isProbe(served.method, served.path)) runIn(served, next)
  else void core.probe(served.path).then((answer) => (answer ? send(reply, answer) : runIn(served, next)))
}

function start(core: Core, message: IncomingMessage, response: ServerResponse): Served | undefined {
  try {
    return startNodeRequest(core, message, response)
  } catch (error) {
    core.failed(error)
    return undefined
  }
}

function send(reply: Reply, { status, headers, body, contentType }: Answer): void {
  for (const name of BODY_HEADERS) reply.removeHeader(name)
  reply.code(status)
  for (const [name, value] of Object.entries(headers)) reply.header(name, value)
  reply.header('content-type', contentType)
  reply.send(body)
}

/** The answer of Fastify's own 404 handler. It cannot be replaced without forbidding the app to set one itself. */
function isDefault404(status: number, payload: unknown): boolean {
  if (status !== 404 || typeof payload !== 'object' || payload === null || !('message' in payload)) return false
  return typeof payload.message === 'string' && payload.message.startsWith('Route ') && Object.keys(payload).length === 3
}

/** The payload of our 404 instead of Fastify's. */
function refuse(fallback: Core, request: Request, reply: Reply): string {
  const { core, served } = findNodeRequest(fallback, request.raw, reply.raw)
  const { headers, body, contentType } = core.refuse(served, 404)
  for (const [name, value] of Object.entries(headers)) reply.header(name, value)
  reply.header('content-type', contentType)
  reply.serializer(() => body)
  return body
}

/** Once its headers are sent, Fastify tells of a body that breaks in its own log only. */
function watchBody(payload: unknown, onBroken: (error: unknown) => void): unknown {
  if (isStream(payload)) payload.on('error', onBroken)
  if (payload instanceof ReadableStream) return watchWebStream(payload, onBroken)
  if (!(payload instanceof Response) || !payload.body || payload.bodyUsed) return payload
  return new Response(watchWebStream(payload.body, onBroken), payload)
}

/** One that somebody else reads already is refused by Fastify. */
function watchWebStream(body: ReadableStream, onBroken: (error: unknown) => void): ReadableStream {
  if (body.locked) return body
  return guardBody(body, (error) => {
    onBroken(error)
    return error
  })
}

type StreamLike = { on(event: 'error', listener: (error: unknown) => void): unknown }

function isStream(payload: unknown): payload is StreamLike {
  return typeof payload === 'object' && payload !== null && 'pipe' in payload && 'on' in payload && typeof payload.on === 'function'
}
