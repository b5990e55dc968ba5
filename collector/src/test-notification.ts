import { createHash, randomUUID } from 'node:crypto'
import type { Rule } from './alert/rule.ts'
import type { Notification } from './notification.ts'

/** What a rule would tell of, marked as a test; without values, as nothing has been measured. */
export function testNotification({ name, severity, labels, signals, channels }: Rule, nowMs: number): Notification {
  const id = `test-${randomUUID()}`
  const identity = { alertname: name, ...labels }
  return {
    id,
    // A thread of its own, so that it ends no alert and is ended by none.
    groupKey: `test:${id}`,
    groupLabels: { alertname: name },
    reason: 'first',
    status: 'firing',
    rule: name,
    severity,
    channels,
    alerts: [
      {
        status: 'firing',
        labels: { ...identity, severity },
        annotations: { summary: `Test of the rule "${name}": nothing has happened, and this alert will not be resolved.` },
        startsAtMs: nowMs,
        endsAtMs: undefined,
        value: null,
        fingerprint: createHash('sha256').update(id).digest('hex').slice(0, 16),
      },
    ],
    metrics: Object.fromEntries(signals.map((signal) => [signal.name, null])),
    atMs: nowMs,
    test: true,
  }
}
