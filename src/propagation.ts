import { type Context, propagation, type TextMapPropagator } from '@opentelemetry/api'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import type { Config } from './config.ts'
import type { Redactor } from './log/redact.ts'

/** How the trace travels in headers: W3C trace context and baggage, as `OTEL_PROPAGATORS` chooses. */
export function createPropagator(config: Config, redactor: Redactor): TextMapPropagator {
  const propagators = { tracecontext: () => new W3CTraceContextPropagator(), baggage: () => createBaggagePropagator(redactor) }
  return new CompositePropagator({ propagators: config.propagators.map((name) => propagators[name]()) })
}

/** Baggage goes to every server the app calls, so secrets are taken out on the way. What comes in is left as it is. */
function createBaggagePropagator(redactor: Redactor): TextMapPropagator {
  const standard = new W3CBaggagePropagator()
  return {
    inject: (context, carrier, setter) => standard.inject(redactBaggage(context, redactor), carrier, setter),
    extract: (context, carrier, getter) => standard.extract(context, carrier, getter),
    fields: () => standard.fields(),
  }
}

function redactBaggage(context: Context, redactor: Redactor): Context {
  const baggage = propagation.getBaggage(context)
  if (baggage === undefined) return context
  let clean = baggage
  for (const [name, entry] of baggage.getAllEntries()) {
    const { [name]: value } = redactor.attributes({ [name]: entry.value })
    if (value !== entry.value) clean = clean.setEntry(name, { ...entry, value: String(value) })
  }
  return clean === baggage ? context : propagation.setBaggage(context, clean)
}
