import { expect, test } from 'vitest'
import { explainRules } from '../../../collector/src/alert/explain.ts'
import { explanationText } from '../../../collector/src/alert/explain-text.ts'
import { createAlertState } from '../../../collector/src/alert/state.ts'
import { each, every30s, play, rulesOf, START_MS, whole } from './support.ts'

test('a rule that does not fire is explained with the values of now', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: "error_rate[1m] > 0.05", for: 1m, channels: [slack] }]')
  expect(explainRules({ state: createAlertState(0), rules, read: () => whole(0.03), nowMs: START_MS })).toEqual([
    {
      rule: 'Errors',
      phase: 'inactive',
      severity: 'warning',
      condition: 'error_rate[1m] > 0.05',
      forMs: 60_000,
      keepFiringForMs: 0,
      channels: ['slack'],
      evaluatedAtMs: 0,
      instances: [{ labels: {}, phase: 'inactive', severity: 'warning', holds: false, values: { 'error_rate[1m]': 0.03 }, isTold: false }],
      instancesLeft: 0,
    },
  ])
})

test('what fires comes first, with since when and whether somebody was told', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, by: [route] }]')
  const read = () => each('route', { a: 0.01, b: 0.2, c: Number.NaN })
  const { state } = play(rules, [{ s: 0, read }])
  const [explanation] = explainRules({ state, rules, read, nowMs: START_MS })
  expect(explanation).toMatchObject({ phase: 'firing', evaluatedAtMs: START_MS })
  expect(explanation?.instances).toMatchObject([
    { labels: { route: 'b' }, phase: 'firing', holds: true, values: { error_rate: 0.2 }, startsAtMs: START_MS, isTold: true },
    { labels: { route: 'c' }, phase: 'no_data', holds: null, values: { error_rate: null } },
    { labels: { route: 'a' }, phase: 'inactive', holds: false },
  ])
})

test.each([
  ['a silence', '', { kind: 'silence', id: 'file-0', author: 'ada', reason: 'x', endsAtMs: Date.UTC(2026, 10, 23) }],
  ['a mute time', 'mute: [quiet]', { kind: 'mute_time', name: 'quiet' }],
  ['another rule', '', { kind: 'inhibition', rule: 'Critical' }],
])('what nobody is told of is explained by %s', (what, fields, hiddenBy) => {
  const rules = rulesOf(`
${what === 'a silence' ? 'silences: [{ matchers: { alertname: High }, author: ada, reason: x, ends: 2026-11-23T00:00:00Z }]' : ''}
mute_times: { quiet: { zone: UTC } }
rules:
  - { name: High, condition: error_rate > 0.05, severity: warning, ${fields} }
${what === 'another rule' ? '  - { name: Critical, condition: error_rate > 0.1, severity: critical }' : ''}
`)
  const read = () => whole(0.2)
  const { state } = play(rules, [{ s: 0, read }])
  const [high] = explainRules({ state, rules, read, nowMs: START_MS })
  expect(high?.instances).toMatchObject([{ phase: 'firing', isTold: false, hiddenBy }])
})

test('a rule without data says since when, and keeps what fires in sight', () => {
  const rules = rulesOf(`
rules:
  - { name: Errors, condition: error_rate > 0.05 }
  - { name: Queue, condition: queue_length > 5 }
`)
  const { state } = play(rules, every30s([undefined, undefined]))
  const [errors] = explainRules({ state, rules, read: () => [], nowMs: START_MS + 30_000 })
  expect(errors).toMatchObject({ phase: 'no_data', noDataSinceMs: START_MS, instances: [] })
  const fired = play(rules, every30s([1, undefined])).state
  expect(explainRules({ state: fired, rules, read: () => [], nowMs: START_MS + 30_000 })[0]).toMatchObject({
    phase: 'firing',
    instances: [{ phase: 'firing', holds: null, values: { error_rate: null }, isTold: true }],
  })
})

test('a condition that depends on a part of a window that was not seen is explained by that', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: "error_rate[1h] > 0.05" }]')
  const read = () => [{ labels: {}, value: 0.2, range: { low: 0.01, high: 0.9 } }]
  const [explanation] = explainRules({ state: createAlertState(0), rules, read, nowMs: START_MS })
  expect(explanation?.instances).toMatchObject([{ phase: 'inactive', holds: null, isPartlySeen: true, values: { 'error_rate[1h]': 0.2 } }])
  expect(explanationText(explanation!)).toContain('the condition depends on a part of a window that was not seen')
})
