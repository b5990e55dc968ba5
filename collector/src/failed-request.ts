import type { Attributes } from './batch.ts'

/** Whether a series of `http.server.request.duration` counts what the server itself has as failed. https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ */
export function hasFailed(attributes: Attributes): boolean {
  return Number(attributes['http.response.status_code'] ?? 0) >= 500 || attributes['error.type'] !== undefined
}
