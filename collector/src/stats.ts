import { SIGNALS, type Signal } from '../../src/wire/signal.ts'

/** Why a request was not taken. Each is a label of `tts_otel_collector_requests_refused_total`. */
export const REFUSALS = [
  'undecodable',
  'forbidden',
  'unauthorized',
  'bad_method',
  'unsupported_type',
  'too_large',
  'too_slow',
  'aborted',
  'overloaded',
  'stopping',
  'sink_unavailable',
  'fault',
] as const

export type Refusal = (typeof REFUSALS)[number]

/** `received`, `stored`, `rejected` and `below_level` count spans, log records or metric points; `refused` counts requests, as nobody looked inside. */
export type Counts = { received: number; stored: number; rejected: number; below_level: number; readonly refused: Record<Refusal, number> }

/** What went through the collector since it started. */
export type Stats = {
  /** Records decoded from a request, whatever became of them. */
  readonly addReceived: (signal: Signal, records: number) => void
  /** Records that every sink has taken. */
  readonly addStored: (signal: Signal, records: number) => void
  /** Records that can never be stored. */
  readonly addRejected: (signal: Signal, records: number) => void
  /** Records that the database does not keep, as they are milder than `LOG_DB_LEVEL`. */
  readonly addBelowLevel: (signal: Signal, records: number) => void
  readonly addRefused: (signal: Signal, reason: Refusal) => void
  /** A copy of all counters. */
  readonly snapshot: () => Record<Signal, Counts>
  /** The counters in the Prometheus text format 0.0.4, for `GET /metrics`. */
  readonly prometheus: () => string
}

/** Creates counters that start at 0. */
export function createStats(): Stats {
  const counts = { traces: startCounts(), metrics: startCounts(), logs: startCounts() }
  return {
    addReceived: (signal, records) => {
      counts[signal].received += records
    },
    addStored: (signal, records) => {
      counts[signal].stored += records
    },
    addRejected: (signal, records) => {
      counts[signal].rejected += records
    },
    addBelowLevel: (signal, records) => {
      counts[signal].below_level += records
    },
    addRefused: (signal, reason) => {
      counts[signal].refused[reason]++
    },
    snapshot: () => structuredClone(counts),
    prometheus: () => toPrometheus(counts),
  }
}

function startCounts(): Counts {
  const refused = {
    undecodable: 0,
    forbidden: 0,
    unauthorized: 0,
    bad_method: 0,
    unsupported_type: 0,
    too_large: 0,
    too_slow: 0,
    aborted: 0,
    overloaded: 0,
    stopping: 0,
    sink_unavailable: 0,
    fault: 0,
  }
  return { received: 0, stored: 0, rejected: 0, below_level: 0, refused }
}

const RECORD_COUNTERS = [
  ['received', 'Spans, log records and metric points decoded.'],
  ['stored', 'Spans, log records and metric points that every sink has taken.'],
  ['rejected', 'Spans, log records and metric points that can never be stored.'],
  ['below_level', 'Log records milder than LOG_DB_LEVEL, which the database does not keep.'],
] as const

function toPrometheus(counts: Readonly<Record<Signal, Counts>>): string {
  const lines: string[] = []
  for (const [key, help] of RECORD_COUNTERS) {
    const name = `tts_otel_collector_records_${key}_total`
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`)
    for (const signal of SIGNALS) lines.push(`${name}{signal="${signal}"} ${counts[signal][key]}`)
  }
  const name = 'tts_otel_collector_requests_refused_total'
  lines.push(`# HELP ${name} Export requests that were not taken.`, `# TYPE ${name} counter`)
  for (const signal of SIGNALS) {
    for (const reason of REFUSALS) lines.push(`${name}{signal="${signal}",reason="${reason}"} ${counts[signal].refused[reason]}`)
  }
  return `${lines.join('\n')}\n`
}
