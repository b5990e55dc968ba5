import { type Attributes, context, type Histogram, metrics, SpanKind, SpanStatusCode, type TimeInput, trace } from '@opentelemetry/api'
import { ERROR_TYPE } from '../tts/semconv.ts'
import type { DbFailure } from './db-error.ts'
import { DB_DURATION_BUCKETS_S, DB_RESPONSE_STATUS_CODE, METRIC_DB_OPERATION_DURATION } from './db-semconv.ts'
import type { Guard } from './guard.ts'
import { isSuppressed } from './suppress.ts'

/** What one call of a database is known by when it starts. */
export type DbOperation = {
  /** Name of the span. */
  readonly name: string
  /** On span and metric: few values. Frozen and the same object each time: the metric finds its series by it. */
  readonly shared: Readonly<Attributes>
  /** On the span only. */
  readonly attributes: Attributes
  /** Where the call began before it could be told. Default: now. */
  readonly startMs?: number
}

/** One call of a database that is under way. The first end counts. Never throws: it is called from inside of the client. */
export type DbCall = {
  answered(): void
  failed(error: unknown): void
}

type CallOptions = { readonly guard: Guard; readonly readError: (error: unknown) => DbFailure }

/**
 * Starts CLIENT spans and measures `db.client.operation.duration`, of the active context. Undefined where tracing is suppressed.
 * https://opentelemetry.io/docs/specs/semconv/db/database-spans/
 */
export function createDbCalls({ guard, readError }: CallOptions): (operation: DbOperation) => DbCall | undefined {
  const tracer = trace.getTracer('tts-otel')
  const duration: Histogram = metrics.getMeter('tts-otel').createHistogram(METRIC_DB_OPERATION_DURATION, {
    description: 'Duration of database client operations.',
    unit: 's',
    advice: { explicitBucketBoundaries: DB_DURATION_BUCKETS_S },
  })

  return function startCall({ name, shared, attributes, startMs }) {
    const parent = context.active()
    if (isSuppressed(parent)) return undefined
    const beganMs = startMs ?? performance.now()
    const options = { kind: SpanKind.CLIENT, attributes: { ...shared, ...attributes } }
    const span = tracer.startSpan(name, startMs === undefined ? options : { ...options, startTime: toTime(startMs) }, parent)
    let isEnded = false

    function end(failure: DbFailure | undefined): void {
      if (isEnded) return
      isEnded = true
      const seconds = (performance.now() - beganMs) / 1_000
      if (failure === undefined) {
        duration.record(seconds, shared, parent)
      } else {
        const failed = failureAttributes(failure)
        duration.record(seconds, { ...shared, ...failed }, parent)
        span.setAttributes(failed)
        span.setStatus(toStatus(failure))
      }
      span.end()
    }

    return {
      answered: () => guard.run(() => end(undefined)),
      failed: (error) => guard.run(() => end(readError(error))),
    }
  }
}

function toTime(startMs: number): TimeInput {
  return Date.now() - (performance.now() - startMs)
}

function failureAttributes({ type, code }: DbFailure): Attributes {
  return code === undefined ? { [ERROR_TYPE]: type } : { [ERROR_TYPE]: type, [DB_RESPONSE_STATUS_CODE]: code }
}

function toStatus({ message }: DbFailure): { code: SpanStatusCode; message?: string } {
  return message === undefined ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message }
}
