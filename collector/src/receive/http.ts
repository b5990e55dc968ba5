import type { IncomingMessage, ServerResponse } from 'node:http'
import { SIGNALS } from '../../../src/wire/signal.ts'
import { asError } from '../as-error.ts'
import type { Sink } from '../batch.ts'
import { isLoopback } from '../loopback.ts'
import { createRefusalStats, type RefusalStats } from '../refusal-stats.ts'
import { createSeldom } from '../seldom.ts'
import type { Stats } from '../stats.ts'
import type { TlsTexts } from '../tls.ts'
import type { TokenCheck } from '../token.ts'
import { answerRefused } from './answer.ts'
import { createBudget, drain } from './body.ts'
import { createRequestCounter } from './connections.ts'
import { refuseForeign } from './guard.ts'
import { type IngestOptions, ingest, type Route, refuse } from './ingest.ts'
import { RECEIVE_LIMITS, type ReceiveLimits } from './limits.ts'
import { closeServer, createLimitedServer, limitAnswer, listenOn } from './server.ts'

export type ReceiverOptions = {
  /** `all` is fed by `POST /v1/{traces,metrics,logs}`, any other name by `POST /<name>/v1/{traces,metrics,logs}`. */
  readonly routes: Readonly<Record<string, Sink>>
  /** Names that another collector has routes for, with why this one has none. */
  readonly absent?: Readonly<Record<string, string>>
  readonly stats: Stats
  /** Counts who is turned away before a signal is known. */
  readonly refusals?: RefusalStats
  /** Instead of {@link RECEIVE_LIMITS}, each. */
  readonly limits?: Partial<ReceiveLimits>
  /** Who may send, by bearer token. Default: everybody. */
  readonly checkSender?: TokenCheck
  /** Default: plain HTTP. */
  readonly tls?: TlsTexts | undefined
  /** Gets every other path (the reading side). Returns false for a path that it does not know. */
  readonly api?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>
  /** Gets what a person should know, at most once a minute. */
  readonly warn?: (message: string) => void
  /** Told of faults of ours, which a sender sees as 503. */
  readonly onFault?: (error: Error) => void
}

export type Receiver = {
  /** Takes another certificate, without an interruption; only where there was one. */
  readonly renewTls: (tls: TlsTexts) => void
  /** Starts; gives the address it got. Rejects with a message for people when it cannot have it. */
  readonly listen: (host: string, port: number) => Promise<{ host: string; port: number }>
  /** Takes no more, finishes what is in hand, and after `timeoutMs` cuts the rest and aborts the sinks. True when nothing was cut. */
  readonly stop: (timeoutMs: number) => Promise<boolean>
}

/**
 * Creates the OTLP/HTTP server of the collector. It answers 200, 200 with partial_success, 400, 401, 403, 404, 405, 413, 415,
 * 429 and 503, these two with Retry-After; 400, 408 and 431 to what is no whole request. Never 500: senders drop what gets one.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function createReceiver(options: ReceiverOptions): Receiver {
  const { stats, onFault = () => {} } = options
  const limits = { ...RECEIVE_LIMITS, ...options.limits }
  const { refusals = createRefusalStats() } = options
  const aborting = new AbortController()
  const state = { stopping: false, loopback: true }
  const ingestOptions: IngestOptions = {
    limits,
    stats,
    budget: createBudget(limits.inFlightBytesMax),
    aborted: aborting.signal,
    isStopping: () => state.stopping,
    checkSender: options.checkSender ?? (() => 'known'),
    onFault,
  }
  const routes = toRoutes(options.routes)

  const inHand = new Set<ServerResponse>()
  const countRequest = createRequestCounter()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    inHand.add(response)
    response.on('close', () => inHand.delete(response))
    if (state.stopping || countRequest(request.socket) >= limits.requestsPerConnectionMax) closeAfter(response)
    const route = routes.get(pathOf(request))
    const foreign = refuseForeign(request, state.loopback)
    if (foreign !== undefined) {
      if (route === undefined) refusals.addRead('forbidden')
      return refuse(request, response, route?.signal, foreign, ingestOptions)
    }
    if (route !== undefined) return ingest(request, response, route, ingestOptions)
    if (await options.api?.(request, response)) return
    answerRefused(response, 'json', { status: 404, message: notFound(request, routes, options.absent) })
  }

  const { server, renewTls } = createLimitedServer(onRequest, {
    limits,
    refusals,
    tls: options.tls,
    tell: createSeldom(options.warn ?? (() => {}), Date.now),
  })

  async function onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await handle(request, response)
    } catch (error) {
      onFault(asError(error))
      if (response.headersSent) response.destroy()
      else answerRefused(response, 'json', { status: 503, message: 'An unexpected fault of the collector; see its log.', afterMs: 1_000 })
    }
    drain(request, limits)
    limitAnswer(response, limits, refusals)
  }

  return {
    renewTls: (next) => {
      for (const response of inHand) closeAfter(response)
      renewTls(next)
    },
    listen: async (host, port) => {
      const address = await listenOn(server, host, port)
      state.loopback = isLoopback(address.host)
      return address
    },
    stop: async (timeoutMs) => {
      state.stopping = true
      for (const response of inHand) closeAfter(response)
      const clean = await closeServer(server, inHand, timeoutMs)
      aborting.abort(new Error('the collector has stopped'))
      return clean
    },
  }
}

/** Tells the sender that this connection ends, so that it sends nothing more into it. */
function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close')
}

function toRoutes(sinks: Readonly<Record<string, Sink>>): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>()
  for (const [name, sink] of Object.entries(sinks)) {
    for (const signal of SIGNALS) routes.set(name === 'all' ? `/v1/${signal}` : `/${name}/v1/${signal}`, { signal, sink })
  }
  return routes
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '/'
}

function notFound(request: IncomingMessage, routes: ReadonlyMap<string, Route>, absent: ReceiverOptions['absent'] = {}): string {
  const path = pathOf(request).slice(0, 100)
  const [, why] = Object.entries(absent).find(([name]) => SIGNALS.some((signal) => path === `/${name}/v1/${signal}`)) ?? []
  return `There is nothing at ${request.method} ${path}${why === undefined ? '' : `: ${why}`}. Telemetry goes to POST ${[...routes.keys()].join(', ')}.`
}
