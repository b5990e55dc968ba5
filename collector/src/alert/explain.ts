import type { AlertSeverity, Labels } from '../notification.ts'
import type { ReadSignals } from '../signal.ts'
import { createHiding, type FindHiding, type Hiding } from './hiding.ts'
import { judge } from './judge.ts'
import { createObserver, keyOf, type Observation } from './observe.ts'
import type { Rule, RuleSet } from './rule.ts'
import type { Silence } from './silence.ts'
import { type AlertState, type InstanceState, type RuleState, ruleStateOf } from './state.ts'

/** The state of a rule: that of its worst instance; `no_data` when none of its signals has any and nothing fires. */
export type RulePhase = 'inactive' | 'pending' | 'firing' | 'no_data'

/** Why a rule fires or does not, with the values of now. Plain JSON; times are ms since 1970. */
export type Explanation = {
  readonly rule: string
  readonly phase: RulePhase
  readonly severity: AlertSeverity
  readonly condition: string
  readonly forMs: number
  readonly keepFiringForMs: number
  readonly channels: readonly string[]
  /** Since when there is no data; undefined while there is. */
  readonly noDataSinceMs?: number
  /** Of the last evaluation; 0 before the first. */
  readonly evaluatedAtMs: number
  /** Those that are worth a look first; at most {@link INSTANCES_MAX}. */
  readonly instances: readonly InstanceExplanation[]
  readonly instancesLeft: number
}

export type InstanceExplanation = {
  readonly labels: Labels
  readonly phase: 'inactive' | 'pending' | 'firing' | 'resolved' | 'no_data'
  readonly severity: AlertSeverity
  /** null: it cannot be said. */
  readonly holds: boolean | null
  /** It cannot be said because a part of a window was not seen, as after a start. */
  readonly isPartlySeen?: true
  readonly values: Readonly<Record<string, number | null>>
  /** Since when the condition has held; undefined when it does not. */
  readonly sinceMs?: number
  readonly startsAtMs?: number
  /** Why nobody is told of it, although it fires. */
  readonly hiddenBy?: Hiding
  /** Whether somebody was told of it. */
  readonly isTold: boolean
}

export type ExplainInput = {
  readonly state: AlertState
  readonly rules: RuleSet
  readonly silences?: readonly Silence[]
  readonly read: ReadSignals
  readonly nowMs: number
}

/** What a person reads. */
const INSTANCES_MAX = 50
const PHASES: readonly string[] = ['firing', 'pending', 'resolved', 'no_data', 'inactive']

/** Explains every rule, in their order. */
export function explainRules({ state, rules, silences = [], read, nowMs }: ExplainInput): readonly Explanation[] {
  const observe = createObserver(read, nowMs)
  const firing = rules.rules.map((rule) => ({ rule, instances: ruleStateOf(state, rule.name)?.instances ?? {} }))
  const hidingOf = createHiding({ firing, silences: [...rules.silences, ...silences], nowMs })
  return rules.rules.map((rule) => {
    const known: RuleState = ruleStateOf(state, rule.name) ?? { instances: {}, groups: {} }
    const told = new Set(Object.values(known.groups).flatMap((group) => Object.keys(group.told)))
    const seen = observe(rule)
    const findHiding = hidingOf(rule)
    const gone = Object.entries(known.instances).filter(([key]) => !seen.byKey().has(key))
    const instances = [
      ...seen.list.map((observation) => {
        const key = keyOf(observation.labels, rule.by)
        return explainInstance({ rule, observation, instance: known.instances[key], isTold: told.has(key), findHiding })
      }),
      ...gone.map(([key, instance]) => {
        const observation = { labels: instance.labels, values: rule.signals.map(() => Number.NaN) }
        return explainInstance({ rule, observation, instance, isTold: told.has(key), findHiding })
      }),
    ].toSorted((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase))
    const { name, severity, condition, forMs, keepFiringForMs, channels } = rule
    return {
      rule: name,
      phase: phaseOf(known),
      severity,
      condition: condition.text,
      forMs,
      keepFiringForMs,
      channels,
      ...(known.noDataSinceMs !== undefined && { noDataSinceMs: known.noDataSinceMs }),
      evaluatedAtMs: state.atMs,
      instances: instances.slice(0, INSTANCES_MAX),
      instancesLeft: Math.max(0, instances.length - INSTANCES_MAX),
    }
  })
}

/** Of a rule as a whole; of one that is not remembered, undefined, it is `inactive`. */
export function phaseOf(state: RuleState | undefined): RulePhase {
  const phases = Object.values(state?.instances ?? {}).map(({ phase }) => phase)
  if (phases.includes('firing')) return 'firing'
  if (phases.includes('pending')) return 'pending'
  return state?.noDataSinceMs === undefined ? 'inactive' : 'no_data'
}

type Seen = {
  readonly rule: Rule
  readonly observation: Observation
  readonly instance: InstanceState | undefined
  readonly isTold: boolean
  readonly findHiding: FindHiding
}

function explainInstance({ rule, observation, instance, isTold, findHiding }: Seen): InstanceExplanation {
  const { labels, values } = observation
  const verdict = judge(rule.condition, observation)
  const hiddenBy = instance?.phase === 'firing' ? findHiding(instance) : undefined
  return {
    labels,
    phase: instance?.phase ?? (verdict === null ? 'no_data' : 'inactive'),
    severity: instance?.severity ?? rule.severity,
    holds: verdict === 'unsure' ? null : verdict,
    ...(verdict === 'unsure' && { isPartlySeen: true }),
    values: Object.fromEntries(rule.signals.map(({ name }, index) => [name, toJson(values[index])])),
    ...(instance !== undefined && { sinceMs: instance.sinceMs }),
    ...(instance !== undefined && instance.startsAtMs > 0 && { startsAtMs: instance.startsAtMs }),
    ...(hiddenBy !== undefined && { hiddenBy }),
    isTold,
  }
}

function toJson(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value
}
