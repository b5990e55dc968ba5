import { expect, test } from 'vitest'
import { addRule, checkAlerts, createAlertState, evaluate, parseRules, SHIPPED_RULES } from '../../../collector/src/alerts.ts'
import { rulesOf, START_MS, whole } from './support.ts'

const { rules } = parseRules(SHIPPED_RULES)

test('checkAlerts says which rules hold for these values', () => {
  expect(checkAlerts(rules, { error_rate: 0.07, queue_length: 150 })).toEqual([
    {
      rule: 'High Error Rate',
      severity: 'warning',
      message: '7 % of the requests fail',
      channels: ['email', 'slack'],
      metrics: { error_rate: 0.07 },
    },
    { rule: 'Queue Too Long', severity: 'warning', message: '150 jobs wait', channels: ['slack'], metrics: { queue_length: 150 } },
  ])
})

test.each([
  [{ error_rate: 0.05, queue_length: 100 }, []],
  [{}, []],
  [{ error_rate: null, queue_length: Number.NaN }, []],
  [{ error_rate: 0.2 }, ['Critical Error Rate']],
  [{ error_rate: 0.1 }, ['High Error Rate']],
])('checkAlerts of %j: %j', (metrics, expected) => {
  expect(checkAlerts(rules, metrics).map(({ rule }) => rule)).toEqual(expected)
})

test('checkAlerts takes a signal with its window, without it as well, and raises the severity', () => {
  const set = rulesOf(`
rules:
  - name: Queue
    condition: queue_length[30s] > 100
    no_data: alert
    raise: [{ severity: critical, condition: "queue_length[30s] > 500" }]
`)
  const breach = { rule: 'Queue', message: 'Alert: Queue', channels: [] }
  expect(checkAlerts(set, { 'queue_length[30s]': 150, queue_length: 0 })).toEqual([
    { ...breach, severity: 'warning', metrics: { 'queue_length[30s]': 150 } },
  ])
  expect(checkAlerts(set, { queue_length: 600 })).toMatchObject([{ severity: 'critical' }])
  expect(checkAlerts(set, {})).toMatchObject([{ metrics: { 'queue_length[30s]': null } }])
})

test('a rule is added in code, with the names of the file', () => {
  const more = addRule(rules, {
    name: 'Slow',
    condition: 'p95_duration > 2',
    severity: 'error',
    channels: ['pager'],
    for: '1m',
    by: ['route'],
  })
  expect(more.rules.map(({ name }) => name)).toEqual(['High Error Rate', 'Critical Error Rate', 'Queue Too Long', 'Slow'])
  expect(more.rules[3]).toMatchObject({ severity: 'error', channels: ['pager'], forMs: 60_000, by: ['route'] })
  expect(rules.rules).toHaveLength(3)
})

test('a rule that is added replaces one of the same name, and takes its part in inhibition', () => {
  const critical = { name: 'Critical Error Rate', condition: 'error_rate > 0.3', severity: 'critical', channels: ['slack'] } as const
  const milder = addRule(rules, critical)
  expect(milder.rules.map(({ name, inhibits }) => [name, inhibits])).toEqual([
    ['High Error Rate', []],
    ['Queue Too Long', []],
    ['Critical Error Rate', ['High Error Rate']],
  ])
  expect(() => addRule(milder, { name: 'High Error Rate', condition: 'error_rate > 0.1', inhibits: ['Critical Error Rate'] })).toThrow(
    'inhibits makes a circle',
  )
})

test('a rule that is wrong is a mistake of the program, and everything that is wrong with it is said', () => {
  expect(() => addRule(rules, { name: 'Slow', condition: 'p95_duraton > 2', for: '5', channels: [] })).toThrow(
    new TypeError(
      [
        'addRule: the rule "Slow" is wrong:',
        '  - condition names p95_duraton, which is no signal: did you mean p95_duration?',
        '  - for is "5": it has to be a duration: 30s, 5m or 1h30m',
      ].join('\n'),
    ),
  )
  expect(() => addRule(rules, { name: 'Slow', condition: 'p95_duration > 2', inhibits: ['Other'] })).toThrow(
    'inhibits names Other, and there is no such rule',
  )
})

test('evaluate tells once, with a state of its own', () => {
  const read = () => whole(0.07)
  const first = evaluate({ state: createAlertState(START_MS), rules, read, nowMs: START_MS })
  expect(first.notifications.map(({ rule, reason }) => [rule, reason])).toEqual([['High Error Rate', 'first']])
  expect(evaluate({ state: first.state, rules, read, nowMs: START_MS + 1_000 }).notifications).toEqual([])
})
