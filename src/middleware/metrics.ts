import type { Meter } from '@opentelemetry/api'
import { account } from '../tts/account.ts'
import { followProvider } from '../tts/instruments.ts'
import { activeConnections } from '../tts/observed.ts'
import { METRIC_TTS_AUTH_FAILURES } from '../tts/semconv.ts'

/** How a request ended, for the metrics. */
export type ServedEnd = {
  readonly isAuthFailure: boolean
  /** Where the server instrumentation does not measure the request, or there is none: seconds, and whether it failed as that would say. */
  readonly unmeasured?: { readonly durationS: number; readonly hasFailed: boolean } | undefined
}

/** What the middleware measures, in all apps of this process. */
export const serviceMetrics = createServiceMetrics()

/** Requests under way are counted here and read once for each export. The instruments belong to whichever provider is registered now. */
function createServiceMetrics() {
  const underWay = { count: 0 }
  const authFailures = followProvider((meter: Meter) =>
    meter.createCounter(METRIC_TTS_AUTH_FAILURES, { unit: '{request}', description: 'Requests that were refused with 401' }),
  )
  let isObserved = false

  return {
    started(): void {
      underWay.count++
      if (!isObserved) activeConnections.add(() => underWay.count)
      isObserved = true
      activeConnections.follow()
      authFailures()
    },
    ended({ isAuthFailure, unmeasured }: ServedEnd): void {
      underWay.count--
      if (unmeasured) account.request(unmeasured.durationS, unmeasured.hasFailed)
      if (!isAuthFailure) return
      account.authFailure()
      authFailures().add(1)
    },
  }
}
