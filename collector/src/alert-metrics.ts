import type { Alerting } from './alerting.ts'

const PREFIX = 'tts_otel_collector_alert'

/** What alerts do, in the Prometheus text format 0.0.4. */
export function alertMetrics({ stats, desk }: Pick<Alerting, 'stats' | 'desk'>): string {
  const { isLeading, checks, failedChecks, series, seriesOverflow, logOverflow, errorsSuppressed } = stats()
  const channels = Object.entries(desk.overview().channels)
  const lines = [
    ...metric('leading', 'gauge', 'Whether this collector decides about alerts.', [['', Number(isLeading)]]),
    ...metric('checks_total', 'counter', 'Looks at the rules.', [
      ['{outcome="kept"}', checks],
      ['{outcome="failed"}', failedChecks],
    ]),
    ...metric('series', 'gauge', 'Series that signals are made of.', [['', series]]),
    ...metric('overflow_total', 'counter', 'What signals had no room for.', [
      ['{of="points"}', seriesOverflow],
      ['{of="log_records"}', logOverflow],
    ]),
    ...metric('errors_suppressed_total', 'counter', 'Log records that were not reported at once, as there were too many.', [
      ['', errorsSuppressed],
    ]),
    ...metric(
      'deliveries_waiting',
      'gauge',
      'Notifications on their way.',
      channels.map(([name, { waiting }]) => [label(name), waiting]),
    ),
    ...metric(
      'deliveries_total',
      'counter',
      'Notifications that have arrived, or were given up.',
      channels.flatMap(([name, { delivered, dead }]): Sample[] => [
        [label(name, 'delivered'), delivered],
        [label(name, 'dead'), dead],
      ]),
    ),
  ]
  return [...lines, ''].join('\n')
}

type Sample = readonly [labels: string, value: number]

function metric(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): readonly string[] {
  const full = `${PREFIX}_${name}`
  if (samples.length === 0) return []
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...samples.map(([labels, value]) => `${full}${labels} ${value}`)]
}

/** Names of channels are letters, digits, - and _. */
function label(channel: string, outcome?: string): string {
  return `{channel="${channel}"${outcome === undefined ? '' : `,outcome="${outcome}"`}}`
}
