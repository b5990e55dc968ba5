import type { Notification } from '../notification.ts'
import { commonOf } from './outline.ts'

/**
 * The short body: `{rule, severity, message, metrics, timestamp}`, the time in seconds since 1970.
 *
 * Behind these five: `status` (`firing` or `resolved`) and `reason`, without which nobody could tell the end of an alert from its beginning;
 * `id` and `group` to recognize it; its labels and annotations; `test` when a person tries the channel out.
 */
export function plainBody(notification: Notification): string {
  const { rule, severity, metrics, atMs, status, reason, id, groupKey, alerts, test } = notification
  return JSON.stringify({
    rule,
    severity,
    message: `Alert: ${rule}`,
    metrics,
    timestamp: atMs / 1_000,
    status,
    reason,
    id,
    group: groupKey,
    labels: commonOf(alerts.map(({ labels }) => labels)),
    annotations: commonOf(alerts.map(({ annotations }) => annotations)),
    ...(test && { test }),
  })
}
