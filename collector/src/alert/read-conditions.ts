import { ALERT_SEVERITIES, type AlertSeverity } from '../notification.ts'
import { SIGNALS } from '../signal-names.ts'
import { readBurnRate } from './burn-rate.ts'
import { type Condition, type ConditionScope, compileCondition } from './condition.ts'
import type { ConditionSignal } from './condition-windows.ts'
import type { Fields } from './fields.ts'
import type { Raise, Rule } from './rule.ts'
import { rankOf } from './severity.ts'
import { infoOf } from './signal-info.ts'
import { suggest } from './suggest.ts'

/** What of a rule is about when it holds. */
export type Conditions = Pick<Rule, 'condition' | 'severity' | 'raises' | 'signals'>

export type ConditionsContext = {
  /** Names under `log_counts:`. */
  readonly logCounts: readonly string[]
  /** Labels that the rule is told apart by. */
  readonly by: readonly string[]
}

/** Reads `condition`, `threshold`, `severity` and `raise`, or `burn_rate`; undefined, and said why, when they cannot be used. */
export function readConditions(fields: Fields, { logCounts, by }: ConditionsContext): Conditions | undefined {
  const signals: ConditionSignal[] = []
  const scope: ConditionScope = {
    signals: [...Object.keys(SIGNALS), ...logCounts],
    labels: by,
    threshold: fields.number('threshold'),
    slotOf: (signal) => placeOf(signal, signals),
  }
  const burnRate = fields.map('burn_rate')
  const read = burnRate === undefined ? readOwn(fields, scope) : readBurning(fields, burnRate, scope)
  if (read !== undefined) checkBy(fields, by, signals)
  return read && { ...read, raises: read.raises.toSorted((a, b) => rankOf(b.severity) - rankOf(a.severity)), signals }
}

function placeOf(signal: ConditionSignal, signals: ConditionSignal[]): number {
  const found = signals.findIndex((known) => known.signal === signal.signal && known.windowMs === signal.windowMs)
  return found < 0 ? signals.push(signal) - 1 : found
}

type Read = Omit<Conditions, 'signals'>

function readOwn(fields: Fields, scope: ConditionScope): Read | undefined {
  const severity = fields.oneOf('severity', ALERT_SEVERITIES) ?? 'warning'
  const condition = readCondition(fields, scope)
  const raises = fields.each('raise')
  if (condition === undefined) {
    fields.raw('threshold')
    return undefined
  }
  checkThreshold(fields, condition, scope.threshold)
  return { condition, severity, raises: raises.flatMap((raise) => readRaise(raise, { severity, condition, scope }) ?? []) }
}

function readCondition(fields: Fields, scope: ConditionScope): Condition | undefined {
  const text = fields.text('condition')
  if (text === undefined) {
    if (!fields.has('condition')) fields.tell('condition', 'is missing: error_rate > 0.05 is one')
    return undefined
  }
  const compiled = compileCondition(text, scope)
  if (compiled.kind === 'ok') return compiled.value
  fields.tell('condition', compiled.problem.message, compiled.problem)
  return undefined
}

function checkThreshold(fields: Fields, condition: Condition, threshold: number | undefined): void {
  if (threshold === undefined || condition.threshold === threshold) return
  const compared = condition.threshold ?? 'something else'
  fields.tell('threshold', `is ${threshold}, and the condition compares with ${compared}: make them agree, or leave the threshold out`)
}

type Base = { readonly severity: AlertSeverity; readonly condition: Condition; readonly scope: ConditionScope }

function readRaise(fields: Fields, base: Base): Raise | undefined {
  const severity = fields.oneOf('severity', ALERT_SEVERITIES)
  if (severity === undefined && !fields.has('severity')) fields.tell('severity', 'is missing')
  if (severity !== undefined && rankOf(severity) <= rankOf(base.severity))
    fields.tell('severity', `is ${severity}, which is not above that of the rule, ${base.severity}`)
  const condition = readCondition(fields, { ...base.scope, within: base.condition.ways })
  fields.refuseOthers()
  return severity && condition && { severity, condition }
}

function readBurning(fields: Fields, burnRate: Fields, scope: ConditionScope): Read | undefined {
  for (const name of ['condition', 'threshold', 'severity', 'raise'])
    if (fields.has(name)) fields.tell(name, 'is decided by burn_rate: leave it out')
  const rates = readBurnRate(burnRate)
  if (rates === undefined) return undefined
  const compile = (text: string): Condition | undefined => {
    const compiled = compileCondition(text, scope)
    if (compiled.kind === 'ok') return compiled.value
    fields.tell('burn_rate', `makes the condition ${text}, which ${compiled.problem.message}`)
    return undefined
  }
  const [condition, ...raised] = [rates.condition, ...rates.raises.map((raise) => raise.condition)].map(compile)
  const raises = raised.flatMap((one, index) => (one === undefined ? [] : [{ severity: rates.raises[index]!.severity, condition: one }]))
  return condition && { condition, severity: rates.severity, raises }
}

/** A rule whose labels no signal has would be without data for ever. */
function checkBy(fields: Fields, by: readonly string[], signals: readonly ConditionSignal[]): void {
  if (signals.length === 0 || signals.some(({ signal }) => by.every((label) => infoOf(signal).labels.includes(label)))) return
  const known = [...new Set(signals.flatMap(({ signal }) => infoOf(signal).labels))]
  const names = [...new Set(signals.map(({ signal }) => signal))].join(', ')
  const unknown = by.find((label) => !known.includes(label))
  const field = unknown === undefined || fields.texts('by')?.includes(unknown) ? 'by' : 'group_by'
  const message =
    unknown === undefined
      ? `names ${by.join(', ')}, and none of ${names} can be told apart by all of them`
      : `names ${unknown}, by which ${names} cannot be told apart${suggest(unknown, known) || `: ${known.join(', ')} are there`}`
  fields.tell(field, message)
}
