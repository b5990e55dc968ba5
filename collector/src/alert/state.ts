import type { Alert, AlertSeverity, Labels } from '../notification.ts'

/** What is remembered of the rules from one evaluation to the next. Plain JSON: it is kept in a database or a file. */
export type AlertState = {
  readonly version: 1
  /** When it was made, ms since 1970: part of the ids of notifications, so that those of a state that was lost never come again. */
  readonly epochMs: number
  /** Of the last evaluation; 0 before the first. */
  readonly atMs: number
  /** Notifications made so far. */
  readonly sequence: number
  /** By name of the rule. */
  readonly rules: Readonly<Record<string, RuleState>>
}

/** A rule that has nothing to remember has no entry. */
export type RuleState = {
  /** Since when none of its signals has data; undefined while there is some. */
  readonly noDataSinceMs?: number
  /** By labels. Those for which the condition does not hold are left out. */
  readonly instances: Readonly<Record<string, InstanceState>>
  /** By key of the group. Those that wait to be told of, or that somebody was told of. */
  readonly groups: Readonly<Record<string, GroupState>>
}

export type InstanceState = {
  /** Those that the rule is told apart by. */
  readonly labels: Labels
  /** `resolved`: it has ended, and nobody was told yet. */
  readonly phase: 'pending' | 'firing' | 'resolved'
  /** Since when the condition has held. */
  readonly sinceMs: number
  /** When the condition was last seen to hold. */
  readonly heldAtMs: number
  /** When it began to fire; 0 while pending. */
  readonly startsAtMs: number
  /** When it ended; 0 until then. */
  readonly endsAtMs: number
  readonly severity: AlertSeverity
  /** Of the rule's signals, in their order, as they were last; null without data. */
  readonly values: readonly (number | null)[]
}

export type GroupState = {
  readonly labels: Labels
  /** Since when there is somebody to tell of, for `group_wait`; undefined when there is nobody new. */
  readonly waitingSinceMs?: number
  /** What receivers were told fires and not yet told has ended, by instance. Empty until the first notification. */
  readonly told: Readonly<Record<string, Alert>>
  /** The worst that was told. */
  readonly severity: AlertSeverity
  readonly toldAtMs: number
  /** That were told of it: they are told the end as well, whatever has become of the rule. */
  readonly channels: readonly string[]
}

/** Before the first evaluation. */
export function createAlertState(nowMs: number): AlertState {
  return { version: 1, epochMs: nowMs, atMs: 0, sequence: 0, rules: {} }
}

/** What is remembered of a rule, also of one whose name every object has something under. */
export function ruleStateOf({ rules }: AlertState, rule: string): RuleState | undefined {
  return Object.hasOwn(rules, rule) ? rules[rule] : undefined
}

/** The state as if the clock had always shown `byMs` more: what has passed by the old clock has passed. */
export function shiftState(state: AlertState, byMs: number): AlertState {
  const shift = (timeMs: number): number => (timeMs === 0 ? 0 : timeMs + byMs)
  const shiftRule = ({ noDataSinceMs, instances, groups }: RuleState): RuleState => ({
    ...(noDataSinceMs !== undefined && { noDataSinceMs: shift(noDataSinceMs) }),
    instances: mapValues(instances, (one) => ({ ...one, sinceMs: shift(one.sinceMs), heldAtMs: shift(one.heldAtMs) })),
    groups: mapValues(groups, ({ waitingSinceMs, ...group }) => ({
      ...group,
      ...(waitingSinceMs !== undefined && { waitingSinceMs: shift(waitingSinceMs) }),
      toldAtMs: shift(group.toldAtMs),
    })),
  })
  return { ...state, atMs: shift(state.atMs), rules: mapValues(state.rules, shiftRule) }
}

function mapValues<T, U>(map: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]))
}
