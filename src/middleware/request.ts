import { type Context, context, type Span, SpanStatusCode } from '@opentelemetry/api'
import { processConfig } from '../config.ts'
import { createGuard } from '../instrument/guard.ts'
import { CLIENT_ADDRESS } from '../instrument/http-semconv.ts'
import { PROBE_PATHS } from '../instrument/incoming.ts'
import type { ExceptionAttributes } from '../log/exception.ts'
import { getLogger } from '../log/logger.ts'
import { uuidv7 } from '../log/uuid.ts'
import { type RequestContext, resumeRequest } from '../request-context.ts'
import { ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE } from '../tts/semconv.ts'
import { isAbort } from './abort.ts'
import { type Answer, JSON_TYPE, toAnswer } from './answer.ts'
import { createClientAddress } from './client-address.ts'
import { CLIENT_CLOSED_REQUEST, type Failure, httpFailure, toFailure } from './failure.ts'
import { describeFailure, describeThrown, type LogEntry } from './failure-log.ts'
import { serviceMetrics } from './metrics.ts'
import { readOptions, type TtsOtelOptions } from './options.ts'
import { describeRequest, type RequestEnd } from './request-log.ts'

/** A request as a framework hands it over. */
export type Arrival = {
  readonly request: RequestContext
  readonly method: string
  /** Without query. */
  readonly path: string
  readonly accept: string | undefined
  readonly userAgent: string | undefined
  /** Address of the other end of the connection. */
  readonly peer: string | undefined
  readonly forwardedFor: string | undefined
  /** The server's span, and the context in which it is active. */
  readonly span: Span | undefined
  readonly context: Context
  /** Where our own instrumentation made the span: it sets status and `error.type` itself, once it knows what was sent. */
  readonly nameError: ((errorType: string) => void) | undefined
}

/** A request that the middleware follows to its end. */
export type Served = Arrival & {
  readonly startMs: number
  readonly ipAddress: string | undefined
  /** The route of the app that took it: `/users/:id`. */
  route: string | undefined
  /** What broke it, and what was answered. */
  readonly answers: Map<unknown, Answer>
  isUnauthenticated: boolean
  isRecorded: boolean
  isEnded: boolean
}

/** The part of the middleware that is the same for every framework. None of its functions throws. */
export type Core = {
  start(arrival: Arrival): Served
  /** Logs and records what was thrown, and gives the answer. `isClientGone`: then what was broken off by that is no failure of ours. */
  fail(served: Served, thrown: unknown, isClientGone: boolean): Answer
  /** Logs that the framework refuses the request, and gives the answer. */
  refuse(served: Served, status: number): Answer
  /** Writes the request log. `status` is undefined when no answer was begun. */
  end(served: Served, ending: { readonly status: number | undefined; readonly how: RequestEnd['how'] }): void
  isProbe(method: string, path: string): boolean
  /** The answer to a probe; undefined when the app has to give it. */
  probe(path: string): Promise<Answer | undefined>
  /** Counts a fault of ours; the request goes on without us. */
  failed(error: unknown): void
}

/** Of our own records. */
const LOGGER = 'tts-otel.http'
const METHODS = { DEBUG: 'debug', INFO: 'info', WARNING: 'warning', ERROR: 'error', CRITICAL: 'critical' } as const

/** Makes the shared part with the options of one app. Throws a TypeError for an option that cannot be used. */
export function createCore(options: TtsOtelOptions): Core {
  const { health, trustedProxies, slowRequestS, quietPaths, challenge } = readOptions(options)
  const clientAddress = createClientAddress(trustedProxies)
  const quiet = new Set([...PROBE_PATHS, ...quietPaths])
  const { includeTraceback } = processConfig().config
  const log = getLogger(LOGGER)
  const guard = createGuard('middleware')

  function write(served: Served, { level, message, fields }: LogEntry): void {
    if (log.isEnabled(level)) within(served, () => log[METHODS[level]](message, fields))
  }

  /** `key`: what was thrown; whoever hands it over again gets the same answer, and it is logged and recorded once. */
  function answer(served: Served, failure: Failure, key: unknown): Answer {
    const known = served.answers.get(key)
    if (known) return known
    const { method, path, accept, request } = served
    const errorId = failure.kind === 'unexpected' ? uuidv7() : undefined
    const exception = describeThrown(key)
    const traceback = includeTraceback && failure.kind !== 'http' ? exception[EXCEPTION_STACKTRACE] : undefined
    const facts = { method, path, accept, requestId: request.requestId, nowMs: Date.now(), errorId, traceback, challenge }
    const made = toAnswer(failure, facts)
    served.answers.set(key, made)
    if (failure.status === 401) served.isUnauthenticated = true
    if (failure.status >= 500) recordOnSpan(served, failure, exception)
    write(served, describeFailure(failure, exception, { method, path, errorId }))
    return made
  }

  /** Our own faults cost what we would have said, not the answer. */
  function answerSafely(served: Served, failure: Failure, key: unknown): Answer {
    try {
      return answer(served, failure, key)
    } catch (error) {
      guard.failed(error)
      return served.answers.get(key) ?? toAnswer(failure, { ...PLAIN_FACTS, nowMs: Date.now(), challenge })
    }
  }

  return {
    start(arrival) {
      serviceMetrics.started()
      const ipAddress = clientAddress(arrival.peer, arrival.forwardedFor)
      if (trustedProxies.length > 0 && ipAddress !== undefined) arrival.span?.setAttribute(CLIENT_ADDRESS, ipAddress)
      return Object.assign(arrival, {
        startMs: performance.now(),
        ipAddress,
        route: undefined,
        answers: new Map(),
        isUnauthenticated: false,
        isRecorded: false,
        isEnded: false,
      })
    },
    fail(served, thrown, isClientGone) {
      if (isClientGone && isAbort(thrown))
        return toAnswer(httpFailure(CLIENT_CLOSED_REQUEST), { ...PLAIN_FACTS, nowMs: Date.now(), challenge })
      return answerSafely(served, toFailure(thrown), thrown)
    },
    refuse: (served, status) => answerSafely(served, httpFailure(status), status),
    end(served, { status = CLIENT_CLOSED_REQUEST, how }) {
      if (served.isEnded) return
      served.isEnded = true
      guard.run(() => {
        const durationMs = performance.now() - served.startMs
        const isMeasured = served.nameError !== undefined || PROBE_PATHS.has(served.path)
        const unmeasured = isMeasured ? undefined : { durationS: durationMs / 1_000, hasFailed: status >= 500 || how !== 'complete' }
        serviceMetrics.ended({ isAuthFailure: served.isUnauthenticated || status === 401, unmeasured })
        if (quiet.has(served.path)) return
        write(served, describeRequest(served, { status, durationMs, how }, slowRequestS))
      })
    },
    isProbe: (method, path) => health !== undefined && PROBE_PATHS.has(path) && (method === 'GET' || method === 'HEAD'),
    async probe(path) {
      try {
        const found = await health?.answer(path)
        return found && { status: found.status, headers: NO_STORE, body: JSON.stringify(found.body), contentType: JSON_TYPE }
      } catch (error) {
        guard.failed(error)
        return undefined
      }
    },
    failed: guard.failed,
  }
}

const NO_STORE = { 'cache-control': 'no-store' }

/** Of an answer that nobody reads, or that has to do without facts because we failed. */
const PLAIN_FACTS = { method: '', path: '', accept: undefined, requestId: '', errorId: undefined, traceback: undefined }

/** In the request's own context, whatever context the error came out of. */
function within<T>(served: Served, fn: () => T): T {
  return context.with(served.context, () => resumeRequest(served.request, fn))
}

/** The first error only: what follows it is usually its consequence. */
function recordOnSpan(served: Served, failure: Failure, exception: ExceptionAttributes): void {
  const { span, nameError } = served
  if (served.isRecorded || !span?.isRecording()) return
  served.isRecorded = true
  span.recordException({
    name: exception[EXCEPTION_TYPE],
    message: exception[EXCEPTION_MESSAGE],
    stack: exception[EXCEPTION_STACKTRACE],
  })
  if (nameError) nameError(failure.errorType)
  else span.setAttribute(ERROR_TYPE, failure.errorType).setStatus({ code: SpanStatusCode.ERROR })
}
