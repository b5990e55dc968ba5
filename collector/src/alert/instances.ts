import type { AlertSeverity } from '../notification.ts'
import type { PlainComparison } from './compile.ts'
import type { Condition } from './condition.ts'
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
  /** Whether the signals do not know enough yet to say that this one has ended: it stays as it is. */
  readonly isUnsettled: (instance: InstanceState) => boolean
}

/** Alerts of one rule. Nobody reads a thousand; each is kept from one evaluation to the next. */
const INSTANCES_MAX = 1_000

/**
 * What becomes of the instances of a rule:
 *
 *   inactive ──holds──► pending ──for `for`──► firing ──ended, and `keep_firing_for` is over──► resolved
 *
 * Without data a pending one is dropped, as nobody knows that it has held all the time; a firing one does what `no_data` says.
 */
export function advanceInstances(rule: Rule, before: Instances, observed: Observed, { nowMs, isUnsettled }: Moment): NextInstances {
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
    const isUnknown = observation === undefined ? !hasData : rule.condition.holds(observation.values, observation.labels) === null
    if (isUnsettled(instance)) {
      instances[key] = instance
      continue
    }
    const next = isUnknown ? advanceUnknown(rule, instance, nowMs) : end(rule, instance, valuesOf(observation), nowMs)
    if (next !== undefined) instances[key] = next
  }
  if (!hasData && rule.noData === 'alert' && Object.keys(instances).length === 0) {
    const nothing = { labels: {}, values: rule.signals.map(() => Number.NaN) }
    instances[''] = hold(rule, before[''], nothing, nowMs)
  }
  return { instances, hasData, overflow }
}

/** Places of the observations for which the condition holds, and whether it could be said of any. */
function findHeld(
  { plain, holds }: Condition,
  { list, columns }: Observed,
): { readonly held: readonly number[]; readonly hasData: boolean } {
  const column = plain && columns[plain.slot]
  if (plain !== undefined && column !== undefined) return compareAll(column, plain)
  const held: number[] = []
  let hasData = false
  for (const [index, { values, labels }] of list.entries()) {
    const truth = holds(values, labels)
    hasData ||= truth !== null
    if (truth) held.push(index)
  }
  return { held, hasData }
}

function compareAll(
  column: Float64Array,
  { order, limit }: PlainComparison,
): { readonly held: readonly number[]; readonly hasData: boolean } {
  const held: number[] = []
  let hasData = false
  // `a < b` is `-a > -b`: one loop without a question inside.
  const sign = order === '>' || order === '>=' ? 1 : -1
  const isClosed = order === '>=' || order === '<='
  const from = sign * limit
  for (let index = 0; index < column.length; index++) {
    const value = sign * column[index]!
    if (value > from || (isClosed && value === from)) held.push(index)
    hasData ||= !Number.isNaN(value)
  }
  return { held, hasData }
}

function hold(rule: Rule, before: InstanceState | undefined, { labels, values }: Observation, nowMs: number): InstanceState {
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
    severity: worstOf([
      ...(before === undefined || before.phase === 'pending' ? [] : [before.severity]),
      severityOf(rule, { labels, values }),
    ]),
    values: values.map((value) => (Number.isNaN(value) ? null : value)),
  }
}

function severityOf({ severity, raises }: Rule, { labels, values }: Observation): AlertSeverity {
  return raises.find(({ condition }) => condition.holds(values, labels) === true)?.severity ?? severity
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
