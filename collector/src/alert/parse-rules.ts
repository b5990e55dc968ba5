import { createFields, type Fields } from './fields.ts'
import { describeCircle, findCircle, inhibit } from './inhibition.ts'
import { readLogCount } from './log-count.ts'
import { isZone, type MutePeriod, WEEKDAYS } from './mute-time.ts'
import { type ReadRule, readRule } from './read-rule.ts'
import type { RuleSet } from './rule.ts'
import type { Silence } from './silence.ts'
import { type Path, readYaml } from './yaml-text.ts'

export type ParseRulesOptions = {
  /** Name of the file, for messages. Default `alerts.yaml`. */
  readonly file?: string
}

/** A rule set, and one message for each thing that is wrong, with file, line and column; with any of them the rules are not to be used. */
export type ParsedRules = { readonly rules: RuleSet; readonly problems: readonly string[] }

/** Channels that the environment sets up; a rule can name them whether they are or not. */
export const ENVIRONMENT_CHANNELS = ['slack', 'webhook', 'email']
/** More is no file of rules, and would hold up the evaluation. */
const FILE_CHARS_MAX = 1_048_576
const RULES_MAX = 5_000
/** Nobody reads more at once. */
const PROBLEMS_MAX = 50

const NONE: RuleSet = { rules: [], logCounts: [], silences: [], channels: undefined }

/** Reads the text of an `alerts.yaml`. Never throws. */
export function parseRules(text: string, { file = 'alerts.yaml' }: ParseRulesOptions = {}): ParsedRules {
  const wrong = (messages: readonly string[]): ParsedRules => ({ rules: NONE, problems: messages.map((message) => `${file}:${message}`) })
  if (text.length > FILE_CHARS_MAX) return wrong([`1:1: has ${text.length} characters: ${FILE_CHARS_MAX} are the most`])
  const yaml = readYaml(text)
  if (yaml.problems.length > 0) return wrong([...yaml.problems.slice(0, -1), `${yaml.problems.at(-1)}${hintOn(text)}`])
  const problems: string[] = []
  const tell: Parameters<typeof createFields>[2] = (path, message, complaint) =>
    void problems.push(yaml.describe(path, `${nameOf(path, yaml.value)} ${message}`, complaint))
  const rules = readFile(createFields(yaml.value ?? {}, [], tell))
  return problems.length > 0 ? wrong(theFirst(inOrder(problems))) : { rules, problems }
}

function theFirst(problems: readonly string[]): readonly string[] {
  const more = problems.length - PROBLEMS_MAX
  return more > 0 ? [...problems.slice(0, PROBLEMS_MAX), `1:1: and ${more} more problems, which are told when these are mended`] : problems
}

/** What stands in brackets is a list to YAML. */
function hintOn(text: string): string {
  return /\{[^}\n]*condition: *\w+\[/.test(text)
    ? '\n    Inside of { } a condition with a window needs quotes: { condition: "error_rate[1m] > 0.05" }'
    : ''
}

function inOrder(problems: readonly string[]): readonly string[] {
  return problems.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}

/** `rules[2] (Queue Too Long) condition`. */
function nameOf(path: Path, value: unknown): string {
  if (path.length === 0) return 'the file'
  const [section, index, ...rest] = path
  if (section !== 'rules' || typeof index !== 'number') return path.filter((part) => part !== '').join('.')
  const name = (value as { rules?: readonly { name?: unknown }[] }).rules?.[index]?.name
  return [`rules[${index}]${typeof name === 'string' ? ` (${name})` : ''}`, rest.join('.')].filter((part) => part !== '').join(' ')
}

function readFile(fields: Fields): RuleSet {
  const logCounts = fields.entries('log_counts').map(([name, entry]) => readLogCount(name, entry))
  const muteTimes = Object.fromEntries(fields.entries('mute_times').map(([name, entry]) => [name, readMuteTime(name, entry)]))
  const channels = fields.raw('channels')
  const context = {
    logCounts: logCounts.map(({ name }) => name),
    channels: [...ENVIRONMENT_CHANNELS, ...Object.keys(typeof channels === 'object' && channels !== null ? channels : {})],
    muteTimes,
  }
  const entries = fields.each('rules')
  if (entries.length > RULES_MAX) fields.tell('rules', `has ${entries.length} entries: ${RULES_MAX} are the most`)
  const read = entries.map((entry) => readRule(entry, context))
  for (const [index, rule] of read.entries()) checkOthers(entries[index]!, rule, read.slice(0, index), read)
  const silences = fields.each('silences').map(readSilence)
  fields.refuseOthers()
  const rules = inhibit(read)
  const circle = findCircle(rules)
  if (circle !== undefined) {
    // What severity alone decides makes no circle: one of them names others.
    const index = read.findIndex(({ name, inhibitsNamed }) => circle.includes(name) && inhibitsNamed !== undefined)
    entries[index]?.tell('inhibits', describeCircle(circle))
  }
  return { rules, logCounts, silences, channels }
}

function checkOthers(entry: Fields, rule: ReadRule, before: readonly ReadRule[], all: readonly ReadRule[]): void {
  if (rule.name !== '' && before.some(({ name }) => name === rule.name))
    entry.tell('name', `${rule.name} is that of another rule: names are unique`)
  for (const name of rule.inhibitsNamed ?? [])
    if (!all.some((other) => other.name === name)) entry.tell('inhibits', `names ${name}, and there is no such rule`)
}

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/

function readMuteTime(name: string, fields: Fields): readonly MutePeriod[] {
  const zone = fields.text('zone')
  if (zone === undefined && !fields.has('zone')) fields.tell('zone', 'is missing: UTC or Europe/Berlin are zones')
  if (zone !== undefined && !isZone(zone)) fields.tell('zone', `is "${zone}", which is no time zone`)
  const minute = (field: string): number => {
    const given = fields.text(field) ?? '00:00'
    const [, hours, minutes] = CLOCK.exec(given) ?? []
    if (hours === undefined) fields.tell(field, `is "${given}": it has to be a time of day, "22:00"`)
    return Number(hours ?? 0) * 60 + Number(minutes ?? 0)
  }
  const days = fields.texts('days') ?? WEEKDAYS
  const wrong = days.find((day) => !WEEKDAYS.some((known) => known === day))
  if (wrong !== undefined) fields.tell('days', `names ${wrong}: ${WEEKDAYS.join(', ')} are the days`)
  const period = {
    name,
    zone: zone ?? 'UTC',
    days: WEEKDAYS.filter((day) => days.includes(day)),
    fromMinute: minute('from'),
    toMinute: minute('to'),
  }
  fields.refuseOthers()
  return [period]
}

function readSilence(fields: Fields): Silence {
  const time = (field: string): number | undefined => {
    const given = fields.text(field)
    if (given === undefined) return undefined
    const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(given) ? Date.parse(given) : Number.NaN
    if (Number.isNaN(ms)) fields.tell(field, `is "${given}": it has to be a time with its zone, 2026-11-22T10:00:00Z`)
    return ms
  }
  const [matchers, author, reason, starts, ends] = [
    fields.labels('matchers'),
    fields.text('author') ?? '',
    fields.text('reason') ?? '',
    time('starts') ?? 0,
    time('ends'),
  ]
  if (Object.keys(matchers).length === 0) fields.tell('matchers', 'has to name at least one label: alertname: High Error Rate')
  for (const [name, value] of [
    ['author', author],
    ['reason', reason],
  ])
    if (value === '') fields.tell(name!, 'is missing')
  if (ends === undefined) fields.tell('ends', 'is missing: a silence without an end is forgotten')
  fields.refuseOthers()
  const id = `file-${fields.path.at(-1)}`
  return { id, matchers, author, reason, startsAtMs: starts, endsAtMs: ends ?? 0 }
}
