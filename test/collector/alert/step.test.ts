import { expect, test } from 'vitest'
import { parseRules } from '../../../collector/src/alert/parse-rules.ts'
import type { RuleSet } from '../../../collector/src/alert/rule.ts'
import { createAlertState } from '../../../collector/src/alert/state.ts'
import { step } from '../../../collector/src/alert/step.ts'
import type { Notification } from '../../../collector/src/notification.ts'
import type { Reading } from '../../../collector/src/signal.ts'

const START_MS = Date.UTC(2026, 10, 22, 10)

function rulesOf(text: string): RuleSet {
  const { rules, problems } = parseRules(text)
  expect(problems).toEqual([])
  return rules
}

/** Steps every 30 s through the values of one signal; through JSON each time, as a restart would. */
function run(rules: RuleSet, values: readonly (number | readonly Reading[] | undefined)[]): string[] {
  let state = createAlertState(START_MS)
  return values.flatMap((value, index) => {
    const readings = value === undefined ? [] : typeof value === 'number' ? [{ labels: {}, value }] : value
    const { state: next, notifications } = step({ state, rules, read: () => readings, nowMs: START_MS + index * 30_000 })
    state = JSON.parse(JSON.stringify(next))
    return notifications.map((one) => describe(one, index * 30))
  })
}

function describe({ rule, reason, status, severity, alerts }: Notification, seconds: number): string {
  return `${seconds}s ${rule}: ${reason}, ${status}, ${severity}, ${alerts.length}`
}

test('a rule fires once, and ends once', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05 }]')
  expect(run(rules, [0, 0.1, 0.2, 0.1, 0.01, 0])).toEqual([
    '30s Errors: first, firing, warning, 1',
    '120s Errors: resolved, resolved, warning, 1',
  ])
})

test('`for` waits, and starts again when the condition did not hold in between', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, for: 1m }]')
  expect(run(rules, [1, 1, 0, 1, 1, 1])).toEqual(['150s Errors: first, firing, warning, 1'])
})

test('without data a firing alert stays, and a pending one is forgotten', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05 }]')
  expect(run(rules, [1, undefined, undefined, 0])).toEqual([
    '0s Errors: first, firing, warning, 1',
    '90s Errors: resolved, resolved, warning, 1',
  ])
  const slow = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, for: 1m }]')
  expect(run(slow, [1, undefined, 1, 1])).toEqual([])
})

test('a second route is told of as another instance; the end of one is told while the other goes on', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, by: [route] }]')
  const at = (a: number, b: number) => [
    { labels: { route: '/a' }, value: a },
    { labels: { route: '/b' }, value: b },
  ]
  expect(run(rules, [at(1, 0), at(1, 1), at(0, 1), at(0, 0)])).toEqual([
    '0s Errors: first, firing, warning, 1',
    '30s Errors: more_instances, firing, warning, 2',
    '60s Errors: resolved, firing, warning, 2',
    '90s Errors: resolved, resolved, warning, 1',
  ])
})

test('critical silences its warning', () => {
  const rules = rulesOf(`
rules:
  - { name: High, condition: error_rate > 0.05, severity: warning }
  - { name: Critical, condition: error_rate > 0.10, severity: critical }
`)
  expect(run(rules, [0.2, 0.2, 0.07, 0])).toEqual([
    '0s Critical: first, firing, critical, 1',
    '60s High: first, firing, warning, 1',
    '60s Critical: resolved, resolved, critical, 1',
    '90s High: resolved, resolved, warning, 1',
  ])
})
