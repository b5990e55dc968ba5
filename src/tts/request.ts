import { AsyncLocalStorage } from 'node:async_hooks'
import { context, diag, INVALID_SPAN_CONTEXT, type Span, trace } from '@opentelemetry/api'
import { type RequestContext, withRequest } from '../request-context.ts'
import { createAudioMeter } from './audio.ts'
import { decideOutcome, type Ending, type TtsCallFacts } from './outcome.ts'
import { orderAttributes, recordOnMetrics, recordOnSpan, type TtsOrder } from './record.ts'
import { EVENT_CALL_COMPLETED, EVENT_REQUEST_QUEUED, SPAN_TTS_REQUEST, TTS_OUTCOME } from './semconv.ts'
import { createStopwatch } from './stopwatch.ts'
import { createTally } from './tally.ts'

export type { TtsCallFacts, TtsOutcome } from './outcome.ts'
export type { TtsOrder } from './record.ts'

/** A speech request while it runs. All calls are optional: without them the times of the whole and what `gemini_api_call` saw are used. */
export type TtsRequest = {
  /** The real span, for attributes of your own. */
  readonly span: Span
  readonly requestId: string
  /** It waits for its turn from now on. */
  queued(): void
  /** Its turn has come: processing time counts from here. */
  started(): void
  /** The first audio has arrived; later calls change nothing. */
  firstAudio(): void
  /** A piece of audio (a string is base64) that went to the user. Wins over what the calls of the provider report. */
  audio(piece: string | Uint8Array, mimeType: string): void
  /** Called by whoever instruments the provider, when a call has ended. */
  onCall(call: TtsCallFacts): void
}

type Job = { readonly handle: TtsRequest; end(ending: Ending): void }

const SCOPE = 'tts-otel'

const current = new AsyncLocalStorage<TtsRequest>()

/** The speech request that this code runs in. */
export function currentTtsRequest(): TtsRequest | undefined {
  return current.getStore()
}

/**
 * Runs `fn` inside a `tts_request` span, and adds what it took and brought to the span and the metrics. What `fn` returns is
 * returned; what it throws is recorded once and thrown on as it is. A plain pass-through where nothing is registered.
 */
export function ttsRequest<T>(order: TtsOrder, fn: (tts: TtsRequest) => T | Promise<T>): Promise<T> {
  return withRequest(order, (request) => {
    const span = startSpan(order, request)
    const job = createJob(order, span, request)
    return context.with(trace.setSpan(context.active(), span), () => current.run(job.handle, runJob, job, fn))
  })
}

/** A sampler or processor of the app's that throws costs the span, not the speech. */
function startSpan(order: TtsOrder, request: RequestContext): Span {
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

function createJob(order: TtsOrder, span: Span, request: RequestContext): Job {
  const tally = createTally(order.model, () => new Date())
  const stopwatch = createStopwatch()
  let meter: ReturnType<typeof createAudioMeter> | undefined
  let isOver = false

  /** A report that fails, or comes after the end, must not reach the app. */
  const quietly = <A extends readonly unknown[]>(report: (...args: A) => void) => {
    return (...args: A): void => {
      if (isOver) return
      try {
        report(...args)
      } catch (error) {
        diag.warn('tts-otel: a part of the telemetry of a tts_request is missing; the request itself is not affected.', error)
      }
    }
  }

  const handle: TtsRequest = {
    span,
    requestId: request.requestId,
    queued: quietly(() => {
      stopwatch.queued()
      span.addEvent(EVENT_REQUEST_QUEUED)
    }),
    started: quietly(stopwatch.started),
    firstAudio: quietly(stopwatch.firstAudio),
    audio: quietly((piece, mimeType) => {
      meter ??= createAudioMeter(mimeType)
      meter.add(piece)
      stopwatch.firstAudio()
    }),
    onCall: quietly((call) => {
      tally.add(call)
      if (call.timeToFirstAudioS !== undefined) stopwatch.firstAudioOfCall(call.timeToFirstAudioS, call.durationS)
      span.addEvent(EVENT_CALL_COMPLETED, { [TTS_OUTCOME]: call.outcome })
    }),
  }

  const record = quietly((ending: Ending) => {
    const totals = tally.totals()
    const heard = meter?.facts()
    const outcome = decideOutcome(ending, totals.last, heard)
    const result = { ...totals, ...stopwatch.times(), audio: heard ?? totals.audio, order, outcome, ending }
    recordOnSpan(span, result, request)
    recordOnMetrics(result)
  })

  return {
    handle,
    end(ending) {
      record(ending)
      quietly(() => span.end())()
      isOver = true
    },
  }
}
