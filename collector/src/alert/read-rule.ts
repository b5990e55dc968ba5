import { ALERT_SEVERITIES, type Labels } from '../notification.ts'
import { SIGNALS } from '../signal-names.ts'
import { type Condition, type ConditionScope, compileCondition } from './condition.ts'
import type { ConditionSignal } from './condition-windows.ts'
import type { Fields } from './fields.ts'
import { labelsOf } from './label-names.ts'
import type { MutePeriod } from './mute-time.ts'
import { NO_DATA_CHOICES, type Raise, type Rule } from './rule.ts'
import { rankOf } from './severity.ts'
import { suggest } from './suggest.ts'
import { parseTemplate, type Template, type TemplateScope } from './template.ts'

/** What the rest of the file has that a rule can name. */
export type RuleContext = {
  readonly logCounts: readonly string[]
  readonly channels: readonly string[]
  readonly muteTimes: Readonly<Record<string, readonly MutePeriod[]>>
}

/** A rule, but for what other rules of its file decide. */
export type ReadRule = Omit<Rule, 'inhibits'> & { readonly inhibits: readonly string[] | undefined }

/** Alertmanager's default. */
const REPEAT_INTERVAL_MS = 4 * 60 * 60_000
/** A day: after it a receiver that ends what it does not hear of again would. */
const REPEAT_INTERVAL_MS_MAX = 24 * 60 * 60_000
/** Names that a notification uses itself. */
const RESERVED_LABELS = ['alertname', 'severity']
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const NAME_CHARS_MAX = 200

/** Reads one entry of `rules:`. Says what is wrong by `fields`; the rule is only to be used when nothing is. */
export function readRule(fields: Fields, context: RuleContext): ReadRule {
  const name = fields.text('name')?.trim() ?? ''
  if (name === '') fields.tell('name', 'is missing: each rule has a name of its own')
  if (name.length > NAME_CHARS_MAX) fields.tell('name', `has ${name.length} characters: ${NAME_CHARS_MAX} are the most`)
  const threshold = fields.number('threshold')
  const groupBy = [...(fields.texts('group_by') ?? [])].sort()
  const by = [...new Set([...(fields.texts('by') ?? groupBy), ...groupBy])].sort()
  const signals: ConditionSignal[] = []
  const scope: ConditionScope = {
    signals: [...Object.keys(SIGNALS), ...context.logCounts],
    labels: by,
    threshold,
    slotOf: (signal) => placeOf(signal, signals),
  }
  const condition = readCondition(fields, scope)
  checkThreshold(fields, condition, threshold)
  const severity = fields.oneOf('severity', ALERT_SEVERITIES) ?? 'warning'
  const raises = fields.each('raise').map((raise) => readRaise(raise, scope))
  checkBy(fields, by, signals)
  const labels = readLabels(fields)
  const rule: ReadRule = {
    name,
    condition,
    severity,
    raises: raises.toSorted((a, b) => rankOf(b.severity) - rankOf(a.severity)),
    signals,
    channels: readNames(fields, 'channels', context.channels),
    forMs: fields.duration('for') ?? 0,
    keepFiringForMs: fields.duration('keep_firing_for') ?? 0,
    noData: fields.oneOf('no_data', NO_DATA_CHOICES) ?? 'keep',
    labels,
    annotations: readAnnotations(fields, condition === NEVER ? undefined : scopeOfTexts({ labels, by, signals, condition })),
    by,
    groupBy,
    groupWaitMs: fields.duration('group_wait') ?? 0,
    repeatIntervalMs: readRepeat(fields),
    inhibits: fields.texts('inhibits'),
    mute: readNames(fields, 'mute', Object.keys(context.muteTimes)).flatMap((time) => context.muteTimes[time] ?? []),
  }
  fields.refuseOthers()
  return rule
}

function placeOf(signal: ConditionSignal, signals: ConditionSignal[]): number {
  const found = signals.findIndex(({ name }) => name === signal.name)
  return found < 0 ? signals.push(signal) - 1 : found
}

const NEVER: Condition = { text: '', signals: [], subject: undefined, threshold: undefined, holds: () => false }

function readCondition(fields: Fields, scope: ConditionScope): Condition {
  const text = fields.text('condition')
  if (text === undefined) {
    if (!fields.has('condition')) fields.tell('condition', 'is missing: error_rate > 0.05 is one')
    return NEVER
  }
  const compiled = compileCondition(text, scope)
  if (compiled.kind === 'ok') return compiled.value
  fields.tell('condition', compiled.problem.message, compiled.problem)
  return NEVER
}

function checkThreshold(fields: Fields, condition: Condition, threshold: number | undefined): void {
  if (threshold === undefined || condition === NEVER) return
  if (condition.threshold !== threshold)
    fields.tell(
      'threshold',
      `is ${threshold}, and the condition compares with ${condition.threshold ?? 'something else'}: make them agree, or leave the threshold out`,
    )
}

function readRaise(fields: Fields, scope: ConditionScope): Raise {
  const severity = fields.oneOf('severity', ALERT_SEVERITIES)
  if (severity === undefined && !fields.has('severity')) fields.tell('severity', 'is missing')
  const condition = readCondition(fields, scope)
  fields.refuseOthers()
  return { severity: severity ?? 'critical', condition }
}

/** A rule whose labels no signal has would be without data for ever. */
function checkBy(fields: Fields, by: readonly string[], signals: readonly ConditionSignal[]): void {
  if (signals.length === 0 || signals.some(({ signal }) => by.every((label) => labelsOf(signal).includes(label)))) return
  const known = [...new Set(signals.flatMap(({ signal }) => labelsOf(signal)))]
  const names = [...new Set(signals.map(({ signal }) => signal))].join(', ')
  const unknown = by.find((label) => !known.includes(label))
  const field = unknown === undefined || fields.texts('by')?.includes(unknown) ? 'by' : 'group_by'
  const message =
    unknown === undefined
      ? `names ${by.join(', ')}, and none of ${names} can be told apart by all of them`
      : `names ${unknown}, by which ${names} cannot be told apart${suggest(unknown, known) || `: ${known.join(', ')} are there`}`
  fields.tell(field, message)
}

function readLabels(fields: Fields): Readonly<Record<string, string>> {
  const labels = fields.labels('labels')
  for (const name of Object.keys(labels)) {
    if (RESERVED_LABELS.includes(name)) fields.tell('labels', `has ${name}, which each alert has anyway`)
    else if (!LABEL_NAME.test(name)) fields.tell('labels', `has ${name}: a name is letters, digits and _, and begins with no digit`)
  }
  return labels
}

/** Without a scope nothing is checked: the condition is wrong, and what it would have named is not known. */
function readAnnotations(fields: Fields, scope: TemplateScope | undefined): Readonly<Record<string, Template>> {
  return Object.fromEntries(
    Object.entries(fields.labels('annotations')).map(([name, text]) => {
      const { template, problems } = parseTemplate(text, scope ?? { labels: [], signals: [], hasThreshold: false })
      for (const problem of scope === undefined ? [] : problems) fields.tell('annotations', `.${name}: ${problem}`)
      return [name, template]
    }),
  )
}

function readNames(fields: Fields, field: string, known: readonly string[]): readonly string[] {
  const names = fields.texts(field) ?? []
  for (const name of names)
    if (!known.includes(name))
      fields.tell(
        field,
        `names ${name}, which is not there${suggest(name, known) || (known.length > 0 ? `: ${known.join(', ')} are` : '')}`,
      )
  return names
}

type TextParts = {
  readonly labels: Labels
  readonly by: readonly string[]
  readonly signals: readonly ConditionSignal[]
  readonly condition: Condition
}

function scopeOfTexts({ labels, by, signals, condition }: TextParts): TemplateScope {
  return {
    labels: [...Object.keys(labels), ...by],
    signals: signals.map(({ name }) => name),
    hasThreshold: condition.threshold !== undefined,
  }
}

function readRepeat(fields: Fields): number {
  const repeatMs = fields.duration('repeat_interval') ?? REPEAT_INTERVAL_MS
  if (repeatMs < 1_000 || repeatMs > REPEAT_INTERVAL_MS_MAX) fields.tell('repeat_interval', 'is out of range: 1s to 1d')
  return repeatMs
}
