import type { Alert, Labels, Notification } from '../notification.ts'
import { isoTime } from '../readable.ts'
import { commonOf } from './outline.ts'

/** What Alertmanager writes for "not yet". */
const NO_TIME = '0001-01-01T00:00:00Z'
/** Some 30 kB. Beyond it receivers count instead of reading; `truncatedAlerts` says how many are left out. */
const ALERTS_MAX = 50

/**
 * The body of Alertmanager's webhook, version 4, so that whatever takes those takes ours:
 * https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 *
 * Beyond it, as Grafana does it too: `reason`, `severity`, `metrics`, `notificationId`, a `value` with each alert, and `test` when a person tries the
 * channel out, which is also an annotation of each alert, for receivers that show only these.
 */
export function alertmanagerBody(notification: Notification, receiver: string): string {
  const { alerts, groupKey, groupLabels, status, reason, severity, metrics, id, test } = notification
  const all = alerts.map((alert) => toAlert(alert, test))
  const shown = all.slice(0, ALERTS_MAX)
  return JSON.stringify({
    version: '4',
    groupKey,
    truncatedAlerts: all.length - shown.length,
    status,
    receiver,
    groupLabels,
    commonLabels: commonOf(all.map(({ labels }) => labels)),
    commonAnnotations: commonOf(all.map(({ annotations }) => annotations)),
    externalURL: '',
    alerts: shown,
    notificationId: id,
    reason,
    severity,
    metrics,
    ...(test && { test }),
  })
}

function toAlert({ status, labels, annotations, startsAtMs, endsAtMs, value, fingerprint }: Alert, test: boolean) {
  const marked: Labels = test ? { ...annotations, test: 'true' } : annotations
  return {
    status,
    labels,
    annotations: marked,
    startsAt: isoTime(startsAtMs),
    endsAt: endsAtMs === undefined ? NO_TIME : isoTime(endsAtMs),
    generatorURL: '',
    fingerprint,
    value,
  }
}
