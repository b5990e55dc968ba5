/** What a restart of the collector does to alerts: a world that does not change, told at intervals to signals that begin anew. */
import { expect, test } from 'vitest'
import { createAlertState } from '../../../collector/src/alert/state.ts'
import { SETTLE_MS, step } from '../../../collector/src/alert/step.ts'
import type { Batch, MetricPoint } from '../../../collector/src/batch.ts'
import { createSignals } from '../../../collector/src/signals/signals.ts'
import { log, sender } from '../postgres/records.ts'
import { counter, gauge, http, MINUTE, metrics, SECOND, START_MS } from '../signals/telemetry.ts'
import { rulesOf } from './support.ts'

const HOUR = 60 * MINUTE

type World = {
  readonly rules: string
  readonly forMs: number
  /** When the collector begins anew, each time knowing nothing but the state. */
  readonly restartsMs: readonly number[]
  /** What is told at `atMs` since the start. */
  readonly tell: (atMs: number) => Batch | undefined
  /** How far our clock is off, and not those of the senders. Default 0. */
  readonly offsetMs?: (atMs: number) => number
}

/** `121.5 Errors first`: minute, rule, reason. */
function live({ rules: text, forMs, restartsMs, tell, offsetMs = () => 0 }: World): readonly string[] {
  const rules = rulesOf(text)
  const told: string[] = []
  let state = createAlertState(START_MS)
  const begin = (atMs: number) => {
    const made = createSignals({ sinceMs: START_MS + atMs })
    made.watch({ windowMsMax: 72 * HOUR, logCounts: rules.logCounts })
    return made
  }
  let signals = begin(0)
  for (let atMs = 10 * SECOND; atMs <= forMs; atMs += 10 * SECOND) {
    const nowMs = START_MS + atMs + offsetMs(atMs)
    if (restartsMs.includes(atMs)) {
      const intervalMs = signals.intervalMs(nowMs)
      signals = begin(atMs)
      signals.expectInterval(intervalMs)
    }
    const batch = tell(atMs)
    if (batch !== undefined) signals.take(batch, nowMs)
    if (atMs % (30 * SECOND) !== 0) continue
    signals.forget(nowMs)
    const [signalsSinceMs, settleMs] = [signals.sinceMs(), Math.max(SETTLE_MS, signals.settleMs(nowMs))]
    const next = step({ state, rules, read: signals.read, nowMs, signalsSinceMs, settleMs })
    state = JSON.parse(JSON.stringify(next.state))
    told.push(...next.notifications.map(({ rule, reason }) => `${atMs / MINUTE} ${rule} ${reason}`))
  }
  return told
}

const SERVICE = sender('one')

/** Cumulative requests since the start. */
function requests(atMs: number, ok: number, failed: number): readonly MetricPoint[] {
  const told = (status: number, count: number) =>
    http(SERVICE, [count, 0, 0, 0, 0], {
      startMs: START_MS + SECOND,
      timeMs: START_MS + atMs,
      attributes: { 'http.response.status_code': status },
    })
  return [told(200, ok), told(500, failed)]
}

const LOAD = `
rules:
  - { name: Costs, condition: "cost_per_hour[30m] > 25" }
  - { name: Keys, condition: auth_failures_per_minute > 20 }
  - { name: Little, condition: requests_per_second < 5 }
  - { name: Failing, condition: "error_rate[30m] > 0.05" }
  - { name: Slow, condition: "p95_duration[30m] > 2" }
`

/** 40 USD an hour, 30 refusals a minute, 12 requests a second, of which a tenth fails and a tenth is slow. */
function load(atMs: number): Batch | undefined {
  if (atMs % MINUTE !== 20 * SECOND) return undefined
  const [startMs, timeMs] = [START_MS + SECOND, START_MS + atMs]
  const all = Math.floor((atMs / SECOND) * 12)
  return metrics(
    counter('tts.cost', SERVICE, (40 * atMs) / HOUR, { startMs, timeMs }),
    counter('tts.auth.failures', SERVICE, Math.floor((30 * atMs) / MINUTE), { startMs, timeMs }),
    http(SERVICE, [all * 0.8, 0, 0, all * 0.1, 0], { startMs, timeMs, attributes: { 'http.response.status_code': 200 } }),
    http(SERVICE, [all * 0.1, 0, 0, 0, 0], { startMs, timeMs, attributes: { 'http.response.status_code': 500 } }),
  )
}

test('of what goes on as it was nobody is told again, whatever its window: no end, no second page, no false one', () => {
  const before = live({ rules: LOAD, forMs: 2 * HOUR - MINUTE, restartsMs: [], tell: load })
  expect(before.map((line) => line.split(' ').slice(1).join(' ')).toSorted()).toEqual([
    'Costs first',
    'Failing first',
    'Keys first',
    'Slow first',
  ])
  expect(live({ rules: LOAD, forMs: 3.5 * HOUR, restartsMs: [2 * HOUR, 2.5 * HOUR, 2.5 * HOUR + 90 * SECOND], tell: load })).toEqual(before)
})

test('what is bad enough is told soon after a restart, and what has ended ends once its window was seen', () => {
  const rules = `
rules:
  - { name: Failing, condition: error_rate > 0.05 }
  - { name: Costs, condition: "cost_per_hour[30m] > 25" }
`
  // Every request fails and 400 USD an hour are spent from the restart on, until minute 40.
  const badMs = (atMs: number) => Math.min(Math.max(0, atMs - 10 * MINUTE), 30 * MINUTE)
  const tell = (atMs: number) =>
    atMs % MINUTE === 20 * SECOND
      ? metrics(
          ...requests(atMs, atMs - badMs(atMs), badMs(atMs)),
          counter('tts.cost', SERVICE, (badMs(atMs) / HOUR) * 400, { startMs: START_MS + SECOND, timeMs: START_MS + atMs }),
        )
      : undefined
  expect(live({ rules, forMs: 90 * MINUTE, restartsMs: [10 * MINUTE, 38 * MINUTE], tell })).toEqual([
    '11.5 Failing first',
    '12.5 Costs first',
    '45.5 Failing resolved',
    '68.5 Costs resolved',
  ])
})

test('a burn rate is not reached by a minute of failures because the hours before were not seen; by an outage it is', () => {
  const rules = 'rules: [{ name: SLO, burn_rate: { objective: 99.9% } }]'
  const restartsMs = [100 * MINUTE]
  const world = (failed: (minute: number) => number) => ({
    rules,
    forMs: 110 * MINUTE,
    tell(atMs: number) {
      if (atMs % MINUTE !== 0) return undefined
      const bad = failed(atMs / MINUTE)
      return metrics(...requests(atMs, 600 * (atMs / MINUTE) - bad, bad))
    },
  })
  const fifteen = world((minute) => (minute >= 102 ? 15 : 0))
  expect([live({ ...fifteen, restartsMs: [] }), live({ ...fifteen, restartsMs })]).toEqual([[], []])
  const outage = world((minute) => 600 * Math.max(0, minute - 102))
  expect([live({ ...outage, restartsMs: [] })[0], live({ ...outage, restartsMs })[0]]).toEqual(['103 SLO first', '103 SLO first'])
})

test('a record that comes once a day is not missed because the day was not seen', () => {
  const rules = `
log_counts: { backups: { event: backup.done } }
rules: [{ name: No Backup, condition: "backups[1d] < 1" }]
`
  const tell = (atMs: number): Batch | undefined =>
    atMs % MINUTE !== 0
      ? undefined
      : {
          signal: 'logs',
          records: [
            log(SERVICE, {
              uid: `r${atMs}`,
              timeUs: (START_MS + atMs) * 1_000,
              eventName: atMs === HOUR || atMs === 25 * HOUR ? 'backup.done' : '',
            }),
          ],
        }
  expect(live({ rules, forMs: 50 * HOUR, restartsMs: [2 * HOUR], tell })).toEqual(['2940 No Backup first'])
})

test('no_data: alert says nothing of a start: the first figures are on their way', () => {
  const rules = 'rules: [{ name: Silent, condition: requests_per_second < 0.01, no_data: alert }]'
  expect(live({ rules, forMs: 30 * MINUTE, restartsMs: [10 * MINUTE], tell: load })).toEqual([])
  expect(live({ rules, forMs: 30 * MINUTE, restartsMs: [], tell: () => undefined })).toEqual(['2.5 Silent first'])
})

test('metrics that come seldom are waited for: one that has not told its figures again has not ended', () => {
  const rules = 'rules: [{ name: Queue, condition: queue_length > 100 }]'
  const others = sender('two')
  const tell = (atMs: number): Batch | undefined => {
    const timeMs = START_MS + atMs
    if (atMs % (4 * MINUTE) === 20 * SECOND) return metrics(gauge('tts.queue.length', others, 3, { timeMs }))
    return atMs % (4 * MINUTE) === 200 * SECOND ? metrics(gauge('tts.queue.length', SERVICE, 500, { timeMs })) : undefined
  }
  // That it comes every four minutes is known from the second time on, and then remembered.
  expect(live({ rules, forMs: HOUR, restartsMs: [20 * MINUTE], tell })).toEqual(['3.5 Queue first', '6 Queue resolved', '7.5 Queue first'])
})

test('a clock that is set back right after the start makes no alert last and none late', () => {
  const rules = `
rules:
  - { name: Queue, condition: queue_length > 100 }
  - { name: No Telemetry, condition: telemetry_silence > 300 }
  - { name: Little, condition: requests_per_second < 5 }
`
  const tell = (atMs: number): Batch | undefined => {
    const timeMs = START_MS + atMs
    if (atMs % MINUTE !== 20 * SECOND || atMs > 20 * MINUTE) return undefined
    return metrics(gauge('tts.queue.length', SERVICE, atMs < 8 * MINUTE ? 500 : 3, { timeMs }), ...requests(atMs, atMs / SECOND, 0))
  }
  const world = { rules, forMs: HOUR, restartsMs: [MINUTE], tell }
  const expected = ['0.5 Queue first', '6.5 Little first', '8.5 Queue resolved', '24.5 No Telemetry first']
  expect(live(world)).toEqual(expected)
  const offsetMs = (atMs: number) => (atMs < 2 * MINUTE ? 0 : -10 * HOUR)
  expect(live({ ...world, offsetMs })).toEqual(expected)
  // And when the sender has the same clock.
  const toEarlier = (point: MetricPoint, atMs: number) => ({ ...point, timeUs: point.timeUs + offsetMs(atMs) * 1_000 })
  const tellEarlier = (atMs: number): Batch | undefined => {
    const batch = tell(atMs)
    return batch?.signal === 'metrics' ? metrics(...batch.records.map((point) => toEarlier(point, atMs))) : undefined
  }
  expect(live({ ...world, offsetMs, tell: tellEarlier })).toEqual(expected)
})
