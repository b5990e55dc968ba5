import { createServerDuration } from '../instrument/http-duration.ts'
import { HTTP_REQUEST_METHOD } from '../instrument/http-semconv.ts'
import { account } from './account.ts'
import { followProvider } from './instruments.ts'
import { addProcessingTime } from './metrics.ts'
import { ERROR_TYPE } from './semconv.ts'

/** What the convention has for a method that is not known, and for an error that has no name. */
const OTHER = '_OTHER'
const SUCCESS = Object.freeze({ [HTTP_REQUEST_METHOD]: OTHER })
const FAILURE = Object.freeze({ [HTTP_REQUEST_METHOD]: OTHER, [ERROR_TYPE]: OTHER })

const serverDuration = followProvider(createServerDuration)

/**
 * Counts a request of `durationS` seconds in `http.server.request.duration` and the summary, as the server instrumentation does by itself:
 * for code that has neither registration nor middleware, such as a worker with a queue. A number that is none is not counted. Never throws.
 */
export function recordRequest(durationS: number, success = true): void {
  if (!isDuration(durationS)) return
  account.request(durationS, !success)
  serverDuration().record(durationS, success ? SUCCESS : FAILURE)
}

/** Counts `seconds` in `tts.processing.duration` and the summary, for code that makes no `ttsRequest`. A number that is none is not counted. Never throws. */
export function recordProcessingTime(seconds: number): void {
  if (isDuration(seconds)) addProcessingTime(seconds)
}

/** One wrong value would spoil every sum that it becomes a part of. */
function isDuration(value: number): boolean {
  return Number.isFinite(value) && value >= 0
}
