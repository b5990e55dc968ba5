import type { AlertSeverity, Labels } from '../notification.ts'

/** A text of a rule: what stands there, and what is filled in when it is told. */
export type Template = readonly (string | Placeholder)[]

type Placeholder = {
  /** `value`, `threshold`, `rule`, `severity`, `labels.NAME`, or a signal as a condition writes it. */
  readonly name: string
  readonly format: Format
}

const FORMATS = ['number', 'percent', 'duration'] as const
type Format = (typeof FORMATS)[number]

/** What a template can be filled with. */
export type TemplateFacts = {
  readonly rule: string
  readonly severity: AlertSeverity
  readonly value: number | null
  readonly threshold: number | undefined
  readonly labels: Labels
  readonly metrics: Readonly<Record<string, number | null>>
}

/** What a rule knows when its templates are read. */
export type TemplateScope = { readonly labels: readonly string[]; readonly signals: readonly string[]; readonly hasThreshold: boolean }

/**
 * Reads `{{ value }}`, `{{ labels.route }}`, `{{ error_rate[1m] | percent }}`; a `$` as Prometheus has it may stand in front. What `scope` does
 * not have is a problem, said in the second part.
 */
export function parseTemplate(text: string, scope: TemplateScope): { readonly template: Template; readonly problems: readonly string[] } {
  const problems: string[] = []
  const template = text.split(/(\{\{.*?\}\})/s).map((part, index): string | Placeholder => {
    if (index % 2 === 0) return part
    const [name = '', format = 'number', ...rest] = part
      .slice(2, -2)
      .split('|')
      .map((word) => word.trim())
    const placeholder = { name: name.replace(/^\$/, ''), format: FORMATS.find((known) => known === format) }
    if (placeholder.format === undefined || rest.length > 0)
      problems.push(`${part} has a format that is not known: ${FORMATS.join(', ')} are`)
    if (!isKnown(placeholder.name, scope)) problems.push(`${part} is not known here: ${namesOf(scope).join(', ')} are`)
    return { name: placeholder.name, format: placeholder.format ?? 'number' }
  })
  return { template, problems }
}

/** The text with everything filled in; what has no data says so. */
export function fillTemplate(template: Template, facts: TemplateFacts): string {
  return template.map((part) => (typeof part === 'string' ? part : show(lookUp(part.name, facts), part.format))).join('')
}

function isKnown(name: string, scope: TemplateScope): boolean {
  return namesOf(scope).includes(name)
}

function namesOf({ labels, signals, hasThreshold }: TemplateScope): string[] {
  return ['value', ...(hasThreshold ? ['threshold'] : []), 'rule', 'severity', ...signals, ...labels.map((name) => `labels.${name}`)]
}

function lookUp(name: string, { labels, metrics, value, threshold, rule, severity }: TemplateFacts): string | number | null | undefined {
  if (name.startsWith('labels.')) return labels[name.slice('labels.'.length)] ?? ''
  if (Object.hasOwn(metrics, name)) return metrics[name]
  return { value, threshold, rule, severity }[name]
}

function show(value: string | number | null | undefined, format: Format): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return 'no data'
  if (format === 'percent') return `${digits(value * 100, 3)} %`
  return format === 'duration' ? showSeconds(value) : digits(value, 4)
}

function showSeconds(seconds: number): string {
  if (Math.abs(seconds) < 1) return `${digits(seconds * 1_000, 3)} ms`
  return Math.abs(seconds) < 120 ? `${digits(seconds, 3)} s` : `${digits(seconds / 60, 3)} min`
}

/** Never `1e+3`: people read this. */
function digits(value: number, count: number): string {
  return String(Number(value.toPrecision(count)))
}
