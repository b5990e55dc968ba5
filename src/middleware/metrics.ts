import { type Counter, type MeterProvider, metrics } from '@opentelemetry/api'
import { METRIC_TTS_ACTIVE_CONNECTIONS, METRIC_TTS_AUTH_FAILURES } from '../tts/semconv.ts'

const SCOPE = 'tts-otel'

/** What the middleware measures, in all apps of this process. */
export const serviceMetrics = createServiceMetrics()

/** Requests under way are counted here and read once for each export. The instruments belong to whichever provider is registered now. */
function createServiceMetrics() {
  const underWay = { count: 0 }
  let provider: MeterProvider | undefined
  let authFailures: Counter | undefined

  function follow(registered: MeterProvider): void {
    provider = registered
    const meter = registered.getMeter(SCOPE)
    authFailures = meter.createCounter(METRIC_TTS_AUTH_FAILURES, { unit: '{request}', description: 'Requests that were refused with 401' })
    const active = meter.createObservableUpDownCounter(METRIC_TTS_ACTIVE_CONNECTIONS, {
      unit: '{connection}',
      description: 'Connections that are being served: requests whose answer has not ended yet',
    })
    active.addCallback((result) => result.observe(underWay.count))
  }

  return {
    started(): void {
      underWay.count++
      const registered = metrics.getMeterProvider()
      if (provider !== registered) follow(registered)
    },
    ended({ isAuthFailure }: { readonly isAuthFailure: boolean }): void {
      underWay.count--
      if (isAuthFailure) authFailures?.add(1)
    },
  }
}
