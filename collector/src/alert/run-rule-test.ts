import { isDeepStrictEqual } from 'node:util'
import type { Labels, Notification } from '../notification.ts'
import type { Reading, ReadSignals, SignalQuery } from '../signal.ts'
import { toAlert } from './alert.ts'
import { formatDuration } from './duration.ts'
import { phaseOf } from './explain.ts'
import type { Rule, RuleSet } from './rule.ts'
import type { ExpectedNotification, RuleCheck, RuleTest, TestSeries } from './rule-test.ts'
import { type AlertState, createAlertState, ruleStateOf } from './state.ts'
import { step } from './step.ts'
import type { Path } from './yaml-text.ts'

/** What did not come as expected, and where that stands in the test. */
export type Mismatch = { readonly path: Path; readonly message: string }

/** Some minutes of a machine. */
const EVALUATIONS_MAX = 200_000

/** Plays a test, without waiting. */
export function runRuleTest(rules: RuleSet, test: RuleTest): readonly Mismatch[] {
  const { startMs, evaluationMs, path } = test
  const evaluations = Math.floor(endOf(test) / evaluationMs) + 1
  if (!(evaluations <= EVALUATIONS_MAX)) return [{ path, message: `would evaluate ${evaluations} times: ${EVALUATIONS_MAX} are the most` }]
  const used = new Set<TestSeries>()
  const told: Notification[] = []
  const mismatches: Mismatch[] = []
  const checks = [...test.checks]
  let state = createAlertState(startMs)
  for (let atMs = 0; atMs <= endOf(test); atMs += evaluationMs) {
    const output = step({ state, rules, read: readerOf(test, used), nowMs: startMs + atMs })
    state = output.state
    told.push(...output.notifications)
    while (checks.some((check) => check.atMs < atMs + evaluationMs)) {
      const index = checks.findIndex((check) => check.atMs < atMs + evaluationMs)
      mismatches.push(...checks.splice(index, 1).flatMap((check) => lookAt(check, rules, state)))
    }
  }
  const unread = test.series.filter((series) => !used.has(series)).map((series) => describeUnread(series, rules))
  const expected = test.notifications === undefined ? [] : compare(test.notifications, told, test)
  return [...unread, ...mismatches, ...expected]
}

/** The last thing that is looked at, or the last value. */
function endOf({ series, checks, notifications, intervalMs }: RuleTest): number {
  const values = series.map(({ values }) => (values.length - 1) * intervalMs)
  const told = (notifications ?? []).map(({ fields }) => Number(fields.at ?? 0))
  return Math.max(0, ...values, ...checks.map(({ atMs }) => atMs), ...told)
}

function readerOf({ series, startMs, intervalMs }: RuleTest, used: Set<TestSeries>): ReadSignals {
  return (query, nowMs) =>
    series
      .filter((one) => answers(one, query))
      .flatMap((one): readonly Reading[] => {
        used.add(one)
        const value = one.values[Math.floor((nowMs - startMs) / intervalMs)]
        return value === undefined || value === null ? [] : [{ labels: one.labels, value }]
      })
}

/** A series is a value for exactly its labels: what would come of them together only telemetry can tell. */
function answers({ signal, windowMs, labels }: TestSeries, query: SignalQuery): boolean {
  const names = Object.keys(labels)
  const hasLabels = names.length === query.by.length && query.by.every((name) => names.includes(name))
  return signal === query.signal && (windowMs === undefined || windowMs === query.windowMs) && hasLabels
}

function describeUnread({ signal, path }: TestSeries, { rules }: RuleSet): Mismatch {
  const asking = rules.filter(({ signals }) => signals.some((one) => one.signal === signal))
  const how = asking.map(({ name, by }) => `${name} by ${by.length === 0 ? 'no labels' : by.join(', ')}`)
  const message = how.length === 0 ? `no rule reads ${signal}` : `no rule reads this series: ${signal} is read for ${how.join('; ')}`
  return { path: [...path, 'series'], message }
}

function lookAt(
  { atMs, rule: name, state: expected, alerts, path }: RuleCheck,
  { rules }: RuleSet,
  state: AlertState,
): readonly Mismatch[] {
  const rule = rules.find((one) => one.name === name)
  if (rule === undefined) return [{ path: [...path, 'alertname'], message: `there is no rule ${name}` }]
  const at = `at ${formatDuration(atMs)} ${name}`
  const phase = phaseOf(ruleStateOf(state, name))
  const wrong =
    expected === undefined || phase === expected
      ? []
      : [{ path: [...path, 'exp_state'], message: `${at} is ${phase}, and ${expected} was expected` }]
  return [...wrong, ...(alerts === undefined ? [] : compareAlerts({ alerts, path, at }, rule, state))]
}

type Compared = { readonly alerts: NonNullable<RuleCheck['alerts']>; readonly path: Path; readonly at: string }

function compareAlerts({ alerts, path, at }: Compared, rule: Rule, state: AlertState): readonly Mismatch[] {
  const instances = Object.values(ruleStateOf(state, rule.name)?.instances ?? {}).filter(({ phase }) => phase === 'firing')
  const firing = instances.map((instance) => toAlert(rule, instance))
  const fits = (one: Compared['alerts'][number], alert: { readonly labels: Labels; readonly annotations: Labels }): boolean =>
    isDeepStrictEqual(sorted({ alertname: rule.name, ...one.labels }), sorted(alert.labels)) &&
    (one.annotations === undefined || isDeepStrictEqual(sorted(one.annotations), sorted(alert.annotations)))
  const isSame = alerts.length === firing.length && alerts.every((one) => firing.some((alert) => fits(one, alert)))
  if (isSame) return []
  const shown = firing.map(({ labels: { alertname: _, ...labels }, annotations }) =>
    JSON.stringify({ exp_labels: labels, exp_annotations: annotations }),
  )
  return [{ path: [...path, 'exp_alerts'], message: `${at} has other alerts: ${shown.length === 0 ? 'none' : shown.join(', ')}` }]
}

function compare(
  expected: readonly ExpectedNotification[],
  told: readonly Notification[],
  { startMs, path }: RuleTest,
): readonly Mismatch[] {
  const actual = told.map((one) => toFields(one, startMs))
  const wrong = expected.flatMap(({ fields, path: place }, index) => {
    const found = actual[index]
    if (found === undefined) return [{ path: place, message: `there is no such notification: ${told.length} were told` }]
    const names = Object.keys(fields).filter((name) => !isDeepStrictEqual(fields[name], found[name]))
    return names.map((name) => ({
      path: [...place, name],
      message: `${name} is ${show(name, found[name])}, and ${show(name, fields[name])} was expected`,
    }))
  })
  const more = actual.slice(expected.length).map((one) => ({
    path: [...path, 'exp_notifications'],
    message: `this was told, too: { at: ${show('at', one.at)}, alertname: ${one.alertname}, reason: ${one.reason}, severity: ${one.severity} }`,
  }))
  return [...wrong, ...more]
}

function toFields(notification: Notification, startMs: number): Readonly<Record<string, unknown>> {
  const { atMs, rule, reason, status, severity, alerts, channels, groupLabels } = notification
  const { alertname: _, ...group } = groupLabels
  const summary = alerts[0]?.annotations.summary
  return { at: atMs - startMs, alertname: rule, reason, status, severity, alerts: alerts.length, channels, group, summary }
}

function show(name: string, value: unknown): string {
  return name === 'at' && typeof value === 'number' ? formatDuration(value) : typeof value === 'string' ? value : JSON.stringify(value)
}

function sorted(labels: Labels): readonly (readonly [string, string])[] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
}
