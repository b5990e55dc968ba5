import type { ReadRule } from './read-rule.ts'
import type { Rule } from './rule.ts'
import { rankOf } from './severity.ts'

/** Unless a rule names whom it inhibits, a critical one does so with milder ones about the same signals. */
export function inhibit(rules: readonly ReadRule[]): readonly Rule[] {
  const about = new Map(rules.map((rule) => [rule, signalsOf(rule)]))
  const milder = (rule: ReadRule): readonly string[] =>
    rule.severity !== 'critical'
      ? []
      : rules
          .filter((other) => rankOf(other.severity) < rankOf(rule.severity) && about.get(other) === about.get(rule))
          // One route in trouble does not explain the whole.
          .filter((other) => rule.by.every((label) => other.by.includes(label)))
          .map(({ name }) => name)
  return rules.map((rule) => ({ ...rule, inhibits: rule.inhibitsNamed ?? milder(rule) }))
}

function signalsOf({ condition }: ReadRule): string {
  return [...new Set(condition.signals.map(({ signal }) => signal))].sort().join()
}
