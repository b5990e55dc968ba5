import { type AnyValue, type Context, context, diag, isSpanContextValid, type SeverityNumber, TraceFlags, trace } from '@opentelemetry/api'
import { addFields, type Fields } from '../log/fields.ts'
import { createOtelLoggers } from '../log/otel-loggers.ts'
import { SOURCE } from '../tts/semconv.ts'

/** A record of another logger (the console, pino, winston). The registered processor gives it its id, its request and takes the secrets out. */
export type BridgedRecord = {
  /** Name of the logger it came from. */
  readonly source: string
  readonly severityNumber: SeverityNumber
  /** As that logger calls it. */
  readonly severityText: string
  readonly message: string
  readonly fields: Fields
  /** Default: now. */
  readonly timeMs?: number | undefined
  /** Where it was written. Default: the active one. */
  readonly context?: Context | undefined
}

/** Fields that say where in a trace a line was written; as every OpenTelemetry log bridge names them. */
export const TRACE_FIELDS = { traceId: 'trace_id', spanId: 'span_id', traceFlags: 'trace_flags' } as const

/** Hands records to OpenTelemetry, where a provider is registered. Never throws. */
export function createBridge(): (record: BridgedRecord) => void {
  const otelLoggerOf = createOtelLoggers()
  return function bridge(record) {
    try {
      const { source, severityNumber, severityText, message, timeMs = Date.now() } = record
      const attributes: Record<string, AnyValue> = { [SOURCE]: source }
      addFields(attributes, record.fields)
      const timestamp = new Date(timeMs)
      otelLoggerOf(source).emit({
        timestamp,
        severityNumber,
        severityText,
        body: message,
        attributes,
        context: record.context ?? contextOf(attributes),
      })
    } catch (error) {
      diag.warn(`tts-otel: a record of ${record.source} did not reach OpenTelemetry; the app and its own log are not affected.`, error)
    }
  }
}

/** The span that the fields name, which are then no attributes any more; otherwise the active one. */
function contextOf(attributes: Record<string, AnyValue>): Context {
  const { trace_id: traceId, span_id: spanId, trace_flags: flags } = attributes
  const active = context.active()
  if (typeof traceId !== 'string' || typeof spanId !== 'string') return active
  const traceFlags = flags === '00' || flags === 0 ? TraceFlags.NONE : TraceFlags.SAMPLED
  const spanContext = { traceId, spanId, traceFlags }
  if (!isSpanContextValid(spanContext)) return active
  for (const name of Object.values(TRACE_FIELDS)) delete attributes[name]
  return trace.setSpanContext(active, spanContext)
}
