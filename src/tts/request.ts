import { type Context, context, diag, INVALID_SPAN_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { type RequestContext, resumeRequest, withRequest } from '../request-context.ts'
import { runInTtsRequest } from './current.ts'
import { createJob, type Job, type TtsRequest } from './job.ts'
import { type CountedOrder, countOrder, orderAttributes, type TtsOrder } from './record.ts'
import { SPAN_TTS_REQUEST } from './semconv.ts'

export type { TtsRequest } from './job.ts'
export type { TtsCallFacts, TtsOutcome } from './outcome.ts'
export type { TtsOrder } from './record.ts'

/** A speech request whose end the app tells, for code with callbacks. The first end counts. */
export type StartedTtsRequest = TtsRequest & {
  /** It went well, as far as the app knows: the outcome also depends on what came. */
  end(): void
  /** It failed. `error` is recorded, not thrown; an abort makes it cancelled. */
  fail(error: unknown): void
  /** Runs `fn` inside of the request: calls of the provider and logs made there belong to it. Gives what `fn` gives, and does not end it. */
  run<T>(fn: () => T): T
}

/** A job and where its work runs. */
type Begun = { readonly job: Job; run<T>(fn: () => T): T }

const SCOPE = 'tts-otel'

/**
 * Runs `fn` inside a `tts_request` span, and adds what it took and brought to the span and the metrics. What `fn` returns is
 * returned; what it throws is recorded once and thrown on as it is. A plain pass-through where nothing is registered.
 */
export function ttsRequest<T>(order: TtsOrder, fn: (tts: TtsRequest) => T | Promise<T>): Promise<T> {
  const { job, run } = begin(order)
  return run(() => runJob(job, fn))
}

/**
 * Starts a `tts_request` span that ends with `end` or `fail`. One that never does is ended with the process, marked `tts.interrupted`, and is
 * not in the metrics.
 */
export function startTtsRequest(order: TtsOrder): StartedTtsRequest {
  const { job, run } = begin(order)
  return { ...job.handle, end: () => job.end({}), fail: (error) => job.end({ thrown: { error } }), run }
}

/** Below whatever is active: span, request and user. */
function begin(given: TtsOrder): Begun {
  return withRequest(given, (request) => {
    const order = countOrder(given)
    const span = startSpan(order, request)
    const job = createJob(order, span, request)
    const inside: Context = trace.setSpan(context.active(), span)
    return { job, run: (fn) => resumeRequest(request, () => context.with(inside, () => runInTtsRequest(job.handle, fn))) }
  })
}

/** A sampler or processor of the app's that throws costs the span, not the speech. */
function startSpan(order: CountedOrder, request: RequestContext): Span {
  try {
    return trace.getTracer(SCOPE).startSpan(SPAN_TTS_REQUEST, { attributes: orderAttributes(order, request) })
  } catch (error) {
    diag.warn('tts-otel: a tts_request could not be traced; the request itself is not affected.', error)
    return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
  }
}

async function runJob<T>(job: Job, fn: (tts: TtsRequest) => T | Promise<T>): Promise<T> {
  let result: T
  try {
    result = await fn(job.handle)
  } catch (error) {
    job.end({ thrown: { error } })
    throw error
  }
  job.end({})
  return result
}
