import { setTimeout as sleep } from 'node:timers/promises'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { recordProcessingTime, recordRequest } from '../../src/tts/measure.ts'
import { observeActiveConnections, observeQueueLength } from '../../src/tts/observed.ts'
import { ttsRequest } from '../../src/tts/request.ts'
import { metricsSummary } from '../../src/tts/summary.ts'
import { startTelemetry } from './support.ts'

let telemetry: ReturnType<typeof startTelemetry>
let warnings: string[]
let stops: (() => void)[]
beforeEach(() => {
  telemetry = startTelemetry()
  warnings = []
  stops = []
  const ignore = () => {}
  const logger = { error: ignore, warn: (message: string) => void warnings.push(message), info: ignore, debug: ignore, verbose: ignore }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
})
afterEach(() => {
  for (const stop of stops) stop()
  diag.disable()
  telemetry.stop()
})

const observe = (read: Parameters<typeof observeQueueLength>[0]) => void stops.push(observeQueueLength(read))
const lengths = async () => (await telemetry.points('tts.queue.length')).map(({ value }) => value)

describe('the queue length', () => {
  test('of an array, asked at each collection', async () => {
    const jobs = ['a', 'b']
    observe(() => jobs.length)
    expect(await lengths()).toEqual([2])
    jobs.push('c')
    expect(await lengths()).toEqual([3])
    expect(metricsSummary().queue_length).toBe(3)
  })

  test('of a queue in a database, which answers later', async () => {
    const waiting = { count: 7 }
    observe(async () => {
      await sleep(5)
      return waiting.count
    })
    expect(metricsSummary().queue_length, 'nobody knows yet').toBeNull()
    expect(await lengths()).toEqual([7])
    waiting.count = 9
    metricsSummary()
    await expect.poll(() => metricsSummary().queue_length).toBe(9)
  })

  test('of two queues is their sum, and of none nothing', async () => {
    expect(await lengths()).toEqual([])
    expect(metricsSummary().queue_length).toBe(0)
    observe(() => 2)
    observe(async () => 3)
    expect(await lengths()).toEqual([5])
    for (const stop of stops.splice(0)) stop()
    expect(metricsSummary().queue_length).toBe(0)
  })

  test.each<[string, () => number | Promise<number>]>([
    [
      'throws',
      () => {
        throw new Error('no connection')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no connection'))],
    ['gives no number', () => Number.NaN],
    ['gives a negative number', async () => -1],
    ['gives something else', () => JSON.parse('"7"')],
    ['gives null', () => JSON.parse('null')],
  ])('of a function that %s is missing, is told once, and hurts nothing', async (_, read) => {
    observe(read)
    for (let i = 0; i < 3; i++) expect(await lengths()).toEqual([])
    expect(metricsSummary().queue_length).toBeNull()
    await ttsRequest({ text: 'x' }, () => {})
    expect(await telemetry.points('tts.requests')).toHaveLength(1)
    // At most once a minute, over all of these cases.
    expect(warnings.length).toBeLessThanOrEqual(1)
  })

  test('of a function that hangs is missing after a second, and it is not asked again before it answers', async () => {
    let asked = 0
    let answer: (count: number) => void = () => {}
    observe(() => {
      asked++
      return new Promise((resolve) => {
        answer = resolve
      })
    })
    const startMs = performance.now()
    expect(await lengths()).toEqual([])
    expect(performance.now() - startMs).toBeGreaterThan(900)
    for (let i = 0; i < 10; i++) metricsSummary()
    expect(asked).toBe(1)
    answer(4)
    await expect.poll(() => metricsSummary().queue_length).toBe(4)
  })

  test('is reported to a provider that is registered later, and no longer to the one before', async () => {
    telemetry.stop()
    observe(() => 6)
    telemetry = startTelemetry()
    await ttsRequest({ text: 'x' }, () => {})
    expect(await lengths()).toEqual([6])
  })

  test('takes a bounded number of functions', () => {
    for (let i = 0; i < 100; i++) observe(() => 1)
    expect(metricsSummary().queue_length).toBe(64)
    expect(warnings).toEqual([expect.stringContaining('takes no more')])
  })
})

test('connections of the app’s own are counted', async () => {
  const sockets = new Set(['a', 'b'])
  stops.push(observeActiveConnections(() => sockets.size))
  expect(await telemetry.points('tts.active_connections')).toMatchObject([{ value: 2 }])
  expect(metricsSummary().active_connections).toBe(2)
})

describe('code without middleware', () => {
  test('feeds http.server.request.duration and tts.processing.duration', async () => {
    recordRequest(0.25)
    recordRequest(0.5, true)
    recordRequest(148, false)
    recordProcessingTime(77)
    expect(await telemetry.points('http.server.request.duration')).toMatchObject([
      { attributes: { 'http.request.method': '_OTHER' }, value: { count: 2, sum: 0.75 } },
      { attributes: { 'http.request.method': '_OTHER', 'error.type': '_OTHER' }, value: { count: 1, sum: 148 } },
    ])
    expect(await telemetry.points('tts.processing.duration')).toMatchObject([{ attributes: {}, value: { count: 1, sum: 77 } }])
  })

  test('cannot spoil the sums with numbers that are none', async () => {
    for (const wrong of [Number.NaN, -1, Number.POSITIVE_INFINITY, JSON.parse('"1"'), undefined]) {
      recordRequest(wrong)
      recordProcessingTime(wrong)
    }
    expect(await telemetry.points('http.server.request.duration')).toEqual([])
    expect(await telemetry.points('tts.processing.duration')).toEqual([])
  })
})

test.each(['http.server.request.duration', 'tts.request.duration', 'tts.processing.duration'])(
  '%s tells an answer after 77 s and a failure after 148 s apart',
  async (name) => {
    recordRequest(77)
    await ttsRequest({ text: 'x' }, () => {})
    const { buckets } = (await telemetry.points(name))[0]!.value as { buckets: { boundaries: number[] } }
    const bucketOf = (seconds: number) => buckets.boundaries.findIndex((bound) => seconds <= bound)
    expect(bucketOf(148)).toBeGreaterThan(bucketOf(77) + 1)
    expect(bucketOf(77)).toBeGreaterThan(bucketOf(45))
  },
)

test('a thousand voices and models of strangers make a handful of series', async () => {
  for (let i = 0; i < 1_000; i++) await ttsRequest({ text: 'x', voice: `voice_${i}`, model: `<${i}>` }, () => {})
  for (const name of ['tts.requests', 'tts.request.duration', 'tts.characters']) expect(await telemetry.points(name)).toHaveLength(1)
})
