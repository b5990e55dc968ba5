import { expect, test } from 'vitest'
import { createAlertState } from '../../../collector/src/alert/state.ts'
import { step } from '../../../collector/src/alert/step.ts'
import type { SignalQuery } from '../../../collector/src/signal.ts'
import { each, every30s, type Moment, play, rulesOf, START_MS, summary, whole } from './support.ts'

const ERRORS = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05 }]')
const BY_ROUTE = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, by: [route] }]')
const routes = (values: Readonly<Record<string, number>>) => each('route', values)

test('a rule fires once, and ends once', () => {
  expect(summary(play(ERRORS, every30s([0, 0.1, 0.2, 0.1, 0.01, 0])))).toEqual([
    '30s Errors: first, firing, warning, 1',
    '120s Errors: resolved, resolved, warning, 1',
  ])
})

test('a notification names what fired, since when, with which value', () => {
  const rules = rulesOf(`
rules:
  - name: High Error Rate
    condition: error_rate[1m] > 0.05
    group_by: [route]
    channels: [slack]
    labels: { team: speech }
    annotations:
      summary: "{{ error_rate[1m] | percent }} of {{ labels.route }} fail, over {{ $threshold }} ({{ severity }})"
`)
  const [first, last] = play(rules, every30s([routes({ '/v1/speak': 0.08 }), routes({ '/v1/speak': 0.01 })])).told
  expect(first).toMatchObject({
    groupKey: 'High Error Rate{route="/v1/speak"}',
    groupLabels: { alertname: 'High Error Rate', route: '/v1/speak' },
    reason: 'first',
    status: 'firing',
    rule: 'High Error Rate',
    severity: 'warning',
    channels: ['slack'],
    metrics: { 'error_rate[1m]': 0.08 },
    atMs: START_MS,
    test: false,
  })
  const alert = {
    status: 'firing',
    labels: { alertname: 'High Error Rate', severity: 'warning', team: 'speech', route: '/v1/speak' },
    annotations: { summary: '8 % of /v1/speak fail, over 0.05 (warning)' },
    startsAtMs: START_MS,
    endsAtMs: undefined,
    value: 0.08,
    fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
  }
  expect(first?.alerts).toEqual([alert])
  expect(last).toMatchObject({ reason: 'resolved', metrics: { 'error_rate[1m]': 0.01 }, groupKey: first?.groupKey })
  expect(last?.alerts).toMatchObject([
    { status: 'resolved', endsAtMs: START_MS + 30_000, startsAtMs: START_MS, value: 0.01, fingerprint: first?.alerts[0]?.fingerprint },
  ])
  expect(last?.id).not.toBe(first?.id)
})

test('`for` waits, and starts again when the condition did not hold in between', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, for: 1m }]')
  expect(summary(play(rules, every30s([1, 1, 0, 1, 1, 1])))).toEqual(['150s Errors: first, firing, warning, 1'])
})

test('`keep_firing_for` bridges a gap, and is counted from when the condition last held', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, keep_firing_for: 1m }]')
  expect(summary(play(rules, every30s([1, 0, 1, 0, 0, 0])))).toEqual([
    '0s Errors: first, firing, warning, 1',
    '120s Errors: resolved, resolved, warning, 1',
  ])
})

test.each([
  ['keep', ['0s Errors: first, firing, warning, 1', '90s Errors: resolved, resolved, warning, 1']],
  ['resolve', ['0s Errors: first, firing, warning, 1', '30s Errors: resolved, resolved, warning, 1']],
  ['alert', ['0s Errors: first, firing, warning, 1', '90s Errors: resolved, resolved, warning, 1']],
])('without data a firing alert does what no_data: %s says', (choice, expected) => {
  const rules = rulesOf(`rules: [{ name: Errors, condition: error_rate > 0.05, no_data: ${choice} }]`)
  expect(summary(play(rules, every30s([1, undefined, undefined, 0])))).toEqual(expected)
})

test('no data is neither 0 nor a breach, and is remembered as what it is', () => {
  const rules = rulesOf('rules: [{ name: Quiet, condition: requests_per_second < 1 }]')
  const { told, state } = play(rules, every30s([5, undefined, Number.NaN]))
  expect(told).toEqual([])
  expect(state.rules.Quiet).toEqual({ noDataSinceMs: START_MS + 30_000, instances: {}, groups: {} })
  expect(play(rules, every30s([5, undefined, 5])).state.rules).toEqual({})
})

test('no_data: alert fires without data, with null for a value, after `for`', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, no_data: alert, for: 30s, by: [route] }]')
  const { told } = play(rules, every30s([undefined, undefined, routes({ a: 0 })]))
  expect(told.map(({ reason, metrics, alerts }) => [reason, metrics, alerts[0]?.value])).toEqual([
    ['first', { error_rate: null }, null],
    ['resolved', { error_rate: null }, null],
  ])
})

test('without data a pending alert is forgotten: nobody knows that the condition has held', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, for: 1m }]')
  expect(summary(play(rules, every30s([1, undefined, 1, 1])))).toEqual([])
})

test('an instance that is gone while others have data has ended', () => {
  expect(summary(play(BY_ROUTE, every30s([routes({ a: 1, b: 0 }), routes({ b: 0 })])))).toEqual([
    '0s Errors: first, firing, warning, 1',
    '30s Errors: resolved, resolved, warning, 1',
  ])
})

test('a second instance, and the end of one of two, are told of in the same thread', () => {
  const moments = every30s([routes({ a: 1, b: 0 }), routes({ a: 1, b: 1 }), routes({ a: 0, b: 1 }), routes({ a: 0, b: 0 })])
  const { told, ...rest } = play(BY_ROUTE, moments)
  expect(summary({ told, ...rest })).toEqual([
    '0s Errors: first, firing, warning, 1',
    '30s Errors: more_instances, firing, warning, 2',
    '60s Errors: resolved, firing, warning, 2',
    '90s Errors: resolved, resolved, warning, 1',
  ])
  expect(new Set(told.map(({ groupKey }) => groupKey)).size).toBe(1)
  expect(told[2]?.alerts.map(({ status, labels }) => [labels.route, status])).toEqual([
    ['b', 'firing'],
    ['a', 'resolved'],
  ])
})

test('group_by makes a thread of each of its values', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, by: [route, instance], group_by: [route] }]')
  const at = (values: readonly (readonly [string, string, number])[]) =>
    values.map(([route, instance, value]) => ({ labels: { route, instance }, value }))
  const { told } = play(rules, every30s([at([['a', '1', 1], ['b', '1', 1]]), at([['a', '1', 1], ['a', '2', 1], ['b', '1', 1]])])) // biome-ignore format: a table
  expect(told.map(({ groupKey, reason, alerts }) => [groupKey, reason, alerts.length])).toEqual([
    ['Errors{route="a"}', 'first', 1],
    ['Errors{route="b"}', 'first', 1],
    ['Errors{route="a"}', 'more_instances', 2],
  ])
})

test('group_wait collects what comes soon after one another; what ends before is never told', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, by: [route], group_wait: 1m }]')
  const moments = every30s([routes({ a: 1, b: 0 }), routes({ a: 1, b: 1 }), routes({ a: 1, b: 1 })])
  expect(summary(play(rules, moments))).toEqual(['60s Errors: first, firing, warning, 2'])
  expect(summary(play(rules, every30s([routes({ a: 1 }), routes({ a: 0 }), routes({ a: 0 }), routes({ a: 0 })])))).toEqual([])
})

test('an alert is told again after repeat_interval, and not before', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, repeat_interval: 1m }]')
  expect(summary(play(rules, every30s([1, 1, 1, 1, 1, 0])))).toEqual([
    '0s Errors: first, firing, warning, 1',
    '60s Errors: repeat, firing, warning, 1',
    '120s Errors: repeat, firing, warning, 1',
    '150s Errors: resolved, resolved, warning, 1',
  ])
})

test('an alert that gets worse is told of once; that it gets better again is not', () => {
  const rules = rulesOf(`
rules:
  - name: Queue
    condition: queue_length > 100
    raise: [{ severity: error, condition: queue_length > 200 }, { severity: critical, condition: queue_length > 500 }]
`)
  const played = play(rules, every30s([150, 250, 600, 250, 600, 150, 0]))
  expect(played.told.map(({ alerts }) => [alerts[0]?.labels.severity, alerts[0]?.formerLabels?.severity])).toEqual([
    ['warning', undefined],
    ['error', 'warning'],
    ['critical', 'error'],
    ['critical', undefined],
  ])
  expect(summary(played)).toEqual([
    '0s Queue: first, firing, warning, 1',
    '30s Queue: severity_raised, firing, error, 1',
    '60s Queue: severity_raised, firing, critical, 1',
    '180s Queue: resolved, resolved, critical, 1',
  ])
})

test('an alert that fires gets worse at once, whatever `for` says, and stays as severe as it was until it ends', () => {
  const raise = '[{ severity: critical, condition: queue_length > 500 }]'
  const rules = rulesOf(`rules: [{ name: Queue, condition: queue_length > 100, for: 1m, repeat_interval: 30s, raise: ${raise} }]`)
  expect(summary(play(rules, every30s([150, 150, 150, 600, 150, 0])))).toEqual([
    '60s Queue: first, firing, warning, 1',
    '90s Queue: severity_raised, firing, critical, 1',
    '120s Queue: repeat, firing, critical, 1',
    '150s Queue: resolved, resolved, critical, 1',
  ])
})

test('critical silences its warning, which is told of when it goes on alone', () => {
  const rules = rulesOf(`
rules:
  - { name: High, condition: error_rate > 0.05, severity: warning }
  - { name: Critical, condition: error_rate > 0.10, severity: critical }
`)
  expect(summary(play(rules, every30s([0.2, 0.2, 0.07, 0])))).toEqual([
    '0s Critical: first, firing, critical, 1',
    '60s High: first, firing, warning, 1',
    '60s Critical: resolved, resolved, critical, 1',
    '90s High: resolved, resolved, warning, 1',
  ])
  // Told of before it was inhibited: it is told to be over, and not repeated meanwhile.
  expect(summary(play(rules, every30s([0.07, 0.2, 0.2, 0])))).toEqual([
    '0s High: first, firing, warning, 1',
    '30s Critical: first, firing, critical, 1',
    '90s High: resolved, resolved, warning, 1',
    '90s Critical: resolved, resolved, critical, 1',
  ])
})

test('a critical rule that nobody is told of does not silence a warning that somebody is', () => {
  const rules = (channels: string) =>
    rulesOf(`
rules:
  - { name: High, condition: error_rate > 0.05, severity: warning, channels: [slack] }
  - { name: Critical, condition: error_rate > 0.10, severity: critical, channels: ${channels} }
`)
  const told = (channels: string) => play(rules(channels), every30s([0.2])).told.filter(({ channels }) => channels.length > 0)
  expect(told('[]').map(({ rule }) => rule)).toEqual(['High'])
  expect(told('[slack]').map(({ rule }) => rule)).toEqual(['Critical'])
})

test('critical for one route silences the warning for that route only', () => {
  const rules = rulesOf(`
rules:
  - { name: High, condition: error_rate > 0.05, severity: warning, group_by: [route] }
  - { name: Critical, condition: error_rate > 0.10, severity: critical, group_by: [route] }
`)
  const { told } = play(rules, every30s([routes({ a: 0.2, b: 0.07 })]))
  expect(told.map(({ groupKey }) => groupKey)).toEqual(['High{route="b"}', 'Critical{route="a"}'])
})

test('inhibits names other rules, and [] none', () => {
  const rules = rulesOf(`
rules:
  - { name: High, condition: error_rate > 0.05, severity: warning }
  - { name: Critical, condition: error_rate > 0.10, severity: critical, inhibits: [] }
  - { name: Slow, condition: p95_duration > 0.1, severity: warning }
  - { name: Down, condition: health < 1, severity: error, inhibits: [Slow] }
`)
  const read = ({ signal }: { readonly signal: string }) => whole({ error_rate: 0.2, p95_duration: 1, health: 0 }[signal])
  expect(summary(play(rules, [{ s: 0, read }]))).toEqual([
    '0s High: first, firing, warning, 1',
    '0s Critical: first, firing, critical, 1',
    '0s Down: first, firing, error, 1',
  ])
})

test('a silence keeps an alert quiet until it ends; what was told before is told to be over', () => {
  const silence = {
    id: '1',
    matchers: { alertname: 'Err*', route: '*' },
    author: 'ada',
    reason: 'planned work',
    startsAtMs: START_MS + 30_000,
    endsAtMs: START_MS + 120_000,
  }
  const silenced = (moments: readonly Moment[]) => moments.map((moment) => ({ ...moment, silences: [silence] }))
  expect(summary(play(ERRORS, silenced(every30s([0, 1, 1, 1, 1]))))).toEqual(['120s Errors: first, firing, warning, 1'])
  expect(summary(play(ERRORS, silenced(every30s([1, 1, 0, 1, 0]))))).toEqual([
    '0s Errors: first, firing, warning, 1',
    '60s Errors: resolved, resolved, warning, 1',
  ])
  expect(summary(play(BY_ROUTE, silenced(every30s([routes({ a: 1, b: 1 }), routes({ a: 0, b: 1 }), routes({ a: 0, b: 0 })]))))).toEqual([
    '0s Errors: first, firing, warning, 2',
    '30s Errors: resolved, firing, warning, 2',
    '60s Errors: resolved, resolved, warning, 1',
  ])
})

test('an alert that ended in a silence and began again is told of when the silence is over', () => {
  const silence = {
    id: '1',
    matchers: { alertname: '*' },
    author: 'ada',
    reason: 'x',
    startsAtMs: START_MS + 30_000,
    endsAtMs: START_MS + 105_000,
  }
  const both = routes({ a: 1, b: 1 })
  const moments = every30s([both, routes({ a: 0, b: 1 }), both, both, both])
  expect(
    summary(
      play(
        BY_ROUTE,
        moments.map((moment) => ({ ...moment, silences: [silence] })),
      ),
    ),
  ).toEqual([
    '0s Errors: first, firing, warning, 2',
    '30s Errors: resolved, firing, warning, 2',
    '120s Errors: more_instances, firing, warning, 2',
  ])
})

test.each([
  ['{ zone: UTC, days: [sun], from: "09:00", to: "10:01" }', 60],
  ['{ zone: Europe/Berlin, from: "10:30", to: "11:01" }', 60],
  ['{ zone: UTC, days: [sat], from: "22:00", to: "10:01" }', 60],
  ['{ zone: UTC, days: [sun], from: "22:00", to: "10:01" }', 0],
  ['{ zone: UTC, days: [mon, tue, wed, thu, fri] }', 0],
  ['{ zone: UTC, from: "10:01", to: "10:00" }', 0],
])('in the mute time %s nobody is told before second %s of Sunday 10:00 UTC', (time, firstS) => {
  const rules = rulesOf(`
mute_times: { quiet: ${time} }
rules: [{ name: Errors, condition: error_rate > 0.05, mute: [quiet] }]
`)
  expect(summary(play(rules, every30s([1, 1, 1])))).toEqual([`${firstS}s Errors: first, firing, warning, 1`])
})

test('a rule that is gone ends what was told of it, as it was told', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, channels: [slack], labels: { team: a } }]')
  const none = rulesOf('rules: []')
  const [at0 = never, at30 = never] = every30s([1, 1])
  const { told, state } = play(rules, [at0, { ...at30, rules: none }])
  expect(told.map(({ reason, status, channels }) => [reason, status, channels])).toEqual([
    ['first', 'firing', ['slack']],
    ['resolved', 'resolved', ['slack']],
  ])
  expect(told[1]?.alerts).toMatchObject([
    { status: 'resolved', labels: told[0]?.alerts[0]?.labels, fingerprint: told[0]?.alerts[0]?.fingerprint },
  ])
  expect(state.rules).toEqual({})
})
const never: Moment = { s: 0, read: () => [] }

test('a channel that was told of an alert is told its end, though the rule no longer names it; the next alert is for the new one alone', () => {
  const on = (channel: string) =>
    rulesOf(`rules: [{ name: Errors, condition: error_rate > 0.05, channels: [${channel}], repeat_interval: 30s }]`)
  const [at0 = never, ...later] = every30s([1, 1, 0, 1])
  const { told } = play(on('slack'), [at0, ...later.map((moment) => ({ ...moment, rules: on('email') }))])
  expect(told.map(({ reason, channels }) => [reason, channels])).toEqual([
    ['first', ['slack']],
    ['repeat', ['slack', 'email']],
    ['resolved', ['slack', 'email']],
    ['first', ['email']],
  ])
})

test.each(['constructor', 'toString'])('a rule may be called %s', (name) => {
  const rules = rulesOf(`rules: [{ name: ${name}, condition: error_rate > 0.05 }]`)
  const { told } = play(rules, every30s([1, 1, 0]))
  expect(told.map(({ rule, reason }) => [rule, reason])).toEqual([
    [name, 'first'],
    [name, 'resolved'],
  ])
})

test('a rule whose severity is raised in the file is told of at the next evaluation', () => {
  const worse = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, severity: critical }]')
  const [at0 = never, at30 = never, at60 = never] = every30s([1, 1, 1])
  expect(summary(play(ERRORS, [at0, { ...at30, rules: worse }, { ...at60, rules: worse }]))).toEqual([
    '0s Errors: first, firing, warning, 1',
    '30s Errors: severity_raised, firing, critical, 1',
  ])
})

test('a clock that is set back stops nothing: what has passed has passed', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, for: 1m, repeat_interval: 2m }]')
  const at = (s: number) => ({ s, read: () => whole(1) })
  expect(summary(play(rules, [at(0), at(30), at(-3600), at(-3570), at(-3540), at(-3510), at(-3480), at(-3450)]))).toEqual([
    '-3570s Errors: first, firing, warning, 1',
    '-3450s Errors: repeat, firing, warning, 1',
  ])
})

test('a step that is done again from the state that was kept gives the same notifications', () => {
  const input = { state: createAlertState(START_MS), rules: BY_ROUTE, read: () => routes({ a: 1, b: 1 }) }
  const [once, again] = [step({ ...input, nowMs: START_MS }), step({ ...input, nowMs: START_MS + 5_000 })]
  expect(again.notifications.map(({ id }) => id)).toEqual(once.notifications.map(({ id }) => id))
  const lost = step({ ...input, state: createAlertState(START_MS + 1), nowMs: START_MS + 5_000 })
  expect(lost.notifications[0]?.id).not.toBe(once.notifications[0]?.id)
})

test('signals of several kinds are joined by the labels that they share', () => {
  const rules = rulesOf('rules: [{ name: Busy, condition: error_rate > 0.05 && queue_length > 10, by: [route] }]')
  const read = ({ signal, by }: { readonly signal: string; readonly by: readonly string[] }) =>
    signal === 'queue_length' ? (by.length === 0 ? whole(20) : []) : routes({ a: 1, b: 0 })
  const { told } = play(rules, [{ s: 0, read }])
  expect(told.map(({ metrics, alerts }) => [metrics, alerts[0]?.labels.route])).toEqual([[{ error_rate: 1, queue_length: 20 }, 'a']])
})

test('what several rules ask is read once', () => {
  const rules = rulesOf(`rules: [${[1, 2, 3].map((n) => `{ name: R${n}, condition: error_rate > 0.${n} }`).join(', ')}]`)
  const asked: SignalQuery[] = []
  const read = (query: SignalQuery) => {
    asked.push(query)
    return whole(0)
  }
  play(rules, [{ s: 0, read }])
  expect(asked).toEqual([{ signal: 'error_rate', windowMs: 300_000, by: [] }])
})

test('beyond a thousand alerts of a rule the rest is counted', () => {
  const many = Array.from({ length: 1_200 }, (_, index) => ({ labels: { route: `/${index}` }, value: 1 }))
  const { overflow, state, notifications } = step({ state: createAlertState(0), rules: BY_ROUTE, read: () => many, nowMs: START_MS })
  expect([overflow, Object.keys(state.rules.Errors!.instances).length, notifications[0]?.alerts.length]).toEqual([200, 1_000, 1_000])
})

test('a rule without signals is a heartbeat', () => {
  const rules = rulesOf('rules: [{ name: Watchdog, condition: "true", severity: info, repeat_interval: 1m }]')
  expect(summary(play(rules, every30s([undefined, undefined, undefined])))).toEqual([
    '0s Watchdog: first, firing, info, 1',
    '60s Watchdog: repeat, firing, info, 1',
  ])
})

test('after a restart, alerts that fired before are given time to be seen again: no end, no second page', () => {
  const before = step({ state: createAlertState(START_MS), rules: BY_ROUTE, read: () => routes({ '/a': 1, '/b': 1 }), nowMs: START_MS })
  const signalsSinceMs = START_MS + 60_000
  let state = before.state
  const told: string[] = []
  const seen = [undefined, { '/a': 1 }, { '/a': 1, '/b': 1 }, { '/a': 1 }]
  for (const [i, values] of seen.entries()) {
    const read = () => (values === undefined ? [] : routes(values))
    const next = step({ state, rules: BY_ROUTE, read, nowMs: signalsSinceMs + i * 30_000, signalsSinceMs })
    state = next.state
    told.push(...next.notifications.flatMap(({ alerts }) => alerts.map(({ status, labels }) => `${i} ${status} ${labels.route}`)))
  }
  // What was seen again ends as always.
  expect(told.filter((one) => !one.includes('firing /a'))).toEqual(['3 resolved /b'])
  const never = step({
    state: before.state,
    rules: BY_ROUTE,
    read: () => routes({ '/a': 1 }),
    // By then the window has nothing of before.
    nowMs: signalsSinceMs + 300_000,
    signalsSinceMs,
  })
  expect(never.notifications.map(({ reason }) => reason)).toEqual(['resolved'])
})

test('after a restart, an alert that was pending goes on waiting', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, for: 2m }]')
  const before = step({ state: createAlertState(START_MS), rules, read: () => whole(1), nowMs: START_MS })
  const signalsSinceMs = START_MS + 60_000
  const blind = step({ state: before.state, rules, read: () => [], nowMs: signalsSinceMs, signalsSinceMs })
  const seen = step({ state: blind.state, rules, read: () => whole(1), nowMs: START_MS + 120_000, signalsSinceMs })
  expect(seen.notifications.map(({ reason }) => reason)).toEqual(['first'])
})

test('a clock that begins at 0, as in a test, is no start', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, no_data: alert }]')
  expect(step({ state: createAlertState(0), rules, read: () => [], nowMs: 0 }).notifications).toHaveLength(1)
})

test('a pending alert of which it is no longer sure that it holds begins to wait anew', () => {
  const rules = rulesOf('rules: [{ name: Errors, condition: error_rate > 0.05, for: 1m }]')
  const ranged = (low: number) => [{ labels: {}, value: 0.2, range: { low, high: 0.9 } }]
  expect(summary(play(rules, every30s([ranged(0.1), ranged(0.01), ranged(0.1), ranged(0.1), ranged(0.1), ranged(0.01)])))).toEqual([
    '120s Errors: first, firing, warning, 1',
  ])
})
