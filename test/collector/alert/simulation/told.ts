import { ALERT_SEVERITIES, type Notification } from '../../../../collector/src/notification.ts'
import type { Expected } from './reference.ts'

/** A notification as the reference writes it. `startMs` is its second 0. */
export function toExpected({ atMs, rule, reason, severity, alerts }: Notification, startMs: number): Expected {
  const labels = (status: string) =>
    alerts.flatMap((alert) => (alert.status === status ? [alert.labels.route ?? alert.labels.instance ?? ''] : [])).sort()
  return {
    at: (atMs - startMs) / 1_000,
    rule,
    reason,
    severity: ALERT_SEVERITIES.indexOf(severity),
    firing: labels('firing'),
    ended: labels('resolved'),
  }
}
