import { type Histogram, type MeterProvider, metrics, type ObservableGauge, type ObservableResult } from '@opentelemetry/api'
import { ERROR_TYPE, HEALTH_CHECK_NAME, METRIC_HEALTH_CHECK_DURATION, METRIC_HEALTH_CHECK_STATUS } from '../tts/semconv.ts'
import type { Examination, Service } from './service.ts'

export type HealthMetrics = {
  /** Reports to the meter provider that is registered now; to be called often, as one may be registered at any time. */
  follow(): void
  record(name: string, examination: Examination): void
  /** Lets go of the services; an SDK may go on reporting the last values. */
  stop(): void
}

type Instruments = { readonly provider: MeterProvider; readonly status: ObservableGauge; readonly duration: Histogram }

/** From a ping on the same machine to the longest limit that makes sense. */
const DURATION_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** `health.check.status` and `health.check.duration` of `services`, through the OpenTelemetry API. */
export function createHealthMetrics(services: readonly Service[]): HealthMetrics {
  let current: Instruments | undefined

  function observe(result: ObservableResult): void {
    for (const service of services) {
      const { status, response_time } = service.health()
      // Before the first check there is nothing to alert on.
      if (response_time !== undefined) result.observe(status === 'healthy' ? 1 : 0, { [HEALTH_CHECK_NAME]: service.name })
    }
  }

  function stop(): void {
    current?.status.removeCallback(observe)
  }

  return {
    follow() {
      const provider = metrics.getMeterProvider()
      if (current?.provider === provider) return
      stop()
      current = createInstruments(provider)
      current.status.addCallback(observe)
    },
    record(name, { durationMs, failure }) {
      const error = failure ? { [ERROR_TYPE]: failure.type } : {}
      current?.duration.record(durationMs / 1_000, { [HEALTH_CHECK_NAME]: name, ...error })
    },
    stop,
  }
}

function createInstruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter('tts-otel')
  return {
    provider,
    status: meter.createObservableGauge(METRIC_HEALTH_CHECK_STATUS, {
      unit: '1',
      description: 'Whether the services that the app depends on are healthy: 1, else 0',
    }),
    duration: meter.createHistogram(METRIC_HEALTH_CHECK_DURATION, {
      unit: 's',
      description: 'Duration of health checks',
      advice: { explicitBucketBoundaries: DURATION_S },
    }),
  }
}
