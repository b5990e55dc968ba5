import { createHash } from 'node:crypto'
import type { Delivery, DeliveryLogEntry, DeliveryResult } from '../delivery.ts'
import { ALERT_SEVERITIES, type Alert, type AlertSeverity, type Labels, type Notification } from '../notification.ts'

/** A channel that has given up an alert and has taken none since. */
export type Outage = {
  /** When the first alert that it lost was made. */
  readonly sinceMs: number
  /** At least `error`, and as bad as the worst alert it lost. */
  readonly severity: AlertSeverity
}

/** Which channels are out, and what is to be told of it on the others. */
export type Outages = {
  /** A delivery has been given up: what to raise on the `others`, once for each outage, and once more when something critical is lost. */
  lost(delivery: Delivery, result: DeliveryResult, others: readonly string[]): Notification | undefined
  /** A delivery has arrived: what to raise when that ends an outage. */
  arrived(channel: string, atMs: number, others: readonly string[]): Notification | undefined
  /** The channel is no more, and nothing waits for it: what to raise when it was out. */
  removed(channel: string, atMs: number, others: readonly string[]): Notification | undefined
  /** Channels that are out. */
  current(): ReadonlyMap<string, Outage>
}

const RULE = 'Notification channel failing'
/** Begins the group of what is told here; none of the evaluator's begins so. */
const GROUP = 'channel-failing:'

/**
 * Keeps account of channels that lose alerts, beginning with what the log (newest first) tells of earlier processes.
 *
 * What is raised never raises anything itself, and neither does a test: no loop can come of it. The ids are made of the
 * channel and the outage alone, so that a process that ended in between raises the same again, and the store takes it once.
 */
export function createOutages(log: readonly DeliveryLogEntry[]): Outages {
  const outages = restore(log)

  function end(channel: string, told: Pick<Raised, 'atMs' | 'others'> & { readonly summary: string }): Notification | undefined {
    const outage = outages.get(channel)
    if (outage === undefined) return undefined
    outages.delete(channel)
    const { summary, ...when } = told
    return raise({ channel, outage, annotations: { summary }, reason: 'resolved', ...when })
  }

  return {
    lost({ channel, notification, createdMs }, result, others) {
      if (notification.test || isRaised(notification)) return undefined
      const severity = severityOf(notification.severity)
      const known = outages.get(channel)
      if (known !== undefined && rank(known.severity) >= rank(severity)) return undefined
      const outage = { sinceMs: known?.sinceMs ?? createdMs, severity }
      outages.set(channel, outage)
      const summary = `The channel "${channel}" could not be reached: "${notification.rule}" (${notification.severity}, ${notification.status}) was not delivered.`
      const annotations = { summary, description: `Attempts: ${result.attempts}. The last one: ${result.error ?? 'unknown'}` }
      const reason = known === undefined ? 'first' : 'severity_raised'
      return raise({ channel, outage, others, annotations, reason, atMs: result.atMs })
    },
    arrived: (channel, atMs, others) => end(channel, { atMs, others, summary: `The channel "${channel}" delivers again.` }),
    removed: (channel, atMs, others) => end(channel, { atMs, others, summary: `The channel "${channel}" is no longer set up.` }),
    current: () => outages,
  }
}

/** For each channel what was lost since the last arrival. */
function restore(log: readonly DeliveryLogEntry[]): Map<string, Outage> {
  const outages = new Map<string, Outage>()
  const working = new Set<string>()
  for (const entry of log) {
    const { channel, createdMs } = entry
    if (entry.kind === 'delivered') working.add(channel)
    if (working.has(channel) || entry.test || isRaised(entry)) continue
    const severity = severityOf(entry.severity)
    const later = outages.get(channel)
    outages.set(channel, {
      sinceMs: createdMs,
      severity: later !== undefined && rank(later.severity) > rank(severity) ? later.severity : severity,
    })
  }
  return outages
}

function isRaised({ groupKey }: { readonly groupKey: string }): boolean {
  return groupKey.startsWith(GROUP)
}

function severityOf(lost: AlertSeverity): AlertSeverity {
  return lost === 'critical' ? 'critical' : 'error'
}

function rank(severity: AlertSeverity): number {
  return ALERT_SEVERITIES.indexOf(severity)
}

type Raised = Pick<Notification, 'reason' | 'atMs'> & {
  readonly channel: string
  readonly outage: Outage
  readonly others: readonly string[]
  readonly annotations: Labels
}

function raise({ channel, outage: { sinceMs, severity }, others, annotations, reason, atMs }: Raised): Notification | undefined {
  if (others.length === 0) return undefined
  const status = reason === 'resolved' ? 'resolved' : 'firing'
  const groupLabels = { alertname: RULE, channel }
  const fingerprint = createHash('sha256').update(`${GROUP}${channel}`).digest('hex').slice(0, 16)
  const alert: Alert = {
    status,
    labels: { ...groupLabels, severity },
    annotations,
    startsAtMs: sinceMs,
    endsAtMs: status === 'resolved' ? atMs : undefined,
    value: null,
    fingerprint,
  }
  return {
    id: `channel-failing-${fingerprint}-${sinceMs}-${status === 'firing' ? severity : status}`,
    groupKey: `${GROUP}${channel}`,
    groupLabels,
    reason,
    status,
    rule: RULE,
    severity,
    channels: others,
    alerts: [alert],
    metrics: {},
    atMs,
    test: false,
  }
}
