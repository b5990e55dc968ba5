import { expect, test } from 'vitest'
import { summarize } from '../../../collector/src/api/summary.ts'
import type { StoredPoint } from '../../../collector/src/reader.ts'

const sum = (name: string, value: number, attributes = {}): StoredPoint => ({
  name,
  attributes,
  value,
  count: null,
  sum: null,
  max: null,
  bounds: [],
  counts: [],
})
const histogram = (name: string, counts: readonly number[], given: Partial<StoredPoint> = {}): StoredPoint => ({
  name,
  attributes: {},
  value: null,
  count: counts.reduce((all, one) => all + one, 0),
  sum: 0,
  max: null,
  bounds: [1, 2, 4],
  counts,
  ...given,
})

test('when nothing was served the error rate is 0 and nothing is NaN', () => {
  expect(summarize([])).toEqual({
    total_requests: 0,
    successful_requests: 0,
    failed_requests: 0,
    error_rate: 0,
    avg_request_duration: 0,
    avg_processing_time: 0,
    p50: null,
    p95: null,
    p99: null,
    audio_seconds: 0,
    characters: 0,
    rtf: null,
    estimated_cost_usd: 0,
    time_to_first_audio: null,
    by_outcome: {},
    by_voice: {},
    voices: {},
  })
})

test('a request failed when the server answered 5xx or named an error; 4xx is the caller’s', () => {
  const http = (count: number, attributes: StoredPoint['attributes']) =>
    histogram('http.server.request.duration', [count], { attributes, sum: count })
  const summary = summarize([
    http(6, { 'http.response.status_code': 200 }),
    http(2, { 'http.response.status_code': 429 }),
    http(1, { 'http.response.status_code': 503, 'error.type': '503' }),
    http(1, { 'error.type': 'aborted' }),
  ])
  expect(summary).toMatchObject({
    total_requests: 10,
    successful_requests: 8,
    failed_requests: 2,
    error_rate: 0.2,
    avg_request_duration: 1,
  })
})

test('speech is summed up over processes, voices and outcomes', () => {
  const summary = summarize([
    sum('tts.requests', 3, { 'tts.outcome': 'ok', 'tts.voice': 'Kore' }),
    sum('tts.requests', 2, { 'tts.outcome': 'ok', 'tts.voice': 'Puck' }),
    sum('tts.requests', 1, { 'tts.outcome': 'no_audio', 'tts.voice': 'Kore' }),
    histogram('tts.audio.duration', [5], { sum: 12.5 }),
    histogram('tts.audio.duration', [1], { sum: 7.5 }),
    histogram('tts.processing.duration', [4], { sum: 6 }),
    histogram('tts.rtf', [4], { sum: 2 }),
    histogram('tts.time_to_first_audio', [2], { sum: 0.5 }),
    sum('tts.characters', 420),
    sum('tts.cost', 0.001),
    sum('tts.cost', 0.002),
  ])
  expect(summary).toMatchObject({
    by_outcome: { ok: 5, no_audio: 1 },
    by_voice: { Kore: 4, Puck: 2 },
    audio_seconds: 20,
    avg_processing_time: 1.5,
    rtf: 0.5,
    time_to_first_audio: 0.25,
    characters: 420,
    estimated_cost_usd: 0.003,
  })
})

test('quantiles are estimated within their bucket, over all series together', () => {
  const http = (counts: readonly number[], max: number | null) => histogram('http.server.request.duration', counts, { max })
  // 100 measurements: 50 up to 1 s, 45 up to 2 s, 4 up to 4 s, one above.
  const summary = summarize([http([20, 45, 0, 0], 2), http([30, 0, 4, 1], 9)])
  expect(summary.p50).toBeCloseTo(1, 6)
  expect(summary.p95).toBeCloseTo(2, 6)
  expect(summary.p99).toBeCloseTo(4, 6)
})

test('no quantile lies above the largest measurement', () => {
  expect(summarize([histogram('http.server.request.duration', [1, 0, 0, 0], { max: 0.2 })]).p99).toBe(0.2)
  expect(summarize([histogram('http.server.request.duration', [0, 0, 0, 10], { max: 6 })]).p50).toBe(5)
})

test('a voice has its own audio, real-time factor and cost', () => {
  const kore = { 'tts.voice': 'Kore' }
  const summary = summarize([
    sum('tts.requests', 3, { ...kore, 'tts.outcome': 'ok' }),
    sum('tts.requests', 1, { ...kore, 'tts.outcome': 'no_audio' }),
    sum('tts.requests', 1, { 'tts.outcome': 'ok' }),
    histogram('tts.audio.duration', [3], { sum: 12, attributes: kore }),
    histogram('tts.rtf', [3], { sum: 0.6, attributes: kore }),
    sum('tts.cost', 0.002, kore),
    sum('tts.cost', 0.5),
  ])
  expect(summary.voices).toEqual({
    Kore: { requests: 4, audio_seconds: 12, rtf: expect.closeTo(0.2, 9), estimated_cost_usd: 0.002 },
    unknown: { requests: 1, audio_seconds: 0, rtf: null, estimated_cost_usd: 0.5 },
  })
})
