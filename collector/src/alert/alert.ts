import { createHash } from 'node:crypto'
import type { Alert } from '../notification.ts'
import { labelsOf } from './hiding.ts'
import type { Rule } from './rule.ts'
import type { InstanceState } from './state.ts'
import { fillTemplate } from './template.ts'

/** An instance that fires, or has ended, as receivers see it. */
export function toAlert(rule: Rule, instance: InstanceState): Alert {
  const { severity, startsAtMs, endsAtMs, phase } = instance
  const identity = { alertname: rule.name, ...rule.labels, ...instance.labels }
  const metrics = metricsOf(rule, instance)
  const value = rule.condition.subject === undefined ? null : (instance.values[rule.condition.subject] ?? null)
  const facts = { rule: rule.name, severity, value, threshold: rule.condition.threshold, labels: identity, metrics }
  return {
    status: phase === 'resolved' ? 'resolved' : 'firing',
    labels: labelsOf(rule, instance),
    annotations: Object.fromEntries(Object.entries(rule.annotations).map(([name, template]) => [name, fillTemplate(template, facts)])),
    startsAtMs,
    endsAtMs: phase === 'resolved' ? endsAtMs : undefined,
    value,
    fingerprint: hash(Object.entries(identity).sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

/** What the conditions of a rule read, as they write it. */
export function metricsOf({ signals }: Rule, instance: InstanceState | undefined): Record<string, number | null> {
  return Object.fromEntries(signals.map(({ name }, index) => [name, instance?.values[index] ?? null]))
}

/** 16 hex digits. */
export function hash(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}
