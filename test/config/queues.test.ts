import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'

const { signals } = parseConfig({}).config

test('unset: the numbers of the specification, but that spans wait a second, as a crash takes what waits', () => {
  expect(signals.traces.queue).toEqual({ delayMs: 1_000, queueItemsMax: 2_048, batchItemsMax: 512 })
  expect(signals.logs.queue).toEqual({ delayMs: 1_000, queueItemsMax: 2_048, batchItemsMax: 512 })
})

test.each([
  ['OTEL_BSP', 'traces'],
  ['OTEL_BLRP', 'logs'],
] as const)('%s_* set the queue of %s', (prefix, signal) => {
  const { config, problems } = parseConfig({
    [`${prefix}_SCHEDULE_DELAY`]: '200',
    [`${prefix}_MAX_QUEUE_SIZE`]: '100',
    [`${prefix}_MAX_EXPORT_BATCH_SIZE`]: '50',
  })
  expect(config.signals[signal].queue).toEqual({ delayMs: 200, queueItemsMax: 100, batchItemsMax: 50 })
  expect(problems).toEqual([])
})

test('a batch is never larger than the queue', () => {
  const small = parseConfig({ OTEL_BSP_MAX_QUEUE_SIZE: '10' })
  expect(small.config.signals.traces.queue.batchItemsMax).toBe(10)
  expect(small.problems).toEqual([])
  const both = parseConfig({ OTEL_BLRP_MAX_QUEUE_SIZE: '10', OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '20' })
  expect(both.config.signals.logs.queue.batchItemsMax).toBe(10)
  expect(both.problems).toEqual(['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=20 is more than OTEL_BLRP_MAX_QUEUE_SIZE, which is 10; using 10'])
})

test.each([
  ['OTEL_BSP_SCHEDULE_DELAY', '0', 'a whole number from 1 to 2147483647; using 1000 ms'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', 'lots', 'a whole number from 1 to 1000000; using 2048'],
  ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', '-5', 'a whole number from 1 to 1000000; using 512'],
])('a wrong %s=%s takes the default', (name, value, told) => {
  const { config, problems } = parseConfig({ [name]: value })
  expect(problems).toEqual([`${name}="${value}" is not ${told}`])
  expect(config.signals).toEqual(signals)
})

test('metrics are collected every minute; METRICS_COLLECTION_INTERVAL is seconds, OTEL_METRIC_EXPORT_INTERVAL wins', () => {
  const interval = (env: Record<string, string>) => parseConfig(env).config.metricIntervalMs
  expect(interval({})).toBe(60_000)
  expect(interval({ METRICS_COLLECTION_INTERVAL: '2.5' })).toBe(2_500)
  expect(interval({ METRICS_COLLECTION_INTERVAL: '2', OTEL_METRIC_EXPORT_INTERVAL: '700' })).toBe(700)
})

test('one collection never takes longer than the interval', () => {
  expect(parseConfig({}).config.metricTimeoutMs).toBe(30_000)
  expect(parseConfig({ OTEL_METRIC_EXPORT_TIMEOUT: '100' }).config.metricTimeoutMs).toBe(100)
  expect(parseConfig({ OTEL_METRIC_EXPORT_INTERVAL: '1000' }).config.metricTimeoutMs).toBe(1_000)
})

test('wrong intervals take the default', () => {
  const { config, problems } = parseConfig({ METRICS_COLLECTION_INTERVAL: 'hourly', OTEL_METRIC_EXPORT_INTERVAL: '0' })
  expect(config.metricIntervalMs).toBe(60_000)
  expect(problems).toEqual([
    'OTEL_METRIC_EXPORT_INTERVAL="0" is not a whole number from 1 to 2147483647; ignored',
    'METRICS_COLLECTION_INTERVAL="hourly" is not a number from 0.001 to 86400; using 60 s',
  ])
})
