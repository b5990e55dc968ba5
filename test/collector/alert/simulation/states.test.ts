/** Random values against the reference: every state, at every pace, with clocks that jump, steps that are lost and done again, and restarts. */
import { expect, test } from 'vitest'
import { parseRules } from '../../../../collector/src/alert/parse-rules.ts'
import { createAlertState } from '../../../../collector/src/alert/state.ts'
import { step } from '../../../../collector/src/alert/step.ts'
import { seededRandom } from '../../../support/random.ts'
import { each, START_MS, whole } from '../support.ts'
import { createReference, type Expected, type Model } from './reference.ts'
import { toExpected } from './told.ts'

const { rules, problems } = parseRules(`
mute_times: { late: { zone: UTC, from: "12:00", to: "13:00" } }
silences:
  - { matchers: { alertname: Silenced, route: b }, author: ada, reason: x, starts: 2026-11-22T10:30:00Z, ends: 2026-11-22T12:00:00Z }
rules:
  - { name: Plain, condition: queue_length > 5, repeat_interval: 10m }
  - { name: Waits, condition: queue_length > 5, for: 2m, keep_firing_for: 90s, repeat_interval: 10m, no_data: resolve }
  - { name: Blind, condition: queue_length > 5, for: 1m, repeat_interval: 10m, no_data: alert }
  - { name: Routes, condition: error_rate > 0.5, by: [route], group_wait: 1m, repeat_interval: 15m }
  - { name: Kept, condition: error_rate > 0.5, by: [route], keep_firing_for: 2m, for: 30s, repeat_interval: 5m }
  - { name: Silenced, condition: error_rate > 0.5, by: [route], for: 1m, repeat_interval: 5m }
  - { name: Muted, condition: queue_length > 3, mute: [late], repeat_interval: 5m }
  - { name: Raised, condition: error_rate > 0.3, by: [route], repeat_interval: 5m, raise: [{ severity: error, condition: error_rate > 0.6 }, { severity: critical, condition: error_rate > 0.8 }] }
  - { name: Milder, condition: error_rate > 0.4, by: [route], severity: info, repeat_interval: 5m }
  - { name: Worse, condition: error_rate > 0.7, by: [route], severity: critical, inhibits: [Milder], for: 30s, repeat_interval: 5m }
`)

const [INFO, WARNING, ERROR, CRITICAL] = [0, 1, 2, 3]

type Values = { whole: ReadonlyMap<string, number | undefined>; routes: ReadonlyMap<string, number | undefined> }

function modelsOf(now: Values): readonly Model[] {
  const whole = () => new Map(now.whole)
  const routes = () => new Map(now.routes)
  return [
    { name: 'Plain', values: whole, levels: [[5, WARNING]], repeatS: 600 },
    { name: 'Waits', values: whole, levels: [[5, WARNING]], forS: 120, keepS: 90, repeatS: 600, noData: 'resolve' },
    { name: 'Blind', values: whole, levels: [[5, WARNING]], forS: 60, repeatS: 600, noData: 'alert' },
    { name: 'Routes', values: routes, levels: [[0.5, WARNING]], waitS: 60, repeatS: 900 },
    { name: 'Kept', values: routes, levels: [[0.5, WARNING]], forS: 30, keepS: 120, repeatS: 300 },
    {
      name: 'Silenced',
      values: routes,
      levels: [[0.5, WARNING]],
      forS: 60,
      repeatS: 300,
      quiet: (label, at) => label === 'b' && at >= 1_800 && at < 7_200,
    },
    { name: 'Muted', values: whole, levels: [[3, WARNING]], repeatS: 300, quiet: (_, at) => (((at / 3_600 + 10) % 24) + 24) % 24 >= 12 && (((at / 3_600 + 10) % 24) + 24) % 24 < 13 }, // biome-ignore format: one rule
    { name: 'Raised', values: routes, levels: [[0.3, WARNING], [0.6, ERROR], [0.8, CRITICAL]], repeatS: 300 }, // biome-ignore format: one rule
    { name: 'Milder', values: routes, levels: [[0.4, INFO]], repeatS: 300, inhibitedBy: 'Worse' },
    { name: 'Worse', values: routes, levels: [[0.7, CRITICAL]], forS: 30, repeatS: 300 },
  ]
}

test.each(Array.from({ length: 16 }, (_, seed) => seed))('four hours with seed %i: none missing, none twice', (seed) => {
  expect(problems).toEqual([])
  const random = seededRandom(seed)
  const now: Values = { whole: new Map(), routes: new Map() }
  const check = createReference(modelsOf(now))
  const [told, expected]: [Expected[], Expected[]] = [[], []]
  let state = createAlertState(START_MS)
  let [clock, level] = [0, 0]
  const current = new Map(['a', 'b', 'c'].map((route) => [route, 0]))
  for (let index = 0; index < 480; index++) {
    clock += advance(random)
    if (random() < 0.1) level = Math.floor(random() * 10)
    now.whole = random() < 0.1 ? new Map() : new Map([['', level]])
    for (const route of current.keys()) if (random() < 0.15) current.set(route, Math.round(random() * 100) / 100)
    const there = [...current].filter(() => random() > 0.03)
    now.routes = random() < 0.05 ? new Map() : new Map(there)

    const read = ({ signal }: { readonly signal: string }) =>
      signal === 'queue_length' ? whole(now.whole.get('')) : each('route', Object.fromEntries(there.filter(() => now.routes.size > 0)))
    const input = { state, rules, read, nowMs: START_MS + clock * 1_000 }
    const output = step(input)
    // A process that dies before it has kept what it decided does it again, from what was kept last.
    if (random() < 0.05) expect(step(input)).toEqual(output)
    told.push(...output.notifications.map((one) => toExpected(one, START_MS)))
    expected.push(...check(clock))
    state = random() < 0.5 ? JSON.parse(JSON.stringify(output.state)) : output.state
  }
  expect(told).toEqual(expected)
  expect(told.length).toBeGreaterThan(100)
})

/** Seconds to the next evaluation: usually 30; sometimes late, after an outage, or by a clock that was set. */
function advance(random: () => number): number {
  const what = random()
  if (what < 0.01) return 60 + Math.floor(random() * 3_600)
  if (what < 0.015) return -Math.floor(random() * 3_600)
  return what < 0.1 ? 31 + Math.floor(random() * 20) : 30
}
