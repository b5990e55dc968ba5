import type { IncomingMessage, ServerResponse } from 'node:http'
import { failNodeRequest, findNodeRequest, runIn, sendAnswer, startNodeRequest } from './node-request.ts'
import type { TtsOtelOptions } from './options.ts'
import { createCore, type Served } from './request.ts'

export type { ProbeSource, TtsOtelOptions } from './options.ts'

/** The little of a request of Express 4 and 5 that is used. */
export type ExpressRequest = IncomingMessage & {
  readonly originalUrl: string
  readonly baseUrl: string
  readonly app?: { enabled(setting: string): boolean }
}
type Next = (error?: unknown) => void

export type ExpressHandler = (request: ExpressRequest, response: ServerResponse, next: Next) => void
export type ExpressErrorHandler = (error: unknown, request: ExpressRequest, response: ServerResponse, next: Next) => void

/** `app.use(ttsOtel(options))`, before everything else of the app: request ids, the request log and probes. */
export function ttsOtel(options: TtsOtelOptions = {}): ExpressHandler {
  const core = createCore(options)
  return function ttsOtelRequest(request, response, next) {
    let served: Served
    try {
      served = startNodeRequest(core, request, response, request.originalUrl)
      followRoute(request, served)
    } catch (error) {
      core.failed(error)
      return next()
    }
    if (!core.isProbe(served.method, served.path)) return runIn(served, next)
    void core.probe(served.path).then((answer) => (answer ? sendAnswer(response, answer) : runIn(served, next)))
  }
}

/**
 * `app.use(ttsOtelErrors(options))`, after everything else of the app: the answers to errors, and the 404 of what no route took. Two handlers,
 * because Express tells them apart by their number of parameters.
 */
export function ttsOtelErrors(options: TtsOtelOptions = {}): [ExpressHandler, ExpressErrorHandler] {
  const core = createCore(options)
  return [
    function ttsOtelNotFound(request, response, next) {
      // Express itself answers OPTIONS with the methods of a route, once nothing else has.
      if (response.headersSent || request.method === 'OPTIONS') return next()
      const found = findNodeRequest(core, request, response)
      sendAnswer(response, found.core.refuse(found.served, 404))
    },
    function ttsOtelError(error, request, response, _next) {
      const answer = failNodeRequest(core, request, response, error)
      if (answer) sendAnswer(response, answer)
    },
  ]
}

/**
 * Learns the route when the router sets it: an error unwinds `baseUrl`, and then only the last part of the route is left. `baseUrl` is what was
 * asked for: parameters of a path that a router is mounted on are put back, and so is the case of what Express takes in any, or each value and
 * each spelling would be a route of its own.
 */
function followRoute(request: ExpressRequest, served: Served): void {
  const names = new Map<string, string>()
  const isAnyCase = !request.app?.enabled('case sensitive routing')
  function toPattern(segment: string): string {
    const name = names.get(decode(segment))
    if (name !== undefined) return `:${name}`
    return isAnyCase ? segment.toLowerCase() : segment
  }

  watch(request, 'params', (params) => {
    for (const [name, value] of Object.entries(params ?? {})) for (const part of partsOf(value)) names.set(part, name)
  })
  watch(request, 'route', (route) => {
    served.route = `${request.baseUrl.split('/').map(toPattern).join('/')}${pathOf(route)}`
  })
}

/** A wildcard takes several segments: Express 5 gives a list of them, 4 a text. */
function partsOf(value: unknown): readonly string[] {
  const texts = Array.isArray(value) ? value : [value]
  return texts.flatMap((text: unknown) => (typeof text === 'string' ? text.split('/') : [])).filter((part) => part !== '')
}

function watch(request: ExpressRequest, name: string, onSet: (value: unknown) => void): void {
  let current: unknown = Reflect.get(request, name)
  Object.defineProperty(request, name, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set(value: unknown) {
      current = value
      onSet(value)
    },
  })
}

/** A path is a text, a pattern or a list of them. */
function pathOf(route: unknown): string {
  return typeof route === 'object' && route !== null && 'path' in route ? String(route.path) : ''
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
