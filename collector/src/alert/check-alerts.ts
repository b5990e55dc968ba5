import type { AlertSeverity } from '../notification.ts'
import type { Rule, RuleSet } from './rule.ts'
import { fillTemplate } from './template.ts'

/** Signals by name, as a condition writes them (`error_rate[1m]`) or without the window; what is missing or null has no data. */
export type Metrics = Readonly<Record<string, number | null | undefined>>

/** A rule whose condition holds. */
export type Breach = {
  readonly rule: string
  readonly severity: AlertSeverity
  /** The annotation `summary`, or `Alert: name`. */
  readonly message: string
  /** Names of channels. */
  readonly channels: readonly string[]
  /** What the condition reads, as it writes it; null without data. */
  readonly metrics: Readonly<Record<string, number | null>>
}

/**
 * Which rules hold for these values now, whatever was before: no `for`, no memory, nothing is sent. A rule that another one of them inhibits
 * is left out. For alerts that are told once, and end, there is `evaluate`.
 */
export function checkAlerts({ rules }: Pick<RuleSet, 'rules'>, metrics: Metrics): readonly Breach[] {
  const holding = rules.flatMap((rule) => {
    const values = rule.signals.map(({ name, signal }) => toValue(metrics[name] ?? metrics[signal]))
    const truth = rule.condition.holds(values, {})
    const isBreach = truth === true || (truth === null && rule.noData === 'alert')
    return isBreach ? [{ rule, values }] : []
  })
  const inhibited = new Set(holding.flatMap(({ rule }) => rule.inhibits.filter((name) => name !== rule.name)))
  return holding.filter(({ rule }) => !inhibited.has(rule.name)).map(({ rule, values }) => toBreach(rule, values))
}

function toValue(given: number | null | undefined): number {
  return typeof given === 'number' && Number.isFinite(given) ? given : Number.NaN
}

function toBreach(rule: Rule, values: readonly number[]): Breach {
  const { name, channels, signals, condition, raises, labels, annotations } = rule
  const known = values.map((value) => (Number.isNaN(value) ? null : value))
  const metrics = Object.fromEntries(signals.map((signal, index) => [signal.name, known[index] ?? null]))
  const severity = raises.find((raise) => raise.condition.holds(values, {}) === true)?.severity ?? rule.severity
  const value = condition.subject === undefined ? null : (known[condition.subject] ?? null)
  const facts = { rule: name, severity, value, threshold: condition.threshold, labels, metrics }
  const message = annotations.summary === undefined ? `Alert: ${name}` : fillTemplate(annotations.summary, facts)
  return { rule: name, severity, message, channels, metrics }
}
