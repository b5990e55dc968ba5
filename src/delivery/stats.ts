import type { DropReason } from '../wire/outcome.ts'
import type { Signal } from '../wire/signal.ts'
import { type DiskAccount, NO_DISK } from './shelf-account.ts'

/**
 * What became of one signal's items (spans, log records, metric points) since the process started.
 *
 * At every moment `created + found = sent + waiting + handedOver + Σ dropped`.
 */
export type SignalHealth = {
  /** Handed to the delivery. What a sampler left out is not among them. */
  readonly created: number
  /** Spans that a sampler decided not to record. */
  readonly sampledOut: number
  /** Left on disk by processes that have ended, and taken over by this one. */
  readonly found: number
  /** Acknowledged by the collector and not rejected by it. */
  readonly sent: number
  /** Those of `sent` that were sent from disk. */
  readonly replayed: number
  /** Written to disk because they were not acknowledged within a second. */
  readonly spooled: number
  /** Requests that had to be sent again. */
  readonly retried: number
  /** In the queue, in a request, in memory or on disk to be sent again. At the end of a process: on disk for the next. */
  readonly waiting: number
  /** On disk, and taken over by another process because this one gave no sign of life for half a minute. */
  readonly handedOver: number
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
  replayed: number
  spooled: number
  retried: number
  readonly dropped: Record<DropReason, number>
  /** Items in memory. Asked for at each snapshot; the pipeline that holds them sets it. */
  waiting: () => number
  /** What is on disk. Asked for at each snapshot. */
  disk: () => DiskAccount
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
  const dropped = { queue_full: 0, poison: 0, too_large: 0, refused: 0, rejected: 0, undelivered: 0, encode: 0, ...NO_DISK.dropped }
  const counts = { created: 0, sampledOut: 0, sent: 0, replayed: 0, spooled: 0, retried: 0 }
  return { ...counts, dropped, waiting: () => 0, disk: () => NO_DISK }
}

function toHealth({ waiting, disk, dropped, ...counts }: Counters): SignalHealth {
  const onDisk = disk()
  return {
    ...counts,
    found: onDisk.found,
    waiting: waiting() + onDisk.waiting,
    handedOver: onDisk.handedOver,
    dropped: {
      ...dropped,
      spool_full: dropped.spool_full + onDisk.dropped.spool_full,
      expired: dropped.expired + onDisk.dropped.expired,
      corrupt: dropped.corrupt + onDisk.dropped.corrupt,
      io: dropped.io + onDisk.dropped.io,
    },
  }
}
