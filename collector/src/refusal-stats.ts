/** Why a connection ended before anything was asked, or before its answer was taken. Each is a label of `tts_otel_collector_connections_refused_total`. */
export const CONNECTION_REFUSALS = [
  'too_many',
  'too_many_of_address',
  'tls',
  'bad_http',
  'headers_too_large',
  'too_slow',
  'answer_not_taken',
] as const

/** Why a question was not answered. Each is a label of `tts_otel_collector_reads_refused_total`. */
export const READ_REFUSALS = ['forbidden', 'unauthorized', 'overloaded'] as const

export type ConnectionRefusal = (typeof CONNECTION_REFUSALS)[number]
export type ReadRefusal = (typeof READ_REFUSALS)[number]

/** Counts who was turned away at the door, where nobody knows yet which signal it was about. */
export type RefusalStats = {
  readonly addConnection: (reason: ConnectionRefusal) => void
  readonly addRead: (reason: ReadRefusal) => void
  /** In the Prometheus text format 0.0.4, for `GET /metrics`. */
  readonly prometheus: () => string
}

/** Creates counters that start at 0. */
export function createRefusalStats(): RefusalStats {
  const connections = new Map<string, number>(CONNECTION_REFUSALS.map((reason) => [reason, 0]))
  const reads = new Map<string, number>(READ_REFUSALS.map((reason) => [reason, 0]))
  return {
    addConnection: (reason) => addOne(connections, reason),
    addRead: (reason) => addOne(reads, reason),
    prometheus: () =>
      counter('tts_otel_collector_connections_refused_total', 'Connections that were refused or cut.', connections) +
      counter('tts_otel_collector_reads_refused_total', 'Questions to the reading side that were not answered.', reads),
  }
}

function addOne(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1)
}

function counter(name: string, help: string, counts: ReadonlyMap<string, number>): string {
  const lines = [...counts].map(([reason, count]) => `${name}{reason="${reason}"} ${count}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join('')}`
}
