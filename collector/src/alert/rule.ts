import type { AlertSeverity, Labels } from '../notification.ts'
import type { LogCount } from '../signal.ts'
import type { Condition } from './condition.ts'
import type { ConditionSignal } from './condition-windows.ts'
import type { MutePeriod } from './mute-time.ts'
import type { Silence } from './silence.ts'
import type { Template } from './template.ts'

/** What a rule does where its signals have no data: go on as it was, end, or count as if the condition held. */
export const NO_DATA_CHOICES = ['keep', 'resolve', 'alert'] as const
export type NoDataChoice = (typeof NO_DATA_CHOICES)[number]

/** A second condition of a rule that makes its alerts more severe while it holds. */
export type Raise = { readonly severity: AlertSeverity; readonly condition: Condition }

/** One rule, checked and ready to be evaluated. */
export type Rule = {
  readonly name: string
  readonly condition: Condition
  readonly severity: AlertSeverity
  readonly raises: readonly Raise[]
  /** All that its conditions read; a condition gets their values in this order. */
  readonly signals: readonly ConditionSignal[]
  /** Names of channels. */
  readonly channels: readonly string[]
  /** How long the condition has to hold before it fires. */
  readonly forMs: number
  /** How long it goes on firing after the condition has ceased to hold. */
  readonly keepFiringForMs: number
  readonly noData: NoDataChoice
  readonly labels: Labels
  readonly annotations: Readonly<Record<string, Template>>
  /** Labels that make an alert of its own, sorted; `groupBy` is among them. */
  readonly by: readonly string[]
  /** Labels that make a group of its own, told of together; sorted. */
  readonly groupBy: readonly string[]
  /** How long new alerts are collected before a group is told of. */
  readonly groupWaitMs: number
  readonly repeatIntervalMs: number
  /** Names of the rules that are not told of while this one fires with equal labels. */
  readonly inhibits: readonly string[]
  /** Those that it names itself; undefined: its severity decides. */
  readonly inhibitsNamed: readonly string[] | undefined
  /** When it is not told of. */
  readonly mute: readonly MutePeriod[]
}

/** Everything that a rule file says, checked. */
export type RuleSet = {
  readonly rules: readonly Rule[]
  readonly logCounts: readonly LogCount[]
  readonly silences: readonly Silence[]
  /** The section `channels:` as it stands in the file, for whoever knows channels. */
  readonly channels: unknown
}
