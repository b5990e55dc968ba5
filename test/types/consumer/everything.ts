// Compiled by types.test.ts against the published declarations; never run.
import * as tts from 'tts-otel'
import * as forExpress from 'tts-otel/express'
import type * as forFastify from 'tts-otel/fastify'
import * as forHono from 'tts-otel/hono'
import * as reading from 'tts-otel/logs'

type IsAny<T> = 0 extends 1 & T ? true : false
/** Names of a module whose type is `any`, or that are functions which take or give `any`. */
type Untyped<Module> = {
  [Name in keyof Module]: IsAny<Module[Name]> extends true
    ? Name
    : Module[Name] extends (...args: infer Args) => infer Result
      ? IsAny<Args> extends true
        ? Name
        : IsAny<Args[number]> extends true
          ? Name
          : IsAny<Result> extends true
            ? Name
            : never
      : never
}[keyof Module]

export const everythingIsTyped: [Untyped<typeof tts | typeof forExpress | typeof forFastify | typeof forHono | typeof reading>] extends [
  never,
]
  ? true
  : false = true

export const errors: readonly tts.TtsApiError[] = [
  new tts.TtsApiError('cold', { code: 'ENGINE_COLD', status: 503, details: { retry_after: 2 }, cause: new Error('x') }),
  new tts.AuthenticationError(),
  new tts.AuthorizationError('no', { cause: 1 }),
  new tts.ValidationError('empty', { field: 'text' }),
  new tts.RateLimitError('slow', 60),
  new tts.TtsProcessingError('no audio', 'r-1'),
  new tts.GeminiApiError('busy', 'UNAVAILABLE', { cause: 1 }),
  new tts.DatabaseError('not stored', 'insert'),
  new tts.RedisError('not known', 'get'),
]
export const code: string = errors[0]!.code
// @ts-expect-error a number of seconds
new tts.RateLimitError('slow', '60')
// @ts-expect-error read-only
new tts.TtsApiError('x').status = 404

const options: forFastify.TtsOtelOptions = {
  trustedProxies: ['10.0.0.0/8'],
  slowRequestS: 2,
  quietPaths: ['/metrics'],
  challenge: 'ApiKey',
}
export const handlers: [forExpress.ExpressHandler, [forExpress.ExpressHandler, forExpress.ExpressErrorHandler]] = [
  forExpress.ttsOtel(options),
  forExpress.ttsOtelErrors(),
]
// @ts-expect-error no such option
forExpress.ttsOtel({ trustedProxy: true })
// @ts-expect-error a list
forExpress.ttsOtel({ trustedProxies: '10.0.0.0/8' })
// @ts-expect-error no app
forHono.ttsOtel({})

export const audio: Promise<string> = tts.ttsRequest(
  { text: 'Two words', voice: 'Kore', language: 'en-US', model: 'm' },
  async (request) => {
    request.queued()
    request.started(1.5)
    request.audio(new Uint8Array(2), 'audio/L16;rate=24000')
    request.audio('AAAA', 'audio/L16;rate=24000')
    const call: tts.TtsCallFacts = { outcome: 'ok', audio: { format: 'wav', bytes: 4 }, tier: 'batch', characters: 9 }
    request.onCall(call)
    // @ts-expect-error no such outcome
    request.onCall({ outcome: 'fine' })
    return request.span.spanContext().traceId
  },
)
const started: tts.StartedTtsRequest = tts.startTtsRequest({ text: 'Two words' })
export const sum: number = started.run(() => 1)
started.fail('whatever was thrown')
started.end()
// @ts-expect-error a text
tts.startTtsRequest({ voice: 'Kore' })

export const stops: readonly (() => void)[] = [tts.observeQueueLength(() => 1), tts.observeActiveConnections(async () => 1)]
// @ts-expect-error a number
tts.observeQueueLength(() => 'many')
tts.recordRequest(0.5)
tts.recordRequest(0.5, false)
tts.recordProcessingTime(0.5)
const summary: tts.MetricsSummary = tts.metricsSummary()
export const figures: readonly [number, number | null, number | null] = [summary.error_rate, summary.p95, summary.queue_length]

export const found: Promise<readonly reading.StoredLog[]> = reading.getLogs({ request_id: 4711, level: 'ERROR', since: new Date() })
export const fromElsewhere = async (): Promise<readonly (string | null)[]> => {
  const options: reading.CollectorOptions = { url: 'https://collector', token: 'x', timeoutMs: 500, signal: AbortSignal.timeout(9) }
  try {
    const logs = await reading.getLogs({ user_id: '4711', limit: 5 }, options)
    return logs.map(({ request_id, timestamp }) => request_id ?? timestamp)
  } catch (error) {
    if (error instanceof reading.CollectorError && error.code === 'TIMEOUT') return []
    // @ts-expect-error no such code
    return error instanceof reading.CollectorError && error.code === 'LATE' ? [] : [null]
  }
}
// @ts-expect-error no such level
reading.getLogs({ level: 'LOUD' })
// @ts-expect-error the names are those of the API
reading.getLogs({ requestId: '4711' })
