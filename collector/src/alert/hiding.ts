import type { Labels } from '../notification.ts'
import { findMute } from './mute-time.ts'
import type { Rule } from './rule.ts'
import { findSilence, type Silence } from './silence.ts'
import type { InstanceState, RuleState } from './state.ts'

/** Why nobody is told of an alert that fires. */
export type Hiding =
  | { readonly kind: 'silence'; readonly id: string; readonly author: string; readonly reason: string; readonly endsAtMs: number }
  | { readonly kind: 'mute_time'; readonly name: string }
  | { readonly kind: 'inhibition'; readonly rule: string }

export type HidingContext = {
  /** Every rule, with what has become of its instances. */
  readonly firing: readonly { readonly rule: Rule; readonly instances: RuleState['instances'] }[]
  readonly silences: readonly Silence[]
  readonly nowMs: number
}

/** Looks for what hides the instances of one rule. */
export type FindHiding = (instance: Pick<InstanceState, 'labels' | 'severity'>) => Hiding | undefined

/** Makes such a function for each rule; what does not depend on the instance is found out once. */
export function createHiding({ firing, silences, nowMs }: HidingContext): (rule: Rule) => FindHiding {
  const inhibitors = new Map<string, HidingContext['firing'][number][]>()
  for (const source of firing)
    if (Object.values(source.instances).some(({ phase }) => phase === 'firing'))
      for (const name of source.rule.inhibits)
        if (name !== source.rule.name) inhibitors.set(name, [...(inhibitors.get(name) ?? []), source])

  return function hidingOf(rule) {
    const mute = findMute(rule.mute, nowMs)
    const sources = inhibitors.get(rule.name) ?? []
    if (silences.length === 0 && mute === undefined && sources.length === 0) return () => undefined
    return function findHiding(instance) {
      const silence = findSilence(silences, labelsOf(rule, instance), nowMs)
      if (silence !== undefined) {
        const { id, author, reason, endsAtMs } = silence
        return { kind: 'silence', id, author, reason, endsAtMs }
      }
      if (mute !== undefined) return { kind: 'mute_time', name: mute.name }
      const source = sources.find(({ instances }) => inhibits(instances, instance.labels))
      return source && { kind: 'inhibition', rule: source.rule.name }
    }
  }
}

/** `alertname`, `severity`, the rule's own labels and those of the instance. */
export function labelsOf(rule: Rule, { labels, severity }: Pick<InstanceState, 'labels' | 'severity'>): Labels {
  return { alertname: rule.name, ...rule.labels, ...labels, severity }
}

/** Whether one of them fires that has equal values of the labels that both have. */
function inhibits(instances: RuleState['instances'], labels: Labels): boolean {
  return Object.values(instances).some(
    (instance) =>
      instance.phase === 'firing' &&
      Object.entries(instance.labels).every(([name, value]) => labels[name] === undefined || labels[name] === value),
  )
}
