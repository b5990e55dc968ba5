/**
 * Thirty days from telemetry to notifications of a collector that never begins anew, each of them against the reference: incidents, deployments,
 * outages of the network, pauses of the collector, clocks that jump, reports that come late, twice and in any order. `truth.test.ts` has restarts.
 */
import { expect, test } from 'vitest'
import { parseRules } from '../../../../collector/src/alert/parse-rules.ts'
import { createAlertState } from '../../../../collector/src/alert/state.ts'
import { step } from '../../../../collector/src/alert/step.ts'
import { createSignals } from '../../../../collector/src/signals/signals.ts'
import { START_MS } from '../support.ts'
import { createHearsay } from './hearsay.ts'
import { createReference, type Expected, type Model } from './reference.ts'
import { toExpected } from './told.ts'
import { createWorld, toBatch } from './world.ts'

const DAYS = 30
const FORGET_S = 3_600

// No limit is one that a rate hits exactly: what adds up in another order may differ in the last digit.
const { rules, problems } = parseRules(`
rules:
  - { name: High Error Rate, condition: error_rate > 0.0287, for: 1m, repeat_interval: 1h }
  - { name: Critical Error Rate, condition: error_rate > 0.1013, severity: critical, repeat_interval: 30m }
  - { name: Route, condition: "error_rate[10m] > 0.0477", by: [route], group_wait: 1m, keep_firing_for: 2m, repeat_interval: 20m }
  - { name: Queue, condition: queue_length > 100, for: 5m, no_data: alert, raise: [{ severity: critical, condition: queue_length > 500 }] }
  - { name: Queue Of One, condition: queue_length > 100, by: [instance], repeat_interval: 30m }
`)
const WINDOW_MS_MAX = 600_000

test('thirty days: none missing, none twice', { timeout: 600_000 }, () => {
  expect(problems).toEqual([])
  const [told, expected]: [Expected[], Expected[]] = [[], []]
  const hearsay = createHearsay(0)
  let now = 0
  const [WARNING, CRITICAL] = [1, 3]
  const models: readonly Model[] = [
    {
      name: 'High Error Rate',
      values: () => hearsay.errorRates(now, 300, false),
      levels: [[0.0287, WARNING]],
      forS: 60,
      repeatS: 3_600,
      inhibitedBy: 'Critical Error Rate',
    },
    { name: 'Critical Error Rate', values: () => hearsay.errorRates(now, 300, false), levels: [[0.1013, CRITICAL]], repeatS: 1_800 },
    {
      name: 'Route',
      values: () => hearsay.errorRates(now, 600, true),
      levels: [[0.0477, WARNING]],
      waitS: 60,
      keepS: 120,
      repeatS: 1_200,
    },
    { name: 'Queue', values: () => hearsay.queues(now, false), levels: [[100, WARNING], [500, CRITICAL]], forS: 300, repeatS: 14_400, noData: 'alert' }, // biome-ignore format: one rule
    { name: 'Queue Of One', values: () => hearsay.queues(now, true), levels: [[100, WARNING]], repeatS: 1_800 },
  ]
  const check = createReference(models)
  const signals = createSignals({ sinceMs: START_MS })
  signals.watch({ windowMsMax: WINDOW_MS_MAX, logCounts: [] })
  let state = createAlertState(START_MS)
  for (const { time, offset, isDown, arrived } of createWorld(5, DAYS)) {
    if (isDown) continue
    now = time + offset
    const nowMs = START_MS + now * 1_000
    for (const report of arrived) {
      signals.take(toBatch(report, START_MS), nowMs)
      hearsay.hear(report)
    }
    const output = step({ state, rules, read: signals.read, nowMs, signalsSinceMs: signals.sinceMs() })
    state = output.state
    told.push(...output.notifications.map((one) => toExpected(one, START_MS)))
    expected.push(...check(now))
    if (time % FORGET_S === 0) signals.forget(nowMs)
    // The first difference is the one to look at.
    if (told.length !== expected.length || JSON.stringify(told.at(-1)) !== JSON.stringify(expected.at(-1))) break
  }
  expect(told).toEqual(expected)
  expect(told.length).toBeGreaterThan(1_000)
  expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(['first', 'more_instances', 'severity_raised', 'repeat', 'resolved']))
})
