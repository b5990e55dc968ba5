import { expect } from 'vitest'
import { parseRules } from '../../../collector/src/alert/parse-rules.ts'
import type { RuleSet } from '../../../collector/src/alert/rule.ts'
import type { Silence } from '../../../collector/src/alert/silence.ts'
import { type AlertState, createAlertState } from '../../../collector/src/alert/state.ts'
import { step } from '../../../collector/src/alert/step.ts'
import type { Labels, Notification } from '../../../collector/src/notification.ts'
import type { Reading, SignalQuery } from '../../../collector/src/signal.ts'

/** A Sunday, 10:00 UTC. */
export const START_MS = Date.UTC(2026, 10, 22, 10)

/** The rules of a file without problems. */
export function rulesOf(text: string): RuleSet {
  const { rules, problems } = parseRules(text)
  expect(problems).toEqual([])
  return rules
}

/** One value for the whole; undefined: no data. */
export function whole(value: number | undefined): readonly Reading[] {
  return value === undefined ? [] : [{ labels: {}, value }]
}

/** One value for each value of a label. */
export function each(label: string, values: Labels | Readonly<Record<string, number>>): readonly Reading[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value: Number(value) }))
}

export type Moment = {
  /** Seconds since {@link START_MS}. */
  readonly s: number
  readonly read: (query: SignalQuery) => readonly Reading[]
  readonly rules?: RuleSet
  readonly silences?: readonly Silence[]
}

export type Play = { readonly told: readonly Notification[]; readonly state: AlertState }

/** Evaluates at each moment; the state goes through JSON in between, as it does when it is kept. */
export function play(rules: RuleSet, moments: readonly Moment[]): Play {
  let state = createAlertState(START_MS)
  const told: Notification[] = []
  for (const moment of moments) {
    const { s, read, silences = [] } = moment
    const output = step({ state, rules: moment.rules ?? rules, silences, read, nowMs: START_MS + s * 1_000 })
    told.push(...output.notifications)
    state = JSON.parse(JSON.stringify(output.state))
  }
  return { told, state }
}

/** One evaluation every 30 s. */
export function every30s(values: readonly (number | readonly Reading[] | undefined)[]): readonly Moment[] {
  return values.map((value, index) => ({ s: index * 30, read: () => (Array.isArray(value) ? value : whole(value as number | undefined)) }))
}

/** `30s Errors: first, firing, warning, 1`: when, which rule, why, status, severity, how many alerts. */
export function summary({ told }: Play): readonly string[] {
  return told.map(
    ({ atMs, rule, reason, status, severity, alerts }) =>
      `${(atMs - START_MS) / 1_000}s ${rule}: ${reason}, ${status}, ${severity}, ${alerts.length}`,
  )
}
