import type { DropReason } from '../wire/outcome.ts'
import type { Signal } from '../wire/signal.ts'

/**
 * What became of one signal's items (spans, log records, metric points) since the process started.
 *
 * At every moment `created = sent + waiting + Σ dropped`.
 */
export type SignalHealth = {
  /** Handed to the delivery. What a sampler left out is not among them. */
  readonly created: number
  /** Spans that a sampler decided not to record. */
  readonly sampledOut: number
  /** Acknowledged by the collector and not rejected by it. */
  readonly sent: number
  /** Requests that had to be sent again. */
  readonly retried: number
  /** In the queue, in a request, or waiting to be sent again. */
  readonly waiting: number
  /** Given up, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>
}

/** The state of this process's telemetry, as `getTelemetryHealth()` gives it out. */
export type TelemetryHealth = { readonly [S in Signal]: SignalHealth }

/** The counters of one signal; whoever causes an event adds to them. */
export type Counters = {
  created: number
  sampledOut: number
  sent: number
  retried: number
  readonly dropped: Record<DropReason, number>
  /** Asked for at each snapshot; the pipeline that holds the items sets it. */
  waiting: () => number
}

export type Stats = {
  readonly of: (signal: Signal) => Counters
  readonly snapshot: () => TelemetryHealth
}

/** The counters of all signals, all zero. */
export function createStats(): Stats {
  const counters: Record<Signal, Counters> = { traces: createCounters(), metrics: createCounters(), logs: createCounters() }
  return {
    of: (signal) => counters[signal],
    snapshot: () => ({
      traces: toHealth(counters.traces),
      metrics: toHealth(counters.metrics),
      logs: toHealth(counters.logs),
    }),
  }
}

function createCounters(): Counters {
  const dropped = { queue_full: 0, poison: 0, too_large: 0, refused: 0, rejected: 0, undelivered: 0, encode: 0 }
  return { created: 0, sampledOut: 0, sent: 0, retried: 0, dropped, waiting: () => 0 }
}

function toHealth({ created, sampledOut, sent, retried, dropped, waiting }: Counters): SignalHealth {
  return { created, sampledOut, sent, retried, waiting: waiting(), dropped: { ...dropped } }
}
