import type { Fields } from './fields.ts'
import type { MutePeriod } from './mute-time.ts'
import { type Conditions, readConditions } from './read-conditions.ts'
import { NO_DATA_CHOICES, type Rule } from './rule.ts'
import { suggest } from './suggest.ts'
import { parseTemplate, type Template, type TemplateScope } from './template.ts'

/** What the rest of the file has that a rule can name. */
export type RuleContext = {
  readonly logCounts: readonly string[]
  readonly channels: readonly string[]
  readonly muteTimes: Readonly<Record<string, readonly MutePeriod[]>>
}

/** A rule, but for what other rules of its file decide. */
export type ReadRule = Omit<Rule, 'inhibits'>

/** Alertmanager's default. */
const REPEAT_INTERVAL_MS = 4 * 60 * 60_000
/** A day: after it a receiver that ends what it does not hear of again would. */
const REPEAT_INTERVAL_MS_MAX = 24 * 60 * 60_000
/** Names that a notification uses itself. */
const RESERVED_LABELS = ['alertname', 'severity']
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/
const NAME_CHARS_MAX = 200

const NONE: Conditions = {
  condition: { text: '', signals: [], subject: undefined, threshold: undefined, holds: () => null, plain: undefined, ways: [] },
  severity: 'warning',
  raises: [],
  signals: [],
}

/** Reads one entry of `rules:`. Says what is wrong by `fields`; the rule is only to be used when nothing is. */
export function readRule(fields: Fields, context: RuleContext): ReadRule {
  const name = fields.text('name')?.trim() ?? ''
  if (name === '') fields.tell('name', 'is missing: each rule has a name of its own')
  if (name.startsWith('__')) fields.tell('name', `is ${name}: a name does not begin with __`)
  if (name.length > NAME_CHARS_MAX) fields.tell('name', `has ${name.length} characters: ${NAME_CHARS_MAX} are the most`)
  const groupBy = [...(fields.texts('group_by') ?? [])].sort()
  const by = [...new Set([...(fields.texts('by') ?? groupBy), ...groupBy])].sort()
  const conditions = readConditions(fields, { logCounts: context.logCounts, by })
  const labels = readLabels(fields)
  const rule: ReadRule = {
    name,
    ...(conditions ?? NONE),
    channels: readNames(fields, 'channels', context.channels),
    forMs: fields.duration('for') ?? 0,
    keepFiringForMs: fields.duration('keep_firing_for') ?? 0,
    noData: fields.oneOf('no_data', NO_DATA_CHOICES) ?? 'keep',
    labels,
    annotations: readAnnotations(fields, conditions && scopeOfTexts({ ...conditions, labels: [...Object.keys(labels), ...by] })),
    by,
    groupBy,
    groupWaitMs: fields.duration('group_wait') ?? 0,
    repeatIntervalMs: readRepeat(fields),
    inhibitsNamed: fields.texts('inhibits'),
    mute: readNames(fields, 'mute', Object.keys(context.muteTimes)).flatMap((time) => context.muteTimes[time] ?? []),
  }
  fields.refuseOthers()
  return rule
}

function readLabels(fields: Fields): Readonly<Record<string, string>> {
  const labels = fields.labels('labels')
  for (const name of Object.keys(labels)) {
    if (RESERVED_LABELS.includes(name)) fields.tell('labels', `has ${name}, which each alert has anyway`)
    else if (!LABEL_NAME.test(name))
      fields.tell('labels', `has ${name}: a name is letters, digits and _, and begins neither with a digit nor with __`)
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

function scopeOfTexts({ signals, condition, labels }: Conditions & Pick<TemplateScope, 'labels'>): TemplateScope {
  return { labels, signals: signals.map(({ name }) => name), hasThreshold: condition.threshold !== undefined }
}

function readRepeat(fields: Fields): number {
  const repeatMs = fields.duration('repeat_interval') ?? REPEAT_INTERVAL_MS
  if (repeatMs < 1_000 || repeatMs > REPEAT_INTERVAL_MS_MAX) fields.tell('repeat_interval', 'is out of range: 1s to 1d')
  return repeatMs
}
