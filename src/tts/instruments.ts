import { type Meter, type MeterProvider, metrics } from '@opentelemetry/api'

const SCOPE = 'tts-otel'

/** The instruments of the meter provider that is registered now. The API hands out no-ops before one is, and never replaces them. */
export function followProvider<T>(create: (meter: Meter) => T): () => T {
  let provider: MeterProvider | undefined
  let current: { readonly instruments: T } | undefined
  return function currentInstruments() {
    const registered = metrics.getMeterProvider()
    if (current === undefined || provider !== registered) {
      provider = registered
      current = { instruments: create(registered.getMeter(SCOPE)) }
    }
    return current.instruments
  }
}
