import { type Context, context, SpanKind, trace } from '@opentelemetry/api'
import { currentTtsRequest } from '../tts/current.ts'
import { GEN_AI_OPERATION_NAME, SPAN_GEMINI_CALL } from '../tts/semconv.ts'
import { type CallRecorderOptions, guardedBy } from './genai-call.ts'
import type { CallFailure } from './genai-errors.ts'
import { emitCallException } from './genai-exception.ts'
import { type LiveMessage, readLiveMessage, readSeconds } from './genai-live-message.ts'
import { judgeClose, judgeSocketError, LEFT } from './genai-live-outcome.ts'
import { createLiveReport, type LiveReport } from './genai-live-report.ts'
import { createLiveTurns } from './genai-live-turns.ts'
import { createGeminiMetrics } from './genai-metrics.ts'
import { judgeThrown } from './genai-outcome.ts'
import { type CallRequest, requestAttributes, sharedAttributes } from './genai-request.ts'
import { GEMINI_LIVE_RESUMED } from './genai-semconv.ts'
import type { Guard } from './guard.ts'
import { createOriginParser } from './origin.ts'

/** A connection that is to be made. */
export type LiveRequest = {
  readonly call: CallRequest
  /** It goes on with an earlier session. */
  readonly isResumed: boolean
  /** The model decides by itself whether it answers. */
  readonly mayBeSilent: boolean
}

/** One connection, told what happens to it. None of its functions throws; the first end counts. */
export type LiveCall = {
  /** What the connection is made in: its HTTP request becomes a child of its span. */
  readonly context: Context
  received(message: unknown): void
  /** The app wanted an answer, at `atMs` of {@link performance.now}. */
  asked(atMs: number): void
  /** The app is about to close it. */
  closing(): void
  /** The socket had an error; its end follows. */
  broke(event: unknown): void
  closed(event: unknown): void
  /** `connect` was in vain. */
  failed(error: unknown): void
}

type LiveRecorderOptions = Pick<CallRecorderOptions, 'metricNames' | 'analyseAudio' | 'exceptionEvents'>
type StartLive = (request: LiveRequest) => LiveCall
type Guarded = ReturnType<typeof guardedBy>

/**
 * Makes `gemini_api_call` spans of connections: the result opens one. The metrics count each turn as one call of the model, as the span of
 * ten minutes of talk has no meaningful duration; a connection that fails outside of any turn counts as one more.
 * https://github.com/open-telemetry/semantic-conventions-genai/pull/394 (`generate_live_content`)
 */
export function createLiveRecorder(guard: Guard, { metricNames, analyseAudio, exceptionEvents }: LiveRecorderOptions): StartLive {
  const tracer = trace.getTracer('tts-otel')
  const parseOrigin = createOriginParser()
  const metricsOf = createGeminiMetrics(metricNames)
  const guarded = guardedBy(guard)

  return function startLive(request) {
    const { call, isResumed } = request
    const parent = context.active()
    const server = call.baseUrl === undefined ? undefined : parseOrigin(call.baseUrl)
    const shared = { ...sharedAttributes(call, server), [GEN_AI_OPERATION_NAME]: 'generate_live_content' }
    const attributes = { ...shared, ...requestAttributes(call), [GEMINI_LIVE_RESUMED]: isResumed || undefined }
    const span = tracer.startSpan(SPAN_GEMINI_CALL, { kind: SpanKind.CLIENT, attributes }, parent)
    const tts = call.isSpeech ? currentTtsRequest() : undefined
    const ofSpan = trace.setSpan(parent, span)
    const report = createLiveReport({ span, metrics: metricsOf({ shared, context: ofSpan }), model: call.model, tts })
    const onThrown = (thrown: unknown, failure: CallFailure): void => {
      if (exceptionEvents && failure.type !== 'cancelled') emitCallException({ thrown, failure, about: shared, context: ofSpan })
    }
    return { context: ofSpan, ...followConnection({ ...request, analyse: analyseAudio, onThrown }, report, guarded) }
  }
}

type Connection = LiveRequest & { readonly analyse: boolean; readonly onThrown: (thrown: unknown, failure: CallFailure) => void }

/** What happens to the connection, in its order, with what it means for the turn that is under way. */
function followConnection(
  { call, mayBeSilent, analyse, onThrown }: Connection,
  report: LiveReport,
  guarded: Guarded,
): Omit<LiveCall, 'context'> {
  const wantsAudio = call.isSpeech && !mayBeSilent
  const turns = createLiveTurns({ wantsAudio, analyse, onTurn: report.turn, onGaps: report.gaps, onUsage: report.usage })
  let isSetUp = false
  let isByApp = false
  let isAnnounced = false
  let isEnded = false
  let broken: CallFailure | undefined
  /** The failure that a turn has ended in. */
  let told: CallFailure | undefined

  function readNews({ setupComplete, goAway }: LiveMessage): void {
    if (setupComplete && !isSetUp) {
      isSetUp = true
      report.setUp(setupComplete.sessionId)
    }
    if (!goAway) return
    isAnnounced = true
    report.goAway(readSeconds(goAway.timeLeft))
  }

  function endTurns(failure: CallFailure | undefined): void {
    if (turns.isMidTurn()) told = failure
    turns.end(failure)
  }

  function end(failure: CallFailure | undefined): void {
    if (isEnded) return
    isEnded = true
    endTurns(failure)
    if (failure && failure !== told) report.failure(failure)
    report.end(failure)
  }

  return {
    received: guarded((value: unknown) => {
      if (isEnded) return
      const message = readLiveMessage(value)
      readNews(message)
      turns.received(message)
    }),
    asked: guarded((atMs: number) => turns.asked(atMs, call.isSpeech ? currentTtsRequest() : undefined)),
    closing: guarded(() => {
      isByApp = true
      endTurns(broken ?? LEFT)
    }),
    broke: guarded((event: unknown) => {
      if (!isByApp) broken ??= judgeSocketError(event)
    }),
    closed: guarded((event: unknown) => {
      const { code = 1006, reason = '' } = event as { readonly code?: number; readonly reason?: string } // every part is optional
      if (!isEnded) report.closeCode(code)
      end(judgeClose({ code, reason, error: broken, isByApp, isSetUp, isMidTurn: turns.isMidTurn(), isAnnounced }))
    }),
    failed: guarded((error: unknown) => {
      if (isEnded) return
      const failure = broken ?? judgeThrown(error, call.limits)
      end(failure)
      onThrown(error, failure)
    }),
  }
}
