import { type Context, createTraceState, propagation, type TextMapPropagator, type TraceState, trace } from '@opentelemetry/api'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import type { Config } from './config.ts'
import type { Redactor } from './log/redact.ts'

/** How the trace travels in headers: W3C trace context and baggage, as `OTEL_PROPAGATORS` chooses. */
export function createPropagator(config: Config, redactor: Redactor): TextMapPropagator {
  const propagators = { tracecontext: () => createTracePropagator(redactor), baggage: () => createBaggagePropagator(redactor) }
  return new CompositePropagator({ propagators: config.propagators.map((name) => propagators[name]()) })
}

/** `tracestate` comes from whoever calls, stands on every span and goes to every server the app calls: entries with a secret end here. */
function createTracePropagator(redactor: Redactor): TextMapPropagator {
  const standard = new W3CTraceContextPropagator()
  return {
    inject: (context, carrier, setter) => standard.inject(context, carrier, setter),
    extract: (context, carrier, getter) => cleanTraceState(standard.extract(context, carrier, getter), redactor),
    fields: () => standard.fields(),
  }
}

function cleanTraceState(context: Context, redactor: Redactor): Context {
  const span = trace.getSpanContext(context)
  if (span?.traceState === undefined) return context
  const traceState = redactTraceState(span.traceState, redactor)
  return traceState === span.traceState ? context : trace.setSpanContext(context, { ...span, traceState })
}

/** `state` without the entries that hold a secret, whose values could not be replaced: they have an alphabet of their own. */
export function redactTraceState(state: TraceState, redactor: Redactor): TraceState {
  const text = state.serialize()
  const entries = text.split(',').filter((entry) => redactor.text(entry) === entry)
  const clean = entries.join(',')
  return clean === text ? state : createTraceState(clean)
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
    const [[cleanName, value] = [name, entry.value]] = Object.entries(redactor.attributes({ [name]: entry.value }))
    const metadata = entry.metadata?.toString()
    const isClean = cleanName === name && value === entry.value && (metadata === undefined || redactor.text(metadata) === metadata)
    if (isClean) continue
    // Properties (`;key=value`) are dropped as a whole with the secret in them, and a name that is one with its value.
    clean = clean.removeEntry(name)
    if (cleanName === name) clean = clean.setEntry(name, { value: String(value) })
  }
  return clean === baggage ? context : propagation.setBaggage(context, clean)
}
