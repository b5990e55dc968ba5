import { account } from './account.ts'
import { activeConnections, queueLength } from './observed.ts'

/**
 * What this process has served since it started, under the names that `GET /api/metrics/summary` of the collector has. Durations in
 * seconds. Averages are 0, and the quantiles null, when nothing was measured.
 */
export type MetricsSummary = {
  /** HTTP requests and what `recordRequest` counted. Probes do not count. */
  readonly total_requests: number
  readonly successful_requests: number
  /** Answered 5xx, not answered to the end, or said to have failed. 4xx is the caller's failure. */
  readonly failed_requests: number
  /** Failed ÷ total; 0 when nothing was served. */
  readonly error_rate: number
  readonly avg_request_duration: number
  /** Of speech requests, without their time in a queue. */
  readonly avg_processing_time: number
  /** Of the request durations; estimated from buckets. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly auth_failures: number
  /** As `observeQueueLength` told last; 0 where nobody observes, null while it gives no answer. */
  readonly queue_length: number | null
  /** Requests under way in the middleware, and what `observeActiveConnections` tells. */
  readonly active_connections: number | null
  readonly audio_seconds: number
  readonly characters: number
  readonly estimated_cost_usd: number
}

/**
 * The figures of this process, from what its instruments were fed with: no list is kept, nothing is sent, and it works without
 * registration too. Never throws.
 */
export function metricsSummary(): MetricsSummary {
  const { requests, failedRequests, processing, authFailures, audioS, characters, costUsd } = account.read()
  const total = requests.count()
  return {
    total_requests: total,
    successful_requests: total - failedRequests,
    failed_requests: failedRequests,
    error_rate: ratio(failedRequests, total),
    avg_request_duration: ratio(requests.sum(), total),
    avg_processing_time: ratio(processing.sumS, processing.count),
    p50: requests.quantile(0.5),
    p95: requests.quantile(0.95),
    p99: requests.quantile(0.99),
    auth_failures: authFailures,
    queue_length: queueLength.latest(),
    active_connections: activeConnections.latest(),
    audio_seconds: audioS,
    characters,
    estimated_cost_usd: costUsd,
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
