import { type Attributes, type Context, context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { TtsCallFacts, TtsOutcome } from '../tts/outcome.ts'
import { currentTtsRequest } from '../tts/request.ts'
import { ERROR_TYPE, EVENT_CALL_COMPLETED, GEMINI_QUOTA_ID, GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, SPAN_GEMINI_CALL } from '../tts/semconv.ts'
import { type AttemptCount, withAttemptCount } from './fetch.ts'
import { type Answer, createAnswerReader, type GeminiResponse } from './genai-answer.ts'
import { answerAttributes } from './genai-attributes.ts'
import { createGeminiMetrics } from './genai-metrics.ts'
import { type CallFailure, judgeAnswer, judgeLeft, judgeThrown } from './genai-outcome.ts'
import {
  baseUrlOf,
  type Endpoint,
  type GeminiApiClient,
  type GeminiParams,
  requestAttributes,
  sharedAttributes,
  wantsAudio,
} from './genai-request.ts'
import type { Guard } from './guard.ts'
import { createOriginParser } from './origin.ts'

/** One call of the client, told what happens to it. None of its functions throws; the first end counts. */
export type GeminiCall = {
  /** What the call runs in: its HTTP attempts become children of its span. */
  readonly context: Context
  /** The answer, or the next piece of it. */
  received(response: GeminiResponse): void
  /** The answer is complete. */
  completed(): void
  failed(error: unknown): void
  /** The caller stopped reading the stream. */
  left(): void
}

type CallOptions = { readonly params: GeminiParams; readonly client: GeminiApiClient | undefined; readonly endpoint: Endpoint }

/** Makes `gemini_api_call` spans and their metrics, and tells the surrounding `tts_request`: the result opens one call. */
export function createCallRecorder(guard: Guard): (options: CallOptions) => GeminiCall {
  const tracer = trace.getTracer('tts-otel')
  const parseOrigin = createOriginParser()
  const metrics = createGeminiMetrics()

  return function startCall({ params, client, endpoint }) {
    const baseUrl = baseUrlOf(params, client)
    const shared = sharedAttributes(params, client, baseUrl === undefined ? undefined : parseOrigin(baseUrl))
    const expectation = { wantsAudio: wantsAudio(params), isStream: endpoint === 'streamGenerateContent' }
    const parent = context.active()
    const attributes = { ...shared, ...requestAttributes(params, endpoint) }
    const span = tracer.startSpan(SPAN_GEMINI_CALL, { kind: SpanKind.CLIENT, attributes }, parent)
    const tts = expectation.wantsAudio ? currentTtsRequest() : undefined
    const attempts: AttemptCount = { sent: 0, failedInARow: 0 }
    const reader = createAnswerReader()
    const clock = createClock()
    let isEnded = false

    function end(judge: (answer: Answer) => CallFailure | undefined): void {
      if (isEnded) return
      isEnded = true
      const answer = reader.answer()
      const failure = judge(answer)
      const times = clock.times()
      span.setAttributes(answerAttributes(answer))
      if (expectation.isStream && times.firstChunkS !== undefined) span.setAttribute(GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, times.firstChunkS)
      if (failure) setFailure(span, failure)
      metrics.record({ shared, answer, failure, durationS: times.durationS })
      tts?.onCall(toTtsCall({ answer, failure, times, attempts, model: params.model }))
      span.end()
    }

    const guarded = guardedBy(guard)
    return {
      context: withAttemptCount(trace.setSpan(parent, span), attempts),
      received: guarded((response: GeminiResponse) => clock.received(reader.add(response))),
      completed: guarded(() => {
        span.addEvent(EVENT_CALL_COMPLETED)
        end((answer) => judgeAnswer(answer, expectation))
      }),
      failed: guarded((error: unknown) => end(() => judgeThrown(error, limitsOf(params, client)))),
      left: guarded(() => end((answer) => judgeLeft(answer, expectation))),
    }
  }
}

function guardedBy(guard: Guard) {
  return <A extends readonly unknown[]>(step: (...values: A) => void) =>
    (...values: A): void => {
      try {
        step(...values)
      } catch (error) {
        guard.failed(error)
      }
    }
}

type Times = { readonly durationS: number; readonly firstChunkS: number | undefined; readonly firstAudioS: number | undefined }

/** Times of one call, from its start. */
function createClock(): { received(hasAudio: boolean): void; times(): Times } {
  const startMs = performance.now()
  const elapsedS = () => (performance.now() - startMs) / 1_000
  let firstChunkS: number | undefined
  let firstAudioS: number | undefined
  return {
    received(hasAudio) {
      firstChunkS ??= elapsedS()
      if (hasAudio) firstAudioS ??= elapsedS()
    },
    times: () => ({ durationS: elapsedS(), firstChunkS, firstAudioS }),
  }
}

function limitsOf({ config }: GeminiParams, client: GeminiApiClient | undefined) {
  return { signal: config?.abortSignal, timeoutMs: config?.httpOptions?.timeout ?? client?.getTimeout?.() }
}

/** A call that the app itself ended says so in `error.type`, but is no error. */
function setFailure(span: Span, { type, message, quotaId }: CallFailure): void {
  const attributes: Attributes = { [ERROR_TYPE]: type }
  if (quotaId !== undefined) attributes[GEMINI_QUOTA_ID] = quotaId
  span.setAttributes(attributes)
  if (type !== 'cancelled') span.setStatus({ code: SpanStatusCode.ERROR, message })
}

type EndedCall = {
  readonly answer: Answer
  readonly failure: CallFailure | undefined
  readonly times: Times
  readonly attempts: AttemptCount
  readonly model: string | undefined
}

function toTtsCall({ answer, failure, times, attempts, model }: EndedCall): TtsCallFacts {
  return {
    outcome: outcomeOf(answer, failure),
    model: answer.model ?? model,
    audio: answer.audio,
    inputTokens: answer.usage?.input,
    audioTokens: answer.usage?.outputByModality.audio,
    timeToFirstAudioS: times.firstAudioS,
    durationS: times.durationS,
    attempts: Math.max(1, attempts.sent),
    errorType: failure?.type,
  }
}

const OUTCOMES: Readonly<Record<string, TtsOutcome>> = {
  no_audio: 'no_audio',
  text_instead_of_audio: 'text_instead_of_audio',
  truncated: 'truncated',
  truncated_stream: 'truncated',
  cancelled: 'cancelled',
}

/** A limit of tokens, or a continuation that nobody asked for: the call went well, the speech is cut off nevertheless. */
function outcomeOf({ finishReasons }: Answer, failure: CallFailure | undefined): TtsOutcome {
  if (failure) return OUTCOMES[failure.type] ?? 'error'
  return finishReasons.some((reason) => reason === 'MAX_TOKENS' || reason === 'CONTINUATION') ? 'truncated' : 'ok'
}
