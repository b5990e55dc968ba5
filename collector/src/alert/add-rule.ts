import type { AlertSeverity } from '../notification.ts'
import { createFields } from './fields.ts'
import { describeCircle, findCircle, inhibit } from './inhibition.ts'
import { ENVIRONMENT_CHANNELS } from './parse-rules.ts'
import { readRule } from './read-rule.ts'
import type { NoDataChoice, RuleSet } from './rule.ts'

/** A rule as a rule file writes it; durations are texts like `5m`. */
export type RuleFields = {
  readonly name: string
  readonly threshold?: number
  readonly severity?: AlertSeverity
  /** Names; those that are not set up deliver nothing. */
  readonly channels?: readonly string[]
  readonly for?: string
  readonly keep_firing_for?: string
  readonly no_data?: NoDataChoice
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly by?: readonly string[]
  readonly group_by?: readonly string[]
  readonly group_wait?: string
  readonly repeat_interval?: string
  readonly inhibits?: readonly string[]
} & (
  | { readonly condition: string; readonly raise?: readonly { readonly severity: AlertSeverity; readonly condition: string }[] }
  | { readonly burn_rate: { readonly objective: number | string; readonly signal?: string } }
)

/**
 * The rule set with one rule more; one of the same name is replaced. Throws a TypeError that names everything that is wrong with the rule: it is
 * part of the program.
 */
export function addRule(rules: RuleSet, rule: RuleFields): RuleSet {
  const problems: string[] = []
  const fields = createFields(rule, [], (path, message) => void problems.push(`${[...path].join('.')} ${message}`.trim()))
  const context = {
    logCounts: rules.logCounts.map(({ name }) => name),
    channels: [...ENVIRONMENT_CHANNELS, ...(rule.channels ?? [])],
    muteTimes: {},
  }
  const read = readRule(fields, context)
  const others = rules.rules.filter(({ name }) => name !== read.name)
  for (const name of read.inhibitsNamed ?? [])
    if (!others.some((other) => other.name === name)) problems.push(`inhibits names ${name}, and there is no such rule`)
  const all = inhibit([...others, read])
  const circle = findCircle(all)
  if (circle !== undefined) problems.push(`inhibits ${describeCircle(circle)}`)
  if (problems.length > 0) throw new TypeError(`addRule: the rule ${JSON.stringify(rule.name)} is wrong:\n  - ${problems.join('\n  - ')}`)
  return { ...rules, rules: all }
}
