import type { Notice } from './alert-listener.ts'
import type { Readback, Summary } from './readback.ts'

/** What the API process said of its telemetry when it ended: `getTelemetryHealth()`, as far as it is compared. */
export type Report = Readonly<Record<'traces' | 'metrics' | 'logs', { readonly created: number; readonly sent: number }>>

/** Created in the app against found in the database. */
export type Verdict = {
  readonly spans: { readonly sent: number; readonly stored: number }
  readonly logs: { readonly sent: number; readonly stored: number }
  /** Metric points created and acknowledged; and the HTTP requests that the stored metrics add up to. */
  readonly metrics: { readonly sent: number; readonly acknowledged: number; readonly requests_counted: number }
  /** The figures of the whole run, its end included. */
  readonly summary: Summary
  /** One sentence for each thing that did not arrive. */
  readonly losses: readonly string[]
}

/** Compares what the API created with what the collector gives back. `requests` is how many the API was sent. */
export async function judge(reported: string, requests: number, readback: Readback): Promise<Verdict> {
  const report = parseReport(reported)
  const stored = await readback.count()
  const summary = await readback.summary()
  const verdict = {
    spans: { sent: report.traces.created, stored: stored.spans },
    logs: { sent: report.logs.created, stored: stored.logs },
    metrics: { sent: report.metrics.created, acknowledged: report.metrics.sent, requests_counted: summary.total_requests },
  }
  const losses = [
    differ('spans', verdict.spans.sent, verdict.spans.stored),
    differ('log records', verdict.logs.sent, verdict.logs.stored),
    differ('metric points', verdict.metrics.sent, verdict.metrics.acknowledged),
    differ('requests in the metrics', requests, summary.total_requests),
  ]
  return { ...verdict, summary, losses: losses.filter((loss) => loss !== null) }
}

/** Alerts that fired and ended by the collector's own account, and notifications that arrived. */
export type AlertVerdict = {
  readonly counts: { readonly fired: number; readonly resolved: number; readonly delivered: number }
  readonly losses: readonly string[]
}

/** Compares what the collector says of its alerts with what the webhook got: every alert is told of when it fires and when it ends. */
export async function judgeAlerts(notices: readonly Notice[], readback: Readback): Promise<AlertVerdict> {
  const history = await readback.alertHistory()
  const [fired, resolved] = (['firing', 'resolved'] as const).map((wanted) => history.filter(({ event }) => event === wanted).length)
  const counts = { fired: fired ?? 0, resolved: resolved ?? 0, delivered: notices.length }
  const told = counts.fired + counts.resolved
  const losses = [
    counts.fired === 0 ? 'alerts: none has fired' : null,
    counts.fired === counts.resolved ? null : `alerts: ${counts.fired} have fired, ${counts.resolved} have ended`,
    told === counts.delivered ? null : `alerts: the webhook got ${counts.delivered} notifications of ${told}`,
  ]
  return { counts, losses: losses.filter((loss) => loss !== null) }
}

function differ(what: string, sent: number, stored: number): string | null {
  return sent === stored ? null : `${what}: ${sent} were made, ${stored} are stored`
}

function parseReport(text: string): Report {
  try {
    return JSON.parse(text) as Report // written by report.ts with the same types
  } catch {
    throw new Error(`The TTS API ended without a report on its telemetry${text ? `, but with: ${text.slice(0, 200)}` : ''}`)
  }
}
