import type { Sink } from './batch.ts'
import { QUEUE_DROP_REASONS, type QueueStats } from './queue.ts'

export type SinkCounts = {
  /** Records that the sink has taken. */
  stored: number
  /** Records that it can never store. */
  rejected: number
  /** Log records milder than it keeps. */
  belowLevel: number
  /** Attempts after which the batch has to come again. */
  retries: number
}

/** What became of batches in each sink, by its name. */
export type SinkStats = {
  /** Counts the outcomes of `sink`. */
  counted(name: string, sink: Sink): Sink
  snapshot(): Readonly<Record<string, SinkCounts>>
  /** In the Prometheus text format 0.0.4, with the queues of those sinks that have one. */
  prometheus(queues: Readonly<Record<string, QueueStats>>): string
}

const PREFIX = 'tts_otel_collector'

export function createSinkStats(): SinkStats {
  const counts: Record<string, SinkCounts> = {}
  return {
    counted(name, sink) {
      const own: SinkCounts = { stored: 0, rejected: 0, belowLevel: 0, retries: 0 }
      counts[name] = own
      return async function counting(batch, signal) {
        const count = batch.records.length
        const outcome = await sink(batch, signal)
        const rejected = outcome.kind === 'drop' ? count : outcome.kind === 'ok' ? (outcome.rejected?.count ?? 0) : 0
        const belowLevel = outcome.kind === 'ok' ? (outcome.belowLevel ?? 0) : 0
        if (outcome.kind === 'retry') own.retries++
        else own.stored += count - rejected - belowLevel
        own.rejected += rejected
        own.belowLevel += belowLevel
        return outcome
      }
    },
    snapshot: () => structuredClone(counts),
    prometheus: (queues) => [...sinkLines(counts), ...queueLines(queues), ''].join('\n'),
  }
}

function sinkLines(counts: Readonly<Record<string, SinkCounts>>): string[] {
  const sinks = Object.entries(counts)
  return [
    ...head(
      'sink_records_total',
      'counter',
      'Records that a sink has stored, can never store, or leaves out by LOG_DB_LEVEL; what is sent again counts again.',
    ),
    ...sinks.flatMap(([sink, { stored, rejected, belowLevel }]) => [
      line('sink_records_total', { sink, outcome: 'stored' }, stored),
      line('sink_records_total', { sink, outcome: 'rejected' }, rejected),
      line('sink_records_total', { sink, outcome: 'below_level' }, belowLevel),
    ]),
    ...head('sink_retries_total', 'counter', 'Attempts after which a batch had to come again.'),
    ...sinks.map(([sink, { retries }]) => line('sink_retries_total', { sink }, retries)),
  ]
}

function queueLines(queues: Readonly<Record<string, QueueStats>>): string[] {
  const stats = Object.entries(queues)
  if (stats.length === 0) return []
  return [
    ...head('queue_records', 'gauge', 'Records that wait for a sink on disk.'),
    ...stats.map(([sink, { waiting }]) => line('queue_records', { sink }, waiting)),
    ...head('queue_bytes', 'gauge', 'Disk that they take.'),
    ...stats.map(([sink, { waitingBytes }]) => line('queue_bytes', { sink }, waitingBytes)),
    ...head('queue_dropped_total', 'counter', 'Records that a queue has lost.'),
    ...stats.flatMap(([sink, { dropped }]) =>
      QUEUE_DROP_REASONS.map((reason) => line('queue_dropped_total', { sink, reason }, dropped[reason])),
    ),
  ]
}

function head(name: string, type: 'counter' | 'gauge', help: string): string[] {
  return [`# HELP ${PREFIX}_${name} ${help}`, `# TYPE ${PREFIX}_${name} ${type}`]
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const inner = Object.entries(labels).map(([key, text]) => `${key}="${text}"`)
  return `${PREFIX}_${name}{${inner.join(',')}} ${value}`
}
