import { describe, expect, test } from 'vitest'
import type { MetricPoint } from '../../../collector/src/batch.ts'
import { SIGNALS } from '../../../collector/src/signal-names.ts'
import { metricLabels } from '../../../collector/src/signals/labels.ts'
import { createSignals } from '../../../collector/src/signals/signals.ts'
import { seededRandom } from '../../support/random.ts'
import { sender } from '../postgres/records.ts'
import { counter, gauge, http, MINUTE, metrics, SECOND, START_MS, signals, value, values } from './telemetry.ts'

const ok = { 'http.response.status_code': 200, 'http.route': '/tts' }
const broken = { 'http.response.status_code': 500, 'http.route': '/tts', 'error.type': '500' }

/** What a service that serves `perMinute` requests, and fails `failing` of them, tells in `minutes` minutes. */
function serve({ perMinute = 60, failing = 0, minutes = 10, startMs = START_MS, resource = sender() } = {}): MetricPoint[] {
  return Array.from({ length: minutes }, (_, i) => {
    const told = { startMs, timeMs: startMs + (i + 1) * MINUTE }
    return [
      http(resource, [(i + 1) * (perMinute - failing), 0, 0, 0, 0], { ...told, attributes: ok }),
      http(resource, [0, (i + 1) * failing, 0, 0, 0], { ...told, attributes: broken }),
    ]
  }).flat()
}

describe('error_rate', () => {
  test('is failed divided by all, over the window', () => {
    const all = signals()
    all.give(...serve({ failing: 6 }))
    expect(value(all, 'error_rate', START_MS + 10 * MINUTE)).toBeCloseTo(0.1)
    expect(value(all, 'requests_per_second', START_MS + 10 * MINUTE)).toBeCloseTo(1)
  })

  test('is not all of the requests when the first error ever comes just after we began', () => {
    const resource = sender()
    const all = createSignals({ sinceMs: START_MS })
    const give = (minute: number, served: number, failed: number) => {
      const timeMs = START_MS + minute * MINUTE
      const points = [
        http(resource, [0, failed, 0, 0, 0], { startMs: START_MS + 10 * SECOND, timeMs, attributes: broken }),
        http(resource, [served, 0, 0, 0, 0], { startMs: START_MS - 600 * MINUTE, timeMs, attributes: ok }),
      ]
      all.take(metrics(...points), timeMs)
    }
    give(1, 36_000, 3)
    expect(values(all, 'error_rate', [], START_MS + MINUTE)).toEqual({})
    give(2, 36_057, 6)
    expect(value(all, 'error_rate', START_MS + 2 * MINUTE)).toBeCloseTo(3 / 60)
  })

  test('follows a change: errors that have ended leave the window', () => {
    const resource = sender()
    const all = signals()
    const failed = [0, 30, 60, 60, 60, 60, 60, 60, 60]
    for (const [i, count] of failed.entries()) {
      const told = { startMs: START_MS, timeMs: START_MS + (i + 1) * MINUTE }
      all.give(
        http(resource, [i * 60 + 60, 0, 0, 0, 0], { ...told, attributes: ok }),
        http(resource, [count, 0, 0, 0, 0], { ...told, attributes: broken }),
      )
    }
    expect(value(all, 'error_rate', START_MS + 3 * MINUTE)).toBeCloseTo(60 / 240)
    expect(value(all, 'error_rate', START_MS + 3 * MINUTE, 2 * MINUTE)).toBeCloseTo(60 / 180)
    expect(value(all, 'error_rate', START_MS + 9 * MINUTE)).toBe(0)
  })

  test('counts what the service itself calls failed, and not what the caller did wrong', () => {
    const [resource, told] = [sender(), { startMs: START_MS, timeMs: START_MS + MINUTE }]
    const all = signals()
    const answer = (attributes: MetricPoint['attributes']) => http(resource, [10, 0, 0, 0, 0], { ...told, attributes })
    all.give(answer({ 'http.response.status_code': 404 }), answer({ 'http.response.status_code': 503 }))
    all.give(answer({ 'http.response.status_code': 200, 'error.type': 'aborted' }), answer({ 'http.response.status_code': 302 }))
    expect(value(all, 'error_rate', START_MS + MINUTE)).toBeCloseTo(0.5)
  })

  test('no data is no reading: never heard of, nothing served, or gone', () => {
    const all = signals()
    expect(value(all, 'error_rate', START_MS)).toBeUndefined()
    all.give(...serve({ perMinute: 0, minutes: 3 }))
    expect(value(all, 'error_rate', START_MS + 3 * MINUTE)).toBeUndefined()
    expect(value(all, 'requests_per_second', START_MS + 3 * MINUTE)).toBe(0)
    expect(value(all, 'requests_per_second', START_MS + 10 * MINUTE)).toBeUndefined()
  })

  test('is told apart by route and instance', () => {
    const [one, two] = [sender('one'), sender('two')]
    const all = signals()
    all.give(...serve({ resource: one, failing: 6 }), ...serve({ resource: two, failing: 30 }))
    expect(values(all, 'error_rate', ['instance'], START_MS + 10 * MINUTE)).toEqual({ one: 0.1, two: 0.5 })
    const byBoth = values(all, 'error_rate', ['route', 'instance'], START_MS + 10 * MINUTE)
    expect(byBoth).toEqual({ '/tts,one': 0.1, '/tts,two': 0.5 })
  })
})

describe('processes that come and go', () => {
  test('add up while they are there, and a restart loses and invents nothing', () => {
    const all = signals()
    all.give(...serve({ minutes: 5 }))
    // It ends, and another process takes its place, which counts from 0.
    all.give(...serve({ minutes: 5, startMs: START_MS + 5 * MINUTE }))
    all.give(...serve({ minutes: 10 }))
    expect(value(all, 'requests_per_second', START_MS + 10 * MINUTE)).toBeCloseTo(2)
    expect(value(all, 'requests_per_second', START_MS + 10 * MINUTE, 10 * MINUTE)).toBeCloseTo(2)
  })

  test('a service without instance ids that starts anew counts from 0 again', () => {
    const resource = { attributes: { 'service.name': 'old' }, service: 'old', instanceId: '' }
    const all = signals()
    all.give(...serve({ resource, minutes: 5 }), ...serve({ resource, minutes: 5, startMs: START_MS + 5 * MINUTE }))
    expect(value(all, 'requests_per_second', START_MS + 10 * MINUTE, 10 * MINUTE)).toBeCloseTo(1)
  })

  test('a sender that names no start is understood when its count falls', () => {
    const all = signals()
    const resource = sender()
    for (const [i, count] of [1_000, 1_060, 60, 120, 180].entries())
      all.give(counter('tts.cost', resource, count, { startMs: 0, timeMs: START_MS + i * MINUTE }))
    // 60 + 60 + 60 + 60: the first point only tells where it stood.
    expect(value(all, 'cost_per_hour', START_MS + 4 * MINUTE, 4 * MINUTE)).toBeCloseTo(3_600)
  })

  test('what a process counted before the collector was there is not taken for new', () => {
    const all = signals({ sinceMs: START_MS })
    const resource = sender()
    const told = (timeMs: number) => ({ startMs: START_MS - 60 * MINUTE, timeMs })
    all.give(counter('tts.cost', resource, 5_000, told(START_MS + MINUTE)))
    expect(value(all, 'cost_per_hour', START_MS + MINUTE)).toBeUndefined()
    all.give(counter('tts.cost', resource, 5_001, told(START_MS + 2 * MINUTE)))
    expect(value(all, 'cost_per_hour', START_MS + 2 * MINUTE, MINUTE)).toBeCloseTo(60)
  })

  test('a counter that a known process tells of for the first time counts whole, as the SDK starts observed ones at their first report', () => {
    const all = signals({ sinceMs: START_MS + 5 * SECOND })
    const resource = sender()
    const created = (timeMs: number) => counter('tts_otel.created', resource, 10, { startMs: START_MS, timeMs })
    all.give(created(START_MS + MINUTE), created(START_MS + 2 * MINUTE))
    expect(value(all, 'telemetry_lost', START_MS + 2 * MINUTE)).toBe(0)
    const at = START_MS + 3 * MINUTE
    all.give(created(at), counter('tts_otel.dropped', resource, 7, { startMs: at, timeMs: at }))
    expect(value(all, 'telemetry_lost', at)).toBe(7)
  })
})

describe('replays and resends', () => {
  const points = [...serve({ failing: 6, minutes: 12 }), ...serve({ perMinute: 30, failing: 3, minutes: 12 })]
  const delta = Array.from({ length: 12 }, (_, i) => {
    const [startMs, timeMs] = [START_MS + i * MINUTE, START_MS + (i + 1) * MINUTE]
    return { ...counter('tts.cost', sender('delta'), i, { startMs, timeMs }), temporality: 'delta' as const }
  })

  function read(of: ReturnType<typeof signals>) {
    return [4, 7, 12].flatMap((minute) =>
      ['error_rate', 'requests_per_second', 'p95_duration', 'cost_per_hour'].map((signal) => value(of, signal, START_MS + minute * MINUTE)),
    )
  }

  test('change nothing, in any order and any number', () => {
    const inOrder = signals()
    inOrder.give(...points, ...delta)
    const expected = read(inOrder)
    expect(expected).not.toContain(undefined)
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed)
      const shuffled = [...points, ...delta, ...points.filter(() => random() < 0.5), ...delta.filter(() => random() < 0.5)]
        .map((point) => ({ point, order: random() }))
        .sort((a, b) => a.order - b.order)
      const all = signals()
      // Those of one instant come in one request.
      all.give(...shuffled.map(({ point }) => point))
      for (const [i, found] of read(all).entries()) expect(found, `seed ${seed}, reading ${i}`).toBeCloseTo(expected[i]!, 6)
    }
  })

  test('what waited on disk for an hour belongs to the window of an hour ago', () => {
    const all = signals()
    all.give(...serve({ failing: 60, minutes: 10 }))
    expect(value(all, 'error_rate', START_MS + 70 * MINUTE)).toBeUndefined()
    expect(value(all, 'error_rate', START_MS + 10 * MINUTE)).toBe(1)
  })

  test('a gap is filled evenly, until what was on disk tells more exactly', () => {
    const all = signals()
    const resource = sender()
    const at = (minute: number, cost: number) =>
      counter('tts.cost', resource, cost, { startMs: START_MS, timeMs: START_MS + minute * MINUTE })
    all.give(at(1, 0), at(2, 0), at(12, 10))
    expect(value(all, 'cost_per_hour', START_MS + 12 * MINUTE)).toBeCloseTo(60)
    all.give(at(3, 10), at(7, 10))
    expect(value(all, 'cost_per_hour', START_MS + 12 * MINUTE)).toBe(0)
  })
})

test('a process whose clock is set back is read on, its states too; counts of before the jump that come again change nothing', () => {
  const all = signals()
  const of = sender()
  const told = (minute: number, back: number) => [
    ...serve({ minutes: minute, resource: of })
      .slice(-2)
      .map((point) => ({ ...point, timeUs: point.timeUs - back * 60_000_000 })),
    gauge('tts.queue.length', of, minute, { timeMs: START_MS + (minute - back) * MINUTE }),
  ]
  for (let minute = 1; minute <= 10; minute++) all.give(...told(minute, 0))
  for (let minute = 11; minute <= 20; minute++) {
    all.give(...told(minute, 600))
    all.give(...told(9, 0).slice(0, 2))
  }
  const now = START_MS + (20 - 600) * MINUTE + SECOND
  expect(value(all, 'requests_per_second', now)).toBeCloseTo(1, 5)
  expect(value(all, 'queue_length', now)).toBe(20)
})

describe('of a window that reaches back to before we listened', () => {
  const since = 3 * MINUTE
  const startMs = START_MS - 60 * MINUTE
  const A = sender()
  /** After two minutes of the five, 100 requests a minute, of which a tenth failed and a tenth took long. */
  function afterTwoMinutes() {
    const of = signals({ sinceMs: START_MS + since })
    for (const minute of [3, 4, 5]) {
      const all = 100 * minute
      const timeMs = START_MS + minute * MINUTE
      of.give(
        http(A, [all * 0.8, 0, 0, all * 0.1, 0], { startMs, timeMs }),
        http(A, [all * 0.1, 0, 0, 0, 0], { startMs, timeMs, attributes: { 'error.type': 'timeout' } }),
        counter('tts.cost', A, minute, { startMs, timeMs }),
      )
    }
    return (signal: string, windowMs = 5 * MINUTE) => of.read({ signal, windowMs, by: [] }, START_MS + 5 * MINUTE)[0]
  }
  const close = (number: number) => expect.closeTo(number, 6)

  test('the value is that of what was seen, and its range what the whole can be', () => {
    const read = afterTwoMinutes()
    expect(read('error_rate')).toEqual({ labels: {}, value: close(0.1), range: { low: close(0.04), high: close(0.64) } })
    expect(read('cost_per_hour')).toEqual({ labels: {}, value: close(60), range: { low: close(24), high: Infinity } })
    expect(read('requests_per_second')).toEqual({ labels: {}, value: close(100 / 60), range: { low: close(40 / 60), high: Infinity } })
    // Of 500 at most 480 were fast, and of the 200 that were seen the 175th is at the place.
    expect(read('p95_duration')).toEqual({ labels: {}, value: close(3), range: { low: close((0.1 * 175) / 180), high: Infinity } })
  })

  test('a window that was seen as a whole has no range', () => {
    const read = afterTwoMinutes()
    expect(read('error_rate', 2 * MINUTE)).toEqual({ labels: {}, value: close(0.1) })
    expect(read('cost_per_hour', 2 * MINUTE)).toEqual({ labels: {}, value: close(60) })
  })
})

test('a process whose clock is ahead is read as it tells, at once', () => {
  const all = createSignals({ sinceMs: START_MS - 60 * MINUTE })
  for (const point of serve({ failing: 6, startMs: START_MS + 30 * MINUTE })) all.take(metrics(point), point.timeUs / 1_000 - 30 * MINUTE)
  expect(value(all, 'error_rate', START_MS + 10 * MINUTE)).toBeCloseTo(0.1)
})

test('when our clock is set back, what was told last stays what is read', () => {
  const all = createSignals({ sinceMs: START_MS })
  for (const point of serve({ failing: 6, startMs: START_MS })) all.take(metrics(point), point.timeUs / 1_000)
  const before = value(all, 'error_rate', START_MS + 10 * MINUTE)
  expect(before).toBeCloseTo(0.1)
  expect(value(all, 'error_rate', START_MS - 60 * MINUTE)).toBe(before)
})

describe('states', () => {
  test('queue_length is what the workers see of one queue, and not their sum', () => {
    const all = signals()
    all.give(
      gauge('tts.queue.length', sender('a'), 120, { timeMs: START_MS }),
      gauge('tts.queue.length', sender('b'), 118, { timeMs: START_MS }),
    )
    expect(value(all, 'queue_length', START_MS + SECOND)).toBe(120)
    expect(values(all, 'queue_length', ['instance'], START_MS + SECOND)).toEqual({ a: 120, b: 118 })
  })

  test('a state is what was told last, whatever the window, until three reports are missing', () => {
    const all = signals()
    for (const minute of [0, 1, 2]) all.give(gauge('tts.queue.length', sender('a'), 500, { timeMs: START_MS + minute * MINUTE }))
    const at = (s: number, windowMs: number) => value(all, 'queue_length', START_MS + 2 * MINUTE + s * SECOND, windowMs)
    expect([5, 55, 150].map((s) => at(s, 10 * SECOND))).toEqual([500, 500, 500])
    expect([150, 151].map((s) => at(s, 60 * MINUTE))).toEqual([500, undefined])
    expect(all.shortWindows()).toEqual([])
  })

  test('active_connections are added up, without those of processes that are gone', () => {
    const all = signals()
    const connections = (name: string, now: number, minute: number) => ({
      ...gauge('tts.active_connections', sender(name), now, { timeMs: START_MS + minute * MINUTE }),
      type: 'sum' as const,
      temporality: 'cumulative' as const,
    })
    all.give(...[0, 1, 2].map((minute) => connections('a', 10, minute)), ...[0, 1, 2, 3, 4, 5].map((minute) => connections('b', 5, minute)))
    expect(value(all, 'active_connections', START_MS + 2 * MINUTE)).toBe(15)
    expect(value(all, 'active_connections', START_MS + 5 * MINUTE)).toBe(5)
  })

  test('health is that of the worst instance, for each dependency', () => {
    const all = signals()
    const check = (instance: string, dependency: string, now: number) =>
      gauge('health.check.status', sender(instance), now, { timeMs: START_MS, attributes: { 'health.check.name': dependency } })
    all.give(check('a', 'redis', 1), check('b', 'redis', 0), check('a', 'postgres', 1), check('b', 'postgres', 1))
    expect(values(all, 'health', ['dependency'], START_MS)).toEqual({ redis: 0, postgres: 1 })
    expect(value(all, 'health', START_MS)).toBe(0)
  })
})

describe('other signals', () => {
  const told = { startMs: START_MS, timeMs: START_MS + MINUTE }
  const at = START_MS + MINUTE

  test('percentiles are linear within a bucket, over all instances', () => {
    const all = signals()
    all.give(http(sender(), [50, 40, 0, 0, 0], told), http(sender(), [0, 0, 10, 0, 0], told))
    expect(value(all, 'p50_duration', at)).toBeCloseTo(0.1)
    expect(value(all, 'p95_duration', at)).toBeCloseTo(0.75)
    expect(value(all, 'p99_duration', at)).toBeCloseTo(0.95)
  })

  test('percentiles of exponential histograms are near the truth, whatever their scale', () => {
    for (const scale of [0, 2, 5, 8]) {
      const all = signals()
      const durations = Array.from({ length: 1_000 }, (_, i) => 0.05 + i / 500)
      const indexes = durations.map((s) => Math.ceil(Math.log2(s) * 2 ** scale) - 1)
      const offset = Math.min(...indexes)
      const counts = Array.from(
        { length: Math.max(...indexes) - offset + 1 },
        (_, i) => indexes.filter((index) => index === i + offset).length,
      )
      const detail = { scale, zeroCount: 0, zeroThreshold: 0, positive: { offset, counts }, negative: { offset: 0, counts: [] } }
      const point = http(sender(), [1_000], told)
      all.give({ ...point, type: 'exponential_histogram', distribution: { ...point.distribution!, bounds: [], counts: [], detail } })
      const found = value(all, 'p95_duration', at)!
      expect(Math.abs(found / 1.95 - 1), `scale ${scale}: ${found}`).toBeLessThan(scale < 2 ? 0.5 : 0.1)
    }
  })

  test('Gemini: a failing share, quotas that ran out, and each call once when it is told under its old name as well', () => {
    const all = signals()
    const resource = sender()
    const calls = (name: string, count: number, attributes: MetricPoint['attributes']) => ({
      ...http(resource, [count, 0, 0, 0, 0], { ...told, attributes }),
      name,
    })
    for (const name of ['gen_ai.client.inference.duration', 'gen_ai.client.operation.duration'])
      all.give(calls(name, 90, {}), calls(name, 6, { 'error.type': 'RESOURCE_EXHAUSTED' }), calls(name, 4, { 'error.type': 'timeout' }))
    expect(value(all, 'gemini_error_rate', at)).toBeCloseTo(0.1)
    expect(value(all, 'quota_exhausted', at)).toBeCloseTo(6)
  })

  test('speech: without audio, and failed for the user', () => {
    const all = signals()
    const outcomes = { ok: 80, cancelled: 5, no_audio: 6, text_instead_of_audio: 4, truncated: 5 }
    for (const [outcome, count] of Object.entries(outcomes))
      all.give(counter('tts.requests', sender('one'), count, { ...told, attributes: { 'tts.outcome': outcome, 'tts.voice': 'Kore' } }))
    expect(value(all, 'no_audio_rate', at)).toBeCloseTo(0.1)
    expect(value(all, 'speech_error_rate', at)).toBeCloseTo(0.15)
    expect(values(all, 'no_audio_rate', ['voice'], at)).toEqual({ Kore: expect.closeTo(0.1) })
  })

  test('auth_failures_per_minute is 0 where requests are served and none was refused', () => {
    const all = signals()
    all.give(...serve({ minutes: 5 }))
    expect(value(all, 'auth_failures_per_minute', START_MS + 5 * MINUTE)).toBe(0)
    expect(value(signals(), 'auth_failures_per_minute', START_MS)).toBeUndefined()
  })
})

describe('limits', () => {
  test('a window shorter than two intervals of its data is reported, once', () => {
    const all = signals()
    all.give(...serve({ minutes: 5 }))
    for (let i = 0; i < 3; i++) value(all, 'error_rate', START_MS + 5 * MINUTE, MINUTE)
    value(all, 'error_rate', START_MS + 5 * MINUTE, 2 * MINUTE)
    expect(all.shortWindows()).toEqual([{ signal: 'error_rate', windowMs: MINUTE, intervalMs: MINUTE }])
  })

  test('series above the limit are counted, and those that are there stay right', () => {
    const all = signals({ seriesMax: 10 })
    for (let i = 0; i < 15; i++) all.give(gauge('tts.queue.length', sender(`worker-${i}`), i, { timeMs: START_MS }))
    expect(all.stats()).toMatchObject({ series: 10, seriesOverflow: 5 })
    expect(value(all, 'queue_length', START_MS)).toBe(9)
  })

  test('what no window reaches is forgotten, and makes room', () => {
    const all = signals({ seriesMax: 10 })
    all.watch({ windowMsMax: 5 * MINUTE, logCounts: [] })
    for (let hour = 0; hour < 5; hour++) {
      for (let i = 0; i < 10; i++) all.give(gauge('tts.queue.length', sender(`${hour}-${i}`), i, { timeMs: START_MS + hour * 60 * MINUTE }))
      all.forget(START_MS + (hour + 1) * 60 * MINUTE)
    }
    expect(all.stats()).toMatchObject({ series: 0, seriesOverflow: 0 })
  })

  test('a day of points a second keeps a window of seconds and one of a day', () => {
    const all = signals()
    all.watch({ windowMsMax: 1_440 * MINUTE, logCounts: [] })
    const resource = sender()
    const seconds = 86_400
    for (let s = 1; s <= seconds; s++)
      all.give(counter('tts.cost', resource, s < seconds - 60 ? s : seconds - 60, { startMs: START_MS, timeMs: START_MS + s * SECOND }))
    const at = START_MS + seconds * SECOND
    expect(value(all, 'cost_per_hour', at, 10 * SECOND)).toBeCloseTo(0)
    expect(value(all, 'cost_per_hour', at, 2 * MINUTE)! / 1_800).toBeCloseTo(1, 1)
    expect(value(all, 'cost_per_hour', at, 1_440 * MINUTE)! / 3_600).toBeCloseTo(1, 1)
  })
})

test('each signal can be told apart by the labels that are promised for it', () => {
  for (const [signal, { labels }] of Object.entries(SIGNALS))
    for (const label of labels) expect(Object.keys(metricLabels([label], sender(), {})), `${signal} by ${label}`).toEqual([label])
  const known = new Set(Object.values(SIGNALS).flatMap(({ labels }): readonly string[] => labels))
  const attributes = {
    'http.route': 'route',
    'http.request.method': 'method',
    'http.response.status_code': 'status',
    'tts.model': 'model',
    'tts.voice': 'voice',
    'health.check.name': 'dependency',
    signal: 'signal',
    reason: 'reason',
  }
  const resource = { attributes: {}, service: 'service', instanceId: 'instance' }
  expect(metricLabels([...known], resource, attributes)).toEqual(Object.fromEntries([...known].map((name) => [name, name])))
})

test('a service that was there and says nothing is told of, since this process listens', () => {
  const all = signals({ sinceMs: START_MS })
  expect(value(all, 'telemetry_silence', START_MS)).toBeUndefined()
  all.presence.restore({ 'tts-api': START_MS - 60 * MINUTE })
  all.take(
    { signal: 'metrics', records: [gauge('any', { attributes: {}, service: 'other', instanceId: '' }, 1, { timeMs: START_MS })] },
    START_MS + MINUTE,
  )
  expect(values(all, 'telemetry_silence', ['service'], START_MS + 5 * MINUTE)).toEqual({ 'tts-api': 300, other: 240 })
  expect(value(all, 'telemetry_silence', START_MS + 5 * MINUTE)).toBe(300)
  all.forget(START_MS + 1_441 * MINUTE)
  expect(values(all, 'telemetry_silence', ['service'], START_MS + 1_441 * MINUTE)).toEqual({ other: 86_400 })
})

test('time in which nobody listened is no silence: a clock that was set forward, a machine that slept', () => {
  const all = signals()
  const silence = (s: number) => value(all, 'telemetry_silence', START_MS + s * SECOND)
  all.give(...serve({ minutes: 1 }))
  for (let s = 60; s <= 240; s += 30) all.forget(START_MS + s * SECOND)
  expect(silence(240)).toBe(180)
  all.forget(START_MS + 4_000 * SECOND)
  expect(silence(4_000)).toBe(180)
  for (let s = 4_030; s <= 4_300; s += 30) all.forget(START_MS + s * SECOND)
  expect(silence(4_300)).toBe(480)
})

test('a metric that no signal is made of costs nothing', () => {
  const all = signals()
  all.give(counter('some.other.metric', sender(), 1, { startMs: START_MS, timeMs: START_MS + MINUTE }))
  expect(all.stats().series).toBe(0)
})
