import type { AlertDesk } from '../alert-desk.ts'
import type { RecordRead } from '../audit.ts'
import { type Reader, ReadTimeoutError } from '../reader.ts'
import type { TokenCheck } from '../token.ts'
import { getAlerts, getDeliveries, getExplanation, getHistory, postSilence, postTest } from './alerts.ts'
import { type Api, type ApiAnswer, type ApiRequest, BadRequestError, failure, json } from './answer.ts'
import { noteRead } from './audit.ts'
import { getHealth, getLivez, getReadyz, type HealthOptions } from './health.ts'
import { getLogs } from './logs.ts'
import { getMetricsSummary } from './metrics.ts'
import { getTrace, getTraces } from './traces.ts'

export type ApiOptions = HealthOptions & {
  readonly reader: Reader
  /** Who may read `/api`, by bearer token; undefined: nobody. */
  readonly checkReader: TokenCheck | undefined
  /** Is told of every question under `/api` that was let in. */
  readonly recordRead: RecordRead
  /** For a browser that asks for `/`. Throws when there is none. */
  readonly page: () => { readonly html: string; readonly headers: Readonly<Record<string, string>> }
  /** undefined: this collector has nothing to do with alerts. */
  readonly alerts?: AlertDesk | undefined
  /** The collector's own counters in the Prometheus text format. */
  readonly metricsText: () => string
}

type Route = {
  /** Default GET, which HEAD goes with. */
  readonly method?: 'POST'
  /** As people write it; `:id` stands for one path segment. */
  readonly path: string
  readonly doc: string
  readonly handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>
}

/** When a store that did not answer is worth another try. */
const RETRY_AFTER_S = 5

/** The reading side of the collector: what was stored, how the collector and its alerts are. `GET /` lists it all, or is the viewer. */
export function createApi(options: ApiOptions): Api {
  const questions = toRoutes(options)
  const index = {
    service: 'tts-otel-collector',
    endpoints: Object.fromEntries(questions.map(({ method = 'GET', path, doc }) => [`${method} ${path}`, doc])),
  }
  const root: Route = { path: '/', doc: 'this list', handle: (request) => (wantsPage(request) ? getPage(options) : json(200, index)) }
  const routes = [...questions, root]

  async function read(route: Route, request: ApiRequest): Promise<ApiAnswer> {
    const startMs = options.now()
    const answer = await handleSafely(route, request)
    noteRead(options.recordRead, { request, answer, startMs, now: options.now })
    return answer
  }

  return async function answer(request) {
    const { method, path, authorization } = request
    const asks = method === 'GET' || method === 'HEAD'
    const known = routes.filter((one) => matches(one.path, path))
    const route = known.find((one) => (one.method === undefined ? asks : one.method === method))
    if (options.alerts === undefined && /^\/api\/alerts(?:\/|$)/.test(path))
      return refuseReader(authorization, options.checkReader) ?? failure(404, 'not_found', NO_ALERTS)
    if (known[0] === undefined) return asks ? failure(404, 'not_found', `There is no ${path}; GET / lists what there is`) : undefined
    if (route === undefined) return refuseMethod(path, known[0].method)
    if (!path.startsWith('/api/')) return await handleSafely(route, request)
    return refuseReader(authorization, options.checkReader) ?? (await read(route, request))
  }
}

const NO_ALERTS = 'This collector does not decide about alerts: COLLECTOR_ROLES is without alerts here. Ask one that has the role'

/** Browsers name text/html first; curl and fetch take whatever comes. */
function wantsPage({ accept = '' }: ApiRequest): boolean {
  return accept.toLowerCase().includes('text/html')
}

function getPage({ page }: ApiOptions): ApiAnswer {
  try {
    const { html, headers } = page()
    return { status: 200, contentType: 'text/html; charset=utf-8', body: html, headers }
  } catch (error) {
    return failure(404, 'not_found', `The viewer is not there; npm run build makes it: ${error instanceof Error ? error.message : error}`)
  }
}

function refuseMethod(path: string, method: Route['method']): ApiAnswer {
  return failure(405, 'method_not_allowed', `${path} is only for ${method ?? 'GET'}`, { allow: method ?? 'GET, HEAD' })
}

function refuseReader(authorization: string | undefined, check: TokenCheck | undefined): ApiAnswer | undefined {
  if (check === undefined)
    return failure(
      403,
      'forbidden',
      'Nobody may read here: other machines reach this collector, and it was started without a READ_TOKEN. Set one',
    )
  if (check(authorization) === 'known') return undefined
  return failure(401, 'unauthorized', 'Send a READ_TOKEN of this collector as "Authorization: Bearer …"', BEARER)
}

const BEARER = { 'www-authenticate': 'Bearer' }

function toRoutes(options: ApiOptions): readonly Route[] {
  const { reader, metricsText, alerts } = options
  return [
    ...(alerts === undefined ? [] : alertRoutes(alerts, options.now)),
    {
      path: '/api/logs',
      doc: 'newest first; request_id, user_id, level, trace_id, service, instance_id, q, since, until, limit, cursor',
      handle: (request) => getLogs(reader, request),
    },
    {
      path: '/api/traces',
      doc: 'newest first; request_id, user_id, error, service, instance_id, since, until, limit, cursor',
      handle: (request) => getTraces(reader, request),
    },
    { path: '/api/traces/:id', doc: 'the spans of one trace, by start', handle: (request) => getTrace(reader, request) },
    {
      path: '/api/metrics/summary',
      doc: 'requests, errors, durations, audio, cost; since (24 hours before until, or now), until, service, instance_id',
      handle: (request) => getMetricsSummary(options, request),
    },
    { path: '/livez', doc: 'whether the process answers', handle: getLivez },
    { path: '/readyz', doc: 'whether data can be stored now', handle: () => getReadyz(options) },
    { path: '/health', doc: 'the state of each part', handle: () => getHealth(options) },
    {
      path: '/metrics',
      doc: 'what the collector counted, for Prometheus',
      handle: () => ({ status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8', body: metricsText() }),
    },
  ]
}

function alertRoutes(desk: AlertDesk, now: () => number): readonly Route[] {
  return [
    {
      path: '/api/alerts',
      doc: 'each rule with its state and what its signals say now, silences, channels',
      handle: (request) => getAlerts(desk, request),
    },
    { path: '/api/alerts/history', doc: 'what fired and ended, newest first; limit', handle: (request) => getHistory(desk, request) },
    {
      path: '/api/alerts/deliveries',
      doc: 'what became of notifications, newest first; limit',
      handle: (request) => getDeliveries(desk, request),
    },
    {
      method: 'POST',
      path: '/api/alerts/silences',
      doc: 'keeps alerts from being told of: {"matchers": {"alertname": "…"}, "author": "…", "reason": "…", "ends_at": "…" or "duration": "2h"}',
      handle: (request) => postSilence(desk, request, now()),
    },
    {
      method: 'POST',
      path: '/api/alerts/:rule/test',
      doc: 'sends a notification marked as a test to the channels of a rule',
      handle: (request) => postTest(desk, request),
    },
    {
      path: '/api/alerts/:rule',
      doc: 'why a rule fires or does not, with the values of now',
      handle: (request) => getExplanation(desk, request),
    },
  ]
}

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  return (
    wanted.length === given.length && wanted.every((part, index) => part === given[index] || (part.startsWith(':') && given[index] !== ''))
  )
}

async function handleSafely(route: Route, request: ApiRequest): Promise<ApiAnswer> {
  try {
    return await route.handle(request)
  } catch (error) {
    if (error instanceof BadRequestError) return failure(400, 'invalid_parameter', error.message)
    if (error instanceof ReadTimeoutError) return failure(504, 'timeout', error.message)
    const reason = error instanceof Error ? error.message : String(error)
    return failure(503, 'unavailable', `The store did not answer: ${reason}`, { 'retry-after': String(RETRY_AFTER_S) })
  }
}
