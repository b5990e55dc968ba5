import type { ReadRule } from './read-rule.ts'
import type { Rule } from './rule.ts'
import { rankOf } from './severity.ts'

/** Unless a rule names whom it inhibits, a critical one does so with milder ones about the same signals, told apart by the same labels. */
export function inhibit(rules: readonly ReadRule[]): readonly Rule[] {
  const about = new Map(rules.map((rule) => [rule, aspectOf(rule)]))
  const milder = (rule: ReadRule): readonly string[] =>
    rule.severity !== 'critical'
      ? []
      : rules
          .filter((other) => rankOf(other.severity) < rankOf(rule.severity) && about.get(other) === about.get(rule))
          .map(({ name }) => name)
  return rules.map((rule) => ({ ...rule, inhibits: rule.inhibitsNamed ?? milder(rule) }))
}

/** What a rule looks at, and how it tells it apart: a route in trouble does not explain the whole, nor the other way round. */
function aspectOf({ condition, by }: ReadRule): string {
  return JSON.stringify([[...new Set(condition.signals.map(({ signal }) => signal))].sort(), by])
}
