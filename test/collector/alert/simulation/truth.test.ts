/**
 * Thirty days of a collector that is restarted, away and taken over from, against what really happened: a person who is told of an alert must find
 * it true, and within a stated time be told of what is. What begins and ends anew inside, the truth does not know.
 */
import { expect, test } from 'vitest'
import { parseRules } from '../../../../collector/src/alert/parse-rules.ts'
import { createAlertState } from '../../../../collector/src/alert/state.ts'
import { SETTLE_MS, step } from '../../../../collector/src/alert/step.ts'
import type { Notification } from '../../../../collector/src/notification.ts'
import { createSignals, type Signals } from '../../../../collector/src/signals/signals.ts'
import { START_MS } from '../support.ts'
import { createHearsay } from './hearsay.ts'
import { createWorld, EVALUATION_S, toBatch } from './world.ts'

const DAYS = 30
const WINDOW_MS_MAX = 3_600_000

const { rules, problems } = parseRules(`
rules:
  - { name: Errors, condition: error_rate > 0.0287, for: 1m }
  - { name: Route, condition: "error_rate[10m] > 0.0477", by: [route], group_wait: 1m, keep_firing_for: 2m }
  - { name: Burning, condition: "error_rate[1h] > 0.0287 && error_rate > 0.0287" }
  - { name: Traffic, condition: "requests_per_second[30m] > 21.3" }
  - { name: Little, condition: "requests_per_second[10m] < 21.3", no_data: alert }
  - { name: Queue, condition: queue_length > 100, for: 5m }
  - { name: Queue Of One, condition: queue_length > 100, by: [instance] }
  - { name: No Telemetry, condition: telemetry_silence > 300 }
`)

/** What happens, as one would know it who hears everything at once and forgets nothing. */
type Truth = {
  /** By label; undefined so near the limit that either may be told: a long window is read to within 3 %. */
  readonly holds: () => ReadonlyMap<string, boolean | undefined>
  /** For how long the truth has to last until it must have been told: the windows of the rule, its waits, and ten minutes. */
  readonly toldWithinS: number
}

/** By rule and label: what is true, since when, and what was told. */
type Account = {
  isTrue: boolean | undefined
  visibleS: number
  wasTrueSinceTold: boolean
  wasFalseSinceTold: boolean
  isTold: boolean
  calmS: number
}

test.each([5, 23])('thirty days with seed %i: what is told is true, what lasts is told, and once', { timeout: 600_000 }, (seed) => {
  expect(problems).toEqual([])
  const all = createHearsay(0)
  let time = 0
  const limit = (values: ReadonlyMap<string, number | undefined>, above: number) =>
    new Map([...values].map(([label, value]) => [label, value !== undefined && value > above]))
  const whole = (holds: boolean | undefined) => new Map([['', holds]])
  const truths: Readonly<Record<string, Truth>> = {
    Errors: { holds: () => limit(all.errorRates(time, 300, false), 0.0287), toldWithinS: 960 },
    Route: { holds: () => limit(all.errorRates(time, 600, true), 0.0477), toldWithinS: 1_380 },
    Burning: {
      holds() {
        const [hour = 0, now = 0] = [3_600, 300].map((windowS) => all.errorRates(time, windowS, false).get(''))
        return whole(now > 0.0287 && Math.abs(hour / 0.0287 - 1) < 0.04 ? undefined : now > 0.0287 && hour > 0.0287)
      },
      toldWithinS: 4_200,
    },
    Traffic: { holds: () => whole(all.requestRate(time, 1_800) > 21.3), toldWithinS: 2_400 },
    Little: { holds: () => whole(all.requestRate(time, 600) < 21.3), toldWithinS: 1_200 },
    Queue: { holds: () => limit(all.queues(time, false), 100), toldWithinS: 1_200 },
    'Queue Of One': { holds: () => limit(all.queues(time, true), 100), toldWithinS: 900 },
    'No Telemetry': { holds: () => whole(false), toldWithinS: 600 },
  }
  const ruleOf = (key: string) => Object.entries(truths).findLast(([rule]) => key.startsWith(`${rule} `))![1]
  const accounts = new Map<string, Account>()
  const wrong: string[] = []
  let told = 0

  function tell({ rule, alerts }: Notification): void {
    for (const { status, labels } of alerts) {
      const key = `${rule} ${labels.route ?? labels.instance ?? ''}`
      const account = accounts.get(key)
      const isTold = status === 'firing'
      if (account === undefined || account.isTold === isTold) continue
      told++
      const wasSo = isTold ? account.wasTrueSinceTold : account.wasFalseSinceTold
      if (!wasSo && account.calmS >= ruleOf(key).toldWithinS)
        wrong.push(`${time} ${key}: ${isTold ? 'fires' : 'has ended'}, they were told`)
      Object.assign(account, { isTold, wasTrueSinceTold: account.isTrue !== false, wasFalseSinceTold: account.isTrue !== true })
    }
  }
  function look({ isHidden, isDown }: { readonly isHidden: boolean; readonly isDown: boolean }): void {
    for (const [rule, { holds }] of Object.entries(truths)) {
      const now = holds()
      const known = [...accounts.keys()].filter((key) => key.startsWith(`${rule} `)).map((key) => key.slice(rule.length + 1))
      for (const label of new Set([...now.keys(), ...known])) {
        const isTrue = now.has(label) ? now.get(label) : false
        const key = `${rule} ${label}`
        const account = accounts.get(key) ?? {
          isTrue,
          visibleS: 0,
          wasTrueSinceTold: false,
          wasFalseSinceTold: true,
          isTold: false,
          calmS: 0,
        }
        accounts.set(key, account)
        account.visibleS = isHidden || isTrue !== account.isTrue ? 0 : account.visibleS + (isDown ? 0 : EVALUATION_S)
        account.calmS = isHidden ? 0 : account.calmS + EVALUATION_S
        account.isTrue = isTrue
        account.wasTrueSinceTold ||= isTrue !== false
        account.wasFalseSinceTold ||= isTrue !== true
      }
    }
  }
  function findUntold(): void {
    for (const [key, { visibleS, isTold, isTrue }] of accounts)
      if (isTrue !== undefined && isTold !== isTrue && visibleS >= ruleOf(key).toldWithinS)
        wrong.push(`${time} ${key}: ${isTrue}, and nobody knows`)
  }

  const begin = (atMs: number): Signals => {
    const signals = createSignals({ sinceMs: atMs })
    signals.watch({ windowMsMax: WINDOW_MS_MAX, logCounts: [] })
    return signals
  }
  let [signals, standby] = [begin(START_MS), begin(START_MS)]
  let state = createAlertState(START_MS)
  for (const tick of createWorld(seed, DAYS)) {
    time = tick.time
    const nowMs = START_MS + (time + tick.offset) * 1_000
    for (const report of tick.made) all.hear(report)
    look(tick)
    if (!tick.isDown) {
      if (tick.begins !== undefined) {
        const before = signals
        signals = tick.begins === 'restart' ? begin(nowMs) : standby
        signals.listenFrom(nowMs)
        signals.presence.restore(before.presence.lastMs())
        signals.expectInterval(before.intervalMs(nowMs))
        standby = begin(nowMs)
        state = JSON.parse(JSON.stringify(state))
      }
      for (const report of tick.arrived) signals.take(toBatch(report, START_MS), nowMs)
      signals.forget(nowMs)
      const [signalsSinceMs, settleMs] = [signals.sinceMs(), Math.max(SETTLE_MS, signals.settleMs(nowMs))]
      const output = step({ state, rules, read: signals.read, nowMs, signalsSinceMs, settleMs })
      state = output.state
      for (const one of output.notifications) tell(one)
      findUntold()
    }
    if (wrong.length > 5) break
  }
  expect(wrong).toEqual([])
  expect(told).toBeGreaterThan(500)
})
