import { type Context, createContextKey } from '@opentelemetry/api'

/** The SDK's own key (`createContextKey` is `Symbol.for`), spelled out so that apps without the SDK do not load `@opentelemetry/core`. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/** `context` in which no span is started and no trace context is sent. */
export function suppress(context: Context): Context {
  return context.setValue(SUPPRESS_TRACING, true)
}

/** Whether whoever runs in `context` asked not to be traced: exporters do, and health probes. */
export function isSuppressed(context: Context): boolean {
  return context.getValue(SUPPRESS_TRACING) === true
}
