import type { Histogram, Meter } from '@opentelemetry/api'
import { HTTP_DURATION_BUCKETS_S, METRIC_HTTP_SERVER_DURATION } from './http-semconv.ts'

/** `http.server.request.duration`, the same for all who measure requests. https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ */
export function createServerDuration(meter: Meter): Histogram {
  return meter.createHistogram(METRIC_HTTP_SERVER_DURATION, {
    description: 'Duration of HTTP server requests.',
    unit: 's',
    advice: { explicitBucketBoundaries: HTTP_DURATION_BUCKETS_S },
  })
}
