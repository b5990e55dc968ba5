/** What `metricsSummary()` says, against what the collector makes of what was exported. */
import { createServer } from 'node:http'
import type { DataPoint } from '@opentelemetry/sdk-metrics'
import express from 'express'
import { expect, test } from 'vitest'
import { METRIC_NAMES, summarize } from '../../collector/src/api/summary.ts'
import type { StoredPoint } from '../../collector/src/reader.ts'
import { createGuard } from '../../src/instrument/guard.ts'
import { instrumentHttpServer } from '../../src/instrument/http-server.ts'
import { ttsOtel, ttsOtelErrors } from '../../src/middleware/express.ts'
import { recordProcessingTime, recordRequest } from '../../src/tts/measure.ts'
import { ttsRequest } from '../../src/tts/request.ts'
import { metricsSummary } from '../../src/tts/summary.ts'
import { listen, startTelemetry } from '../instrument/support.ts'

const telemetry = startTelemetry()
instrumentHttpServer({ contextManager: telemetry.contextManager, guard: createGuard('http-server') })

const call = { outcome: 'ok', inputTokens: 6, audioTokens: 50 } as const

function createApp() {
  const app = express()
  app.use(ttsOtel())
  app.get('/speak', async ({ query }, response) => {
    const audio = { format: 'wav', bytes: 44, durationS: Number(query.seconds) } as const
    const order = { text: 'Two words', voice: String(query.voice), model: 'gemini-3.8-flash-tts' }
    await ttsRequest(order, (tts) => tts.onCall({ ...call, audio }))
    response.send('audio')
  })
  app.get('/broken', () => {
    throw new Error('a bug')
  })
  app.use(ttsOtelErrors())
  return app
}

test('both say the same of the same requests', async () => {
  const server = await listen(createServer(createApp()))
  const paths = [
    '/speak?seconds=2&voice=Kore',
    '/speak?seconds=7.5&voice=mine',
    '/speak?seconds=60&voice=Puck',
    '/missing',
    '/broken',
    '/livez',
  ]
  for (const path of paths) await (await fetch(server.url + path)).text()
  for (const durationS of [0.02, 0.3, 0.31, 0.4, 3, 9, 21, 77, 80, 301]) recordRequest(durationS)
  for (const durationS of [12, 148]) recordRequest(durationS, false)
  recordProcessingTime(19)
  await expect.poll(() => metricsSummary().total_requests).toBe(17)
  await server.close()

  const stored: StoredPoint[] = []
  for (const name of METRIC_NAMES) stored.push(...(await telemetry.points(name)).map((point) => toStored(name, point)))
  const { rtf, time_to_first_audio, by_outcome, by_voice, voices, ...theirs } = summarize(stored)
  expect(by_voice).toEqual({ Kore: 1, custom: 1, Puck: 1 })
  expect(Object.keys(voices)).toEqual(['Kore', 'custom', 'Puck'])
  expect(theirs).toMatchObject({ total_requests: 17, failed_requests: 3, audio_seconds: 69.5, characters: 27, p99: expect.any(Number) })
  const close = Object.entries(theirs).map(([name, value]) => [name, expect.closeTo(Number(value), 6)])
  expect(metricsSummary()).toMatchObject(Object.fromEntries(close))
})

/** As the collector stores a point. */
function toStored(name: string, { attributes: given, value }: DataPoint<unknown>): StoredPoint {
  const attributes = Object.fromEntries(Object.entries(given).map(([key, each]) => [key, String(each)]))
  const point = { name, attributes, value: null, count: null, sum: null, max: null, bounds: [], counts: [] }
  if (typeof value === 'number') return { ...point, value }
  const histogram = value as { count: number; sum: number; max: number; buckets: { boundaries: number[]; counts: number[] } }
  const { count, sum, max, buckets } = histogram
  return { ...point, count, sum, max, bounds: buckets.boundaries, counts: buckets.counts }
}
