import type { AlertSeverity } from '../notification.ts'
import type { PlainComparison } from './compile.ts'
import type { Condition } from './condition.ts'
import { judge, type Verdict } from './judge.ts'
import type { Observation, Observed } from './observe.ts'
import type { Rule } from './rule.ts'
import { worstOf } from './severity.ts'
import type { InstanceState, RuleState } from './state.ts'

export type Instances = RuleState['instances']

export type NextInstances = {
  readonly instances: Instances
  /** Whether the condition could be said to hold or not, anywhere. */
  readonly hasData: boolean
  /** Those for which the condition holds and that were too many. */
  readonly overflow: number
}

export type Moment = {
  /** ms since 1970. */
  readonly nowMs: number
  /** Since when the signals are filled. What held last before may not have been told of again yet. */
  readonly sinceMs: number
  /** By then every process has told its figures. */
  readonly settledMs: number
}

/** Alerts of one rule. Nobody reads a thousand; each is kept from one evaluation to the next. */
const INSTANCES_MAX = 1_000

/**
 * What becomes of the instances of a rule:
 *
 *   inactive ──holds──► pending ──for `for`──► firing ──ended, and `keep_firing_for` is over──► resolved
 *
 * Without data a pending one is dropped, as nobody knows that it has held all the time; a firing one does what `no_data` says. Where too little
 * of a window was seen to say whether it holds, nothing begins and nothing ends.
 */
export function advanceInstances(rule: Rule, before: Instances, observed: Observed, moment: Moment): NextInstances {
  const { nowMs, sinceMs, settledMs } = moment
  const instances: Record<string, InstanceState> = {}
  let overflow = 0
  let count = 0
  const { held, hasData } = findHeld(rule.condition, observed)
  for (const index of held) {
    const key = observed.keys()[index]!
    if (count >= INSTANCES_MAX && !Object.hasOwn(before, key)) overflow++
    else {
      count++
      instances[key] = hold(rule, before[key], observed.list[index]!, nowMs)
    }
  }
  for (const [key, instance] of Object.entries(before)) {
    if (instances[key] !== undefined) continue
    const observation = observed.byKey().get(key)
    const isOld = instance.heldAtMs <= sinceMs
    const verdict = observation === undefined ? judgeAbsent(rule, { hasData, isOld, moment }) : judge(rule.condition, observation)
    if (isOld && nowMs < settledMs) {
      instances[key] = instance
      continue
    }
    if (verdict === 'unsure') {
      // Of one that was pending before a start nobody knows that it has not held; of a later one, that it has held all the time.
      if (isOld || instance.phase !== 'pending') instances[key] = { ...instance, ...(observation && { values: valuesOf(observation) }) }
      continue
    }
    const next = verdict === null ? advanceUnknown(rule, instance, nowMs) : end(rule, instance, valuesOf(observation), nowMs)
    if (next !== undefined) instances[key] = next
  }
  if (!hasData && nowMs >= settledMs && rule.noData === 'alert' && Object.keys(instances).length === 0) {
    const nothing = { labels: {}, values: rule.signals.map(() => Number.NaN) }
    instances[''] = hold(rule, before[''], nothing, nowMs)
  }
  return { instances, hasData, overflow }
}

type Absent = { readonly hasData: boolean; readonly isOld: boolean; readonly moment: Moment }

/** Of an instance that no signal tells of: gone, while others are there, unless what it did last may have been before the signals were filled. */
function judgeAbsent({ signals }: Rule, { hasData, isOld, moment: { nowMs, sinceMs } }: Absent): Verdict {
  if (!hasData) return null
  return isOld && signals.some(({ windowMs }) => nowMs - windowMs < sinceMs) ? 'unsure' : false
}

/** Places of the observations for which the condition holds, and whether it could be said of any. */
function findHeld(condition: Condition, { list, lows, highs }: Observed): { readonly held: readonly number[]; readonly hasData: boolean } {
  const { plain } = condition
  // It holds for certain where it does at the end at which it holds least.
  const column = plain && (isAbove(plain) ? lows : highs)[plain.slot]
  if (plain !== undefined && column !== undefined) return compareAll(column, plain)
  const held: number[] = []
  let hasData = false
  for (const [index, observation] of list.entries()) {
    const verdict = judge(condition, observation)
    hasData ||= verdict !== null
    if (verdict === true) held.push(index)
  }
  return { held, hasData }
}

function isAbove({ order }: PlainComparison): boolean {
  return order === '>' || order === '>='
}

function compareAll(column: Float64Array, plain: PlainComparison): { readonly held: readonly number[]; readonly hasData: boolean } {
  const held: number[] = []
  let hasData = false
  // `a < b` is `-a > -b`: one loop without a question inside.
  const { order, limit } = plain
  const sign = isAbove(plain) ? 1 : -1
  const isClosed = order === '>=' || order === '<='
  const from = sign * limit
  for (let index = 0; index < column.length; index++) {
    const value = sign * column[index]!
    if (value > from || (isClosed && value === from)) held.push(index)
    hasData ||= !Number.isNaN(value)
  }
  return { held, hasData }
}

function hold(rule: Rule, before: InstanceState | undefined, observation: Observation, nowMs: number): InstanceState {
  const { labels, values } = observation
  const known = before ?? { phase: 'pending', sinceMs: nowMs, startsAtMs: 0 }
  const isFiring = known.phase !== 'pending' || nowMs - known.sinceMs >= rule.forMs
  return {
    labels,
    phase: isFiring ? 'firing' : 'pending',
    sinceMs: known.sinceMs,
    heldAtMs: nowMs,
    startsAtMs: isFiring ? known.startsAtMs || nowMs : 0,
    endsAtMs: 0,
    // Receivers know an alert by its labels, this one among them: it only gets worse.
    severity: worstOf([...(before === undefined || before.phase === 'pending' ? [] : [before.severity]), severityOf(rule, observation)]),
    values: values.map((value) => (Number.isNaN(value) ? null : value)),
  }
}

function severityOf({ severity, raises }: Rule, observation: Observation): AlertSeverity {
  return raises.find(({ condition }) => judge(condition, observation) === true)?.severity ?? severity
}

function advanceUnknown(rule: Rule, instance: InstanceState, nowMs: number): InstanceState | undefined {
  const values = rule.signals.map(() => null)
  if (rule.noData === 'alert') return hold(rule, instance, { labels: instance.labels, values: values.map(() => Number.NaN) }, nowMs)
  if (rule.noData === 'resolve') return end(rule, instance, values, nowMs)
  return instance.phase === 'pending' ? undefined : { ...instance, values }
}

function end(
  { keepFiringForMs }: Rule,
  instance: InstanceState,
  values: InstanceState['values'],
  nowMs: number,
): InstanceState | undefined {
  if (instance.phase === 'pending') return undefined
  if (instance.phase === 'resolved') return instance
  if (keepFiringForMs > 0 && nowMs - instance.heldAtMs < keepFiringForMs) return { ...instance, values }
  return { ...instance, phase: 'resolved', endsAtMs: Math.max(nowMs, instance.startsAtMs), values }
}

function valuesOf(observation: Observation | undefined): InstanceState['values'] {
  return observation === undefined ? [] : observation.values.map((value) => (Number.isNaN(value) ? null : value))
}
