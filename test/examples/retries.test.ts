/** How the example API tries again when Gemini refuses, and what is seen of it. */
import { GoogleGenAI } from '@google/genai'
import { SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { instrumentGemini } from 'tts-otel'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { createSpeech, type Speech } from '../../examples/tts-api/speech.ts'
import { instrumentFetch } from '../../src/instrument/fetch.ts'
import { createGuard } from '../../src/instrument/guard.ts'
import { listen, startTelemetry, waitForSpans } from '../instrument/support.ts'

const telemetry = startTelemetry()
instrumentFetch({ guard: createGuard('fetch'), isOwnTraffic: () => false })
const standIn = createGeminiStandIn({ timeScale: 0.001 })
let speech: Speech

beforeAll(async () => {
  speech = speakThrough((await standIn.listen()).url)
})
afterAll(() => standIn.stop())
afterEach(() => telemetry.reset())

function speakThrough(baseUrl: string): Speech {
  const gemini = instrumentGemini(new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl, timeout: 60_000 } }))
  return createSpeech(gemini, { model: 'gemini-3.8-flash-tts', atOnce: 4 })
}

function order(modes: string) {
  return { text: `Turn left after the bridge. [stand-in: ${modes}]`, voice: 'Kore', language: 'en-US' }
}

const call = () => telemetry.span('gemini_api_call')
const attempts = () => telemetry.spans.filter(({ name }) => name === 'POST')
const startMs = ({ startTime: [seconds, nanoseconds] }: ReadableSpan) => seconds * 1_000 + nanoseconds / 1e6
const endMs = (span: ReadableSpan) => startMs(span) + span.duration[0] * 1_000 + span.duration[1] / 1e6

test('told to come back in a second, it does so no sooner, and is heard: one call with two attempts', async () => {
  expect((await speech.generate(order('quota-brief, ok'))).subarray(0, 4).toString()).toBe('RIFF')
  await waitForSpans(telemetry, 4)

  expect(call().status.code).toBe(SpanStatusCode.UNSET)
  expect(call().attributes).toMatchObject({ 'gcp.gemini.attempts': 2, 'gcp.gemini.hops': 1 })
  expect(call().attributes).not.toHaveProperty('error.type')
  expect(telemetry.span('tts_request').attributes).toMatchObject({ 'tts.outcome': 'ok', 'tts.attempts': 2 })
  const [refused, answered] = attempts()
  expect([refused, answered].map((span) => span?.parentSpanContext?.spanId)).toEqual(Array(2).fill(call().spanContext().spanId))
  expect([refused, answered].map((span) => span?.attributes['http.response.status_code'])).toEqual([429, 200])
  expect(answered?.attributes['http.request.resend_count']).toBe(1)
  expect(startMs(answered!) - endMs(refused!)).toBeGreaterThan(1_000)
})

test('told to come back in twenty seconds, it says so to its caller at once', async () => {
  const startedMs = performance.now()
  await expect(speech.generate(order('quota'))).rejects.toMatchObject({ status: 502, details: { gemini_error_code: 429 } })
  expect(performance.now() - startedMs).toBeLessThan(5_000)
  await waitForSpans(telemetry, 3)

  expect(call().attributes).toMatchObject({
    'error.type': 'RESOURCE_EXHAUSTED',
    'gcp.gemini.attempts': 1,
    'gcp.gemini.retry_delay': 20,
  })
  expect(call().status.code).toBe(SpanStatusCode.ERROR)
  expect(telemetry.span('tts_request').attributes).toMatchObject({ 'tts.outcome': 'error', 'error.type': 'RESOURCE_EXHAUSTED' })
})

test('three attempts are enough', async () => {
  await expect(speech.generate(order('unavailable'))).rejects.toMatchObject({ details: { gemini_error_code: 503 } })
  await waitForSpans(telemetry, 5)
  expect(attempts()).toHaveLength(3)
  expect(call().attributes).toMatchObject({ 'error.type': 'UNAVAILABLE', 'gcp.gemini.attempts': 3 })
})

test('a Retry-After is heeded as well', async () => {
  const seen: number[] = []
  const busy = await listen((_, response) => {
    seen.push(performance.now())
    response.writeHead(503, seen.length === 1 ? { 'retry-after': '1' } : { 'retry-after': '60' }).end()
  })
  await expect(speakThrough(busy.url).generate(order('ok'))).rejects.toMatchObject({ details: { gemini_error_code: 503 } })
  await busy.close()
  expect(seen).toHaveLength(2)
  expect(seen[1]! - seen[0]!).toBeGreaterThan(1_000)
})
