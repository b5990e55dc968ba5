import type { BatchObservableResult, MeterProvider } from '@opentelemetry/api'
import { SIGNALS } from '../wire/signal.ts'
import type { SignalHealth, TelemetryHealth } from './stats.ts'

type Count = Exclude<keyof SignalHealth, 'dropped' | 'waiting'>

const COUNTS: Readonly<Record<Count, string>> = {
  created: 'Items handed to the delivery.',
  sampledOut: 'Spans that a sampler decided not to record.',
  found: 'Items left on disk by processes that have ended, and taken over.',
  sent: 'Items that the collector has taken.',
  replayed: 'Items that were sent from disk.',
  spooled: 'Items written to disk because they were not acknowledged within a second.',
  retried: 'Requests that had to be sent again.',
  handedOver: 'Items on disk that another process took over.',
}

/** Spans, log records or data points, except for requests. */
const UNITS: Partial<Readonly<Record<Count, string>>> = { retried: '{request}' }

/**
 * The SDK's own accounts as metrics: `tts_otel.created`, `tts_otel.sent`, … with the attribute `signal`, `tts_otel.dropped` with `reason` as well.
 * A count is reported from its first item on, so that an app without telemetry stays without.
 */
export function reportHealth(provider: MeterProvider, health: () => TelemetryHealth): void {
  const meter = provider.getMeter('tts-otel')
  const counts = Object.entries(COUNTS).map(([key, description]) => {
    const count = key as Count // the keys of the table, which Object.entries forgets
    const name = `tts_otel.${count.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
    return { count, instrument: meter.createObservableCounter(name, { description, unit: UNITS[count] ?? '{item}' }) }
  })
  const dropped = meter.createObservableCounter('tts_otel.dropped', { description: 'Items given up, by reason.', unit: '{item}' })
  const waiting = meter.createObservableUpDownCounter('tts_otel.waiting', { description: 'Items in memory or on disk.', unit: '{item}' })

  function observe(result: BatchObservableResult): void {
    const now = health()
    for (const signal of SIGNALS) {
      const account = now[signal]
      for (const { count, instrument } of counts) if (account[count] > 0) result.observe(instrument, account[count], { signal })
      for (const [reason, items] of Object.entries(account.dropped)) if (items > 0) result.observe(dropped, items, { signal, reason })
      if (account.created + account.found > 0) result.observe(waiting, account.waiting, { signal })
    }
  }

  meter.addBatchObservableCallback(observe, [...counts.map(({ instrument }) => instrument), dropped, waiting])
}
