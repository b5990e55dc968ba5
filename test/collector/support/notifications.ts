import type { Alert, Notification } from '../../../collector/src/notification.ts'

/** 2026-11-22T10:00:00Z. */
export const START_MS = Date.UTC(2026, 10, 22, 10)

let made = 0

/** A firing alert of the rule "High Error Rate". */
export function alert(changes: Partial<Alert> = {}): Alert {
  return {
    status: 'firing',
    labels: { alertname: 'High Error Rate', severity: 'warning', route: '/v1/speak' },
    annotations: { summary: '8 % of requests fail' },
    startsAtMs: START_MS,
    endsAtMs: undefined,
    value: 0.08,
    fingerprint: '0f1e2d3c4b5a6978',
    ...changes,
  }
}

/** A notification with an id of its own about one such alert, for the channel `webhook`. */
export function notification(changes: Partial<Notification> = {}): Notification {
  return {
    id: `n-${++made}`,
    groupKey: 'High Error Rate{route="/v1/speak"}',
    groupLabels: { alertname: 'High Error Rate', route: '/v1/speak' },
    reason: 'first',
    status: 'firing',
    rule: 'High Error Rate',
    severity: 'warning',
    channels: ['webhook'],
    alerts: [alert()],
    metrics: { error_rate: 0.08 },
    atMs: START_MS + 30_000,
    test: false,
    ...changes,
  }
}

/** The end of what {@link notification} tells. */
export function resolved(changes: Partial<Notification> = {}): Notification {
  const end = { status: 'resolved', endsAtMs: START_MS + 300_000 } as const
  return notification({ reason: 'resolved', status: 'resolved', alerts: [alert(end)], atMs: START_MS + 300_000, ...changes })
}
