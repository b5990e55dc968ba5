import type { ReadRule } from './read-rule.ts'
import type { Rule } from './rule.ts'
import { rankOf } from './severity.ts'

/**
 * Unless a rule names whom it inhibits, a critical one does so with milder ones about the same signals, told apart by the same labels; one that
 * nobody is told of leaves those alone that somebody is.
 */
export function inhibit(rules: readonly ReadRule[]): readonly Rule[] {
  const about = new Map(rules.map((rule) => [rule, aspectOf(rule)]))
  const milder = (rule: ReadRule): readonly string[] =>
    rule.severity !== 'critical'
      ? []
      : rules
          .filter((other) => rankOf(other.severity) < rankOf(rule.severity) && about.get(other) === about.get(rule))
          .filter((other) => rule.channels.length > 0 || other.channels.length === 0)
          .map(({ name }) => name)
  return rules.map((rule) => ({ ...rule, inhibits: rule.inhibitsNamed ?? milder(rule) }))
}

/** Names of rules of which each inhibits the next, and the last one the first: while all fire nobody would be told. undefined where there are none. */
export function findCircle(rules: readonly Rule[]): readonly string[] | undefined {
  const byName = new Map(rules.map((rule) => [rule.name, rule]))
  const seen = new Set<string>()
  const path = new Set<string>()

  function follow(name: string): readonly string[] | undefined {
    if (path.has(name)) return [...path].slice([...path].indexOf(name))
    if (seen.has(name)) return undefined
    seen.add(name)
    path.add(name)
    for (const next of byName.get(name)?.inhibits ?? []) {
      const circle = next === name ? undefined : follow(next)
      if (circle !== undefined) return circle
    }
    path.delete(name)
    return undefined
  }

  for (const { name } of rules) {
    const circle = follow(name)
    if (circle !== undefined) return circle
  }
  return undefined
}

/** What a circle is to be told as. */
export function describeCircle(circle: readonly string[]): string {
  return `makes a circle in which nobody is told of anything: ${[...circle, circle[0]].map((name) => `"${name}"`).join(' inhibits ')}. \`inhibits: []\` in one of them ends it`
}

/** What a rule looks at, and how it tells it apart: a route in trouble does not explain the whole, nor the other way round. */
function aspectOf({ condition, by }: ReadRule): string {
  return JSON.stringify([[...new Set(condition.signals.map(({ signal }) => signal))].sort(), by])
}
