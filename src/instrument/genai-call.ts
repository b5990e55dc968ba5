import { type Attributes, type Context, context, logs, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { currentTtsRequest } from '../tts/current.ts'
import type { TtsCallFacts } from '../tts/outcome.ts'
import { EVENT_CALL_COMPLETED, GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, SPAN_GEMINI_CALL } from '../tts/semconv.ts'
import { type Attempts, createAttempts, withAttempts } from './attempts.ts'
import { type Answer, billedAudioTokens } from './genai-answer.ts'
import { answerAttributes, attemptAttributes, failureAttributes, finishAttributes } from './genai-attributes.ts'
import { createContentCollector, type GenAiContent } from './genai-content.ts'
import type { CallFailure } from './genai-errors.ts'
import { emitCallException } from './genai-exception.ts'
import { createGaps } from './genai-gaps.ts'
import { watchLoss } from './genai-lost.ts'
import { createGeminiMetrics, type MetricNames } from './genai-metrics.ts'
import { judgeAnswer, judgeLeft, judgeThrown, outcomeOf } from './genai-outcome.ts'
import { type CallRequest, requestAttributes, sharedAttributes } from './genai-request.ts'
import { EVENT_GEN_AI_DETAILS, GEN_AI_INPUT_MESSAGES, GEN_AI_OUTPUT_MESSAGES, GEN_AI_SYSTEM_INSTRUCTIONS } from './genai-semconv.ts'
import { hasUploadHook, uploadContent } from './genai-upload.ts'
import type { Guard } from './guard.ts'
import { createOriginParser } from './origin.ts'

/** One call of the client, told what happens to it. None of its functions throws; the first end counts. */
export type GeminiCall = {
  /** What the call runs in: its HTTP attempts become children of its span. */
  readonly context: Context
  /** The answer, or the next piece of it: a response, an interaction or an event of one. */
  received(piece: unknown): void
  /** The answer is complete. */
  completed(): void
  failed(error: unknown): void
  /** The caller stopped reading the stream. */
  left(): void
  /** The caller reads the answer in a way that cannot be watched: nothing is known of its end. */
  handedOver(): void
  /** The answer comes in `stream`: who loses it without reading to the end has left. */
  comesIn(stream: object): void
}

export type CallRecorderOptions = {
  readonly metricNames: MetricNames
  /** Where the text of a call is written. */
  readonly captureContent: 'none' | 'span' | 'event' | 'both'
  /** Audio is decoded and measured, in bounded samples. */
  readonly analyseAudio: boolean
  /** What a call throws is a log record, too. */
  readonly exceptionEvents: boolean
}

type StartCall = (request: CallRequest) => GeminiCall

/** Makes `gemini_api_call` spans and their metrics, and tells the surrounding `tts_request`: the result opens one call. */
export function createCallRecorder(guard: Guard, options: CallRecorderOptions): StartCall {
  const { metricNames, captureContent, analyseAudio, exceptionEvents } = options
  const tracer = trace.getTracer('tts-otel')
  const parseOrigin = createOriginParser()
  const metricsOf = createGeminiMetrics(metricNames)
  const guarded = guardedBy(guard)

  return function startCall(request) {
    const { baseUrl, isStream } = request
    const wantsAudio = request.isSpeech && !request.isBackground
    const parent = context.active()
    const shared = sharedAttributes(request, baseUrl === undefined ? undefined : parseOrigin(baseUrl))
    const asked = { ...shared, ...requestAttributes(request) }
    const span = tracer.startSpan(SPAN_GEMINI_CALL, { kind: SpanKind.CLIENT, attributes: asked }, parent)
    const tts = request.isSpeech ? currentTtsRequest() : undefined
    const attempts = createAttempts(baseUrl)
    const collector = captureContent !== 'none' || hasUploadHook() ? createContentCollector(request) : undefined
    const reader = request.createReader({ onText: collector?.onText, analyse: analyseAudio })
    const ofSpan = trace.setSpan(parent, span)
    const metrics = metricsOf({ shared, context: ofSpan })
    const clock = createClock()
    const gaps = isStream ? createGaps(metrics.recordChunks) : undefined
    let isEnded = false

    function end(judge: (answer: Answer) => CallFailure | undefined, isWhole = true): void {
      if (isEnded) return
      isEnded = true
      const answer = reader.answer()
      const failure = judge(answer)
      gaps?.flush()
      const times = clock.times(answer.firstAudioMs)
      const isFinishDue = (isWhole && !request.isBackground) || answer.finishReasons.length > 0
      const learnt: Attributes = {
        ...answerAttributes(answer),
        ...(isFinishDue ? finishAttributes(answer) : {}),
        ...attemptAttributes(attempts, answer, isStream),
        ...(isStream ? { [GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: times.firstChunkS } : {}),
        ...(failure ? failureAttributes(failure) : {}),
      }
      span.setAttributes(learnt)
      // A call that the app itself ended says so in `error.type`, but is no error.
      if (failure && failure.type !== 'cancelled') span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message })
      metrics.record({ answer, failure, durationS: times.durationS, firstChunkS: isStream ? times.firstChunkS : undefined })
      tts?.onCall(toTtsCall({ answer, failure, times, attempts, model: request.model }))
      if (collector) writeContent({ content: collector.content(answer), attributes: { ...asked, ...learnt }, captureContent, span, ofSpan })
      span.end()
    }

    function fail(thrown: unknown): void {
      if (isEnded) return
      const failure = judgeThrown(thrown, request.limits)
      end(() => failure)
      if (exceptionEvents && failure.type !== 'cancelled') emitCallException({ thrown, failure, about: shared, context: ofSpan })
    }

    const left = guarded(() => end((answer) => judgeLeft(answer, { wantsAudio, isStream }, request.limits)))
    return {
      context: withAttempts(ofSpan, attempts),
      received: guarded((piece: unknown) => {
        // Before the audio is listened to, which takes its time.
        const nowMs = performance.now()
        clock.received(nowMs)
        gaps?.piece(nowMs)
        reader.add(piece, nowMs)
      }),
      completed: guarded(() => {
        if (!isEnded) span.addEvent(EVENT_CALL_COMPLETED)
        end((answer) => judgeAnswer(answer, { wantsAudio, isStream }))
      }),
      failed: guarded(fail),
      left,
      handedOver: guarded(() => end(() => undefined, false)),
      comesIn: (stream) => watchLoss(stream, left),
    }
  }
}

/** Makes of a step one that never throws. */
export function guardedBy(guard: Guard) {
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

/** Times of one call, from now on. */
function createClock(): { received(atMs: number): void; times(firstAudioMs: number | undefined): Times } {
  const startMs = performance.now()
  let firstChunkMs: number | undefined
  const sinceStart = (atMs: number | undefined) => (atMs === undefined ? undefined : (atMs - startMs) / 1_000)
  return {
    received(atMs) {
      firstChunkMs ??= atMs
    },
    times: (firstAudioMs) => ({
      durationS: (performance.now() - startMs) / 1_000,
      firstChunkS: sinceStart(firstChunkMs),
      firstAudioS: sinceStart(firstAudioMs),
    }),
  }
}

type EndedCall = {
  readonly answer: Answer
  readonly failure: CallFailure | undefined
  readonly times: Times
  readonly attempts: Attempts
  readonly model: string | undefined
}

function toTtsCall({ answer, failure, times, attempts, model }: EndedCall): TtsCallFacts {
  return {
    outcome: outcomeOf(answer, failure),
    model: answer.model ?? model,
    audio: answer.audio,
    playback: answer.playback,
    inputTokens: answer.usage?.input,
    audioTokens: billedAudioTokens(answer.usage),
    tier: answer.serviceTier,
    timeToFirstAudioS: times.firstAudioS,
    durationS: times.durationS,
    attempts: Math.max(1, attempts.sent),
    errorType: failure?.type,
  }
}

type Capture = {
  readonly content: GenAiContent
  readonly attributes: Attributes
  readonly captureContent: CallRecorderOptions['captureContent']
  readonly span: Span
  readonly ofSpan: Context
}

function writeContent({ content, attributes, captureContent, span, ofSpan }: Capture): void {
  if (captureContent === 'span' || captureContent === 'both') span.setAttributes(contentAsText(content))
  if (captureContent === 'event' || captureContent === 'both') emitContent(content, attributes, ofSpan)
  if (hasUploadHook()) uploadContent(content, span)
}

/** Attributes of spans hold no structures. */
function contentAsText({ inputMessages, systemInstructions, outputMessages }: GenAiContent): Attributes {
  return {
    [GEN_AI_INPUT_MESSAGES]: JSON.stringify(inputMessages),
    [GEN_AI_OUTPUT_MESSAGES]: JSON.stringify(outputMessages),
    [GEN_AI_SYSTEM_INSTRUCTIONS]: systemInstructions.length === 0 ? undefined : JSON.stringify(systemInstructions),
  }
}

function emitContent({ inputMessages, systemInstructions, outputMessages }: GenAiContent, about: Attributes, inContext: Context): void {
  const content = { [GEN_AI_INPUT_MESSAGES]: [...inputMessages], [GEN_AI_OUTPUT_MESSAGES]: [...outputMessages] }
  const instructions = systemInstructions.length === 0 ? {} : { [GEN_AI_SYSTEM_INSTRUCTIONS]: [...systemInstructions] }
  logs.getLogger('tts-otel').emit({
    eventName: EVENT_GEN_AI_DETAILS,
    attributes: { ...about, ...content, ...instructions },
    context: inContext,
  })
}
