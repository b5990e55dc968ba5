import type { AlertSeverity, Labels } from '../../notification.ts'
import { SIGNALS } from '../../signal-names.ts'
import { parseCondition } from '../condition.ts'
import { formatDuration } from '../duration.ts'
import type { Rule, RuleSet } from '../rule.ts'
import type { Template } from '../template.ts'
import { ExportRefusedError, labelsThere, toPromql } from './expression.ts'

/** One alerting rule of Prometheus. https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
export type PrometheusRule = {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly keep_firing_for?: string
  readonly labels: Labels
  readonly annotations?: Labels
}

/** A rule of Alertmanager: what keeps what quiet. https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule */
export type InhibitRule = {
  readonly source_matchers: readonly string[]
  readonly target_matchers: readonly string[]
  readonly equal: readonly string[]
}

export type PrometheusExport = {
  readonly rules: readonly PrometheusRule[]
  /** For the configuration of Alertmanager. */
  readonly inhibitRules: readonly InhibitRule[]
  /** Rules that cannot be said there, and why. */
  readonly refused: readonly string[]
}

/** Rules for Prometheus that fire on the same data, as far as that can be said there; a rule that gets worse becomes one for each severity. */
export function exportToPrometheus({ rules, logCounts }: RuleSet): PrometheusExport {
  const signals = [...Object.keys(SIGNALS), ...logCounts.map(({ name }) => name)]
  const refused: string[] = []
  const exported = rules.flatMap((rule) => {
    try {
      return [{ rule, ...exportRule(rule, signals) }]
    } catch (error) {
      if (!(error instanceof ExportRefusedError)) throw error
      refused.push(`${rule.name}: ${error.message}`)
      return []
    }
  })
  const labelsOf = new Map(exported.map(({ rule, there }) => [rule.name, Object.values(there)]))
  return {
    rules: exported.flatMap((one) => one.rules),
    inhibitRules: exported.flatMap(({ rule }) => inhibitRules(rule, labelsOf)),
    refused,
  }
}

type Exported = { readonly rules: readonly PrometheusRule[]; readonly there: Readonly<Record<string, string>> }

function exportRule(rule: Rule, signals: readonly string[]): Exported {
  if (rule.noData === 'alert') throw new ExportRefusedError('no_data: alert would need a second rule with absent() for what is missing')
  const scope = { signals, labels: rule.by, threshold: rule.condition.threshold }
  const parse = (text: string) => {
    const parsed = parseCondition(text, scope)
    if (parsed.kind === 'problem') throw new Error(`a condition that was read cannot be read again: ${parsed.problem.message}`)
    return parsed.value
  }
  const parsed = parse(rule.condition.text)
  const there = labelsThere({ parsed, by: rule.by })
  const toRule = (severity: AlertSeverity, expr: string): PrometheusRule => ({
    alert: rule.name,
    expr,
    ...(rule.forMs > 0 && { for: formatDuration(rule.forMs) }),
    ...(rule.keepFiringForMs > 0 && { keep_firing_for: formatDuration(rule.keepFiringForMs) }),
    labels: { severity, ...rule.labels },
    ...(Object.keys(rule.annotations).length > 0 && { annotations: toAnnotations(rule, { severity, there }) }),
  })
  const expressionOf = (text: string) => toPromql({ parsed: parse(text), by: rule.by, threshold: rule.condition.threshold })
  const own = expressionOf(rule.condition.text)
  const raised = rule.raises.map(({ severity, condition }) => toRule(severity, `(${own}) and (${expressionOf(condition.text)})`))
  return { rules: [toRule(rule.severity, own), ...raised.toReversed()], there }
}

type Texts = { readonly severity: AlertSeverity; readonly there: Readonly<Record<string, string>> }

function toAnnotations(rule: Rule, texts: Texts): Labels {
  return Object.fromEntries(Object.entries(rule.annotations).map(([name, template]) => [name, toGoTemplate(template, rule, texts)]))
}

const FORMATS = { number: 'humanize', percent: 'humanizePercentage', duration: 'humanizeDuration' } as const

function toGoTemplate(template: Template, rule: Rule, { severity, there }: Texts): string {
  const { condition, signals, name: alert, labels } = rule
  const subject = condition.subject === undefined ? undefined : signals[condition.subject]?.name
  return template
    .map((part) => {
      if (typeof part === 'string') return part
      const { name, format } = part
      if (name === 'value' || name === subject) return `{{ $value | ${FORMATS[format]} }}`
      if (name === 'rule') return alert
      if (name === 'severity') return severity
      if (name === 'threshold') return `{{ ${condition.threshold} | ${FORMATS[format]} }}`
      const label = name.startsWith('labels.') ? name.slice('labels.'.length) : undefined
      if (label !== undefined) return labels[label] ?? `{{ $labels.${there[label]} }}`
      throw new ExportRefusedError(`an annotation shows ${name}: there an alert has one value, that of ${subject ?? 'nothing'}`)
    })
    .join('')
}

function inhibitRules(rule: Rule, labelsOf: ReadonlyMap<string, readonly string[]>): readonly InhibitRule[] {
  const equal = labelsOf.get(rule.name) ?? []
  const quiet = rule.inhibits.filter((name) => labelsOf.has(name))
  const others = quiet.map((name) => ({
    source_matchers: [matcher('alertname', rule.name)],
    target_matchers: [matcher('alertname', name)],
    equal: equal.filter((label) => labelsOf.get(name)?.includes(label)),
  }))
  const levels = [...rule.raises.map(({ severity }) => severity), rule.severity]
  const own = levels.slice(0, -1).flatMap((worse, index) =>
    levels.slice(index + 1).map((milder) => ({
      source_matchers: [matcher('alertname', rule.name), matcher('severity', worse)],
      target_matchers: [matcher('alertname', rule.name), matcher('severity', milder)],
      equal,
    })),
  )
  return [...others, ...own]
}

function matcher(label: string, value: string): string {
  return `${label}=${JSON.stringify(value)}`
}
