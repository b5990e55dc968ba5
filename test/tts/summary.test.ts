/** What `metricsSummary()` says where nothing is registered. */
import { createServer } from 'node:http'
import v8 from 'node:v8'
import vm from 'node:vm'
import express from 'express'
import { beforeEach, expect, test } from 'vitest'
import { AuthenticationError } from '../../src/errors.ts'
import { ttsOtel, ttsOtelErrors } from '../../src/middleware/express.ts'
import { recordProcessingTime, recordRequest } from '../../src/tts/measure.ts'
import { ttsRequest } from '../../src/tts/request.ts'
import { type MetricsSummary, metricsSummary } from '../../src/tts/summary.ts'
import { listen } from '../instrument/support.ts'

const NOTHING: MetricsSummary = {
  total_requests: 0,
  successful_requests: 0,
  failed_requests: 0,
  error_rate: 0,
  avg_request_duration: 0,
  avg_processing_time: 0,
  p50: null,
  p95: null,
  p99: null,
  auth_failures: 0,
  queue_length: 0,
  active_connections: 0,
  audio_seconds: 0,
  characters: 0,
  estimated_cost_usd: 0,
}

/** First, while this process has done nothing. */
test('when nothing was served the error rate is 0 and nothing is NaN', () => {
  expect(metricsSummary()).toEqual(NOTHING)
})

const good = { outcome: 'ok', audio: { format: 'wav', bytes: 96_044, durationS: 2 }, inputTokens: 6, audioTokens: 50 } as const
const order = { text: 'Two words', voice: 'Kore', model: 'gemini-3.8-flash-tts' }
const before = { ...NOTHING }
beforeEach(() => {
  Object.assign(before, metricsSummary())
})
const added = (name: keyof MetricsSummary) => (metricsSummary()[name] ?? 0) - (before[name] ?? 0)

test('unregistered: requests through the middleware, refused ones, speech, and those under way', async () => {
  const app = express()
  app.use(ttsOtel())
  let during: MetricsSummary | undefined
  app.get('/speak', async (_, response) => {
    during = metricsSummary()
    await ttsRequest(order, (tts) => tts.onCall(good))
    response.send('audio')
  })
  app.get('/private', () => {
    throw new AuthenticationError()
  })
  app.get('/broken', () => {
    throw new Error('a bug')
  })
  app.use(ttsOtelErrors())
  const server = await listen(createServer(app))
  const statuses = []
  for (const path of ['/speak', '/speak', '/private', '/broken', '/livez']) statuses.push((await fetch(server.url + path)).status)
  expect(statuses).toEqual([200, 200, 401, 500, 404])
  await expect.poll(() => metricsSummary().active_connections).toBe(0)
  await server.close()

  expect(during?.active_connections).toBe(1)
  expect(metricsSummary()).toMatchObject({
    total_requests: 4,
    successful_requests: 3,
    failed_requests: 1,
    error_rate: 0.25,
    auth_failures: 1,
    audio_seconds: 4,
    characters: 18,
    estimated_cost_usd: expect.closeTo(0.000906, 9),
  })
  expect(metricsSummary().p99).toBeGreaterThan(0)
})

test('a million requests take no more memory than one', () => {
  v8.setFlagsFromString('--expose-gc')
  const collect: () => void = vm.runInNewContext('gc')
  const usedMb = () => {
    collect()
    return process.memoryUsage().heapUsed / 1e6
  }
  for (let i = 0; i < 10_000; i++) recordRequest(i / 10_000)
  const beforeMb = usedMb()
  for (let i = 0; i < 1_000_000; i++) {
    recordRequest(i / 1_000_000)
    if (i % 10 === 0) recordProcessingTime(1)
  }
  expect(usedMb() - beforeMb).toBeLessThan(3)
  expect(added('total_requests')).toBe(1_010_000)
})
