import { diag, type Span } from '@opentelemetry/api'
import { processConfig } from '../config.ts'
import type { RequestContext } from '../request-context.ts'
import { decideOutcome, type Ending, type TtsCallFacts } from './outcome.ts'
import { createPlayback, type Playback } from './playback.ts'
import { type CountedOrder, recordOnMetrics, recordOnSpan } from './record.ts'
import { EVENT_CALL_COMPLETED, EVENT_REQUEST_QUEUED, TTS_OUTCOME } from './semconv.ts'
import { createStopwatch } from './stopwatch.ts'
import { findSuspicion } from './suspicion.ts'
import { createTally } from './tally.ts'

/** A speech request while it runs. All calls are optional: without them the times of the whole and what `gemini_api_call` saw are used. */
export type TtsRequest = {
  /** The real span, for attributes of your own. */
  readonly span: Span
  readonly requestId: string
  /** It waits for its turn from now on. */
  queued(): void
  /** Its turn has come: processing time counts from here. `waitedS`: how long it has waited where this process did not see it, as in a queue on Redis. */
  started(waitedS?: number): void
  /** The text is spoken in `count` parts, each by a call of its own. */
  chunks(count: number): void
  /** The audio, or a part of it, comes from a cache: where no call of the provider follows, it costs nothing. */
  cacheHit(): void
  /** The first audio has arrived; later calls change nothing. */
  firstAudio(): void
  /** A piece of audio (a string is base64) that went to the user, now. Wins over what the calls of the provider report. */
  audio(piece: string | Uint8Array, mimeType: string): void
  /** The user does not want it any more: however it ends, that is no error. */
  cancelled(): void
  /** Called by whoever instruments the provider, when a call has ended. */
  onCall(call: TtsCallFacts): void
}

/** The handle of a request and what ends it; the first end counts. Nothing of it throws. */
export type Job = { readonly handle: TtsRequest; end(ending: Ending): void }

/** Collects what happens to a speech request, and writes it to `span` and the metrics when it ends. */
export function createJob(order: CountedOrder, span: Span, request: RequestContext): Job {
  const tally = createTally({ model: order.model, characters: order.characters, now: () => new Date() })
  const stopwatch = createStopwatch()
  let heard: Playback | undefined
  let textChunks: number | undefined
  let isFromCache = false
  let isCancelled = false
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

  function onCall(call: TtsCallFacts): void {
    tally.add(call)
    if (call.playback) stopwatch.firstAudio(call.playback.firstMs)
    else if (call.timeToFirstAudioS !== undefined) stopwatch.firstAudioOfCall(call.timeToFirstAudioS, call.durationS)
    span.addEvent(EVENT_CALL_COMPLETED, { [TTS_OUTCOME]: call.outcome })
  }

  const record = quietly((thrownOr: Ending) => {
    const ending = isCancelled ? { ...thrownOr, isCancelled } : thrownOr
    const totals = tally.totals()
    const audio = heard?.audio() ?? totals.audio
    const playback = heard?.facts() ?? totals.playback
    const { text, language } = order
    const suspicion = findSuspicion({ text, language, totals, heard: heard?.audio(), isFromCache })
    const outcome = decideOutcome({ ending, last: totals.last, heard: heard?.audio(), audio, suspicion })
    const times = stopwatch.times(playback?.firstAudibleMs)
    const result = { ...totals, ...times, audio, playback, textChunks, isFromCache, suspicion, order, outcome, ending }
    recordOnSpan(span, result, request)
    recordOnMetrics(result)
  })

  return {
    handle: {
      span,
      requestId: request.requestId,
      queued: quietly(() => {
        stopwatch.queued()
        span.addEvent(EVENT_REQUEST_QUEUED)
      }),
      started: quietly(stopwatch.started),
      chunks: quietly((count) => {
        textChunks = count
      }),
      cacheHit: quietly(() => {
        isFromCache = true
      }),
      firstAudio: quietly(() => stopwatch.firstAudio()),
      audio: quietly((piece, mimeType) => {
        // Before the piece is listened to, which takes its time.
        const nowMs = performance.now()
        stopwatch.firstAudio(nowMs)
        heard ??= createPlayback(mimeType, { analyse: processConfig().config.speech.analyseAudio })
        heard.add(piece, nowMs)
      }),
      cancelled: quietly(() => {
        isCancelled = true
      }),
      onCall: quietly(onCall),
    },
    end(ending) {
      record(ending)
      quietly(() => span.end())()
      isOver = true
    },
  }
}
