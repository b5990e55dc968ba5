import { setTimeout as sleep } from 'node:timers/promises'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { getRequestId, setUser, withRequest } from '../../src/request-context.ts'
import { currentTtsRequest } from '../../src/tts/current.ts'
import { type TtsCallFacts, ttsRequest } from '../../src/tts/request.ts'
import { startTelemetry } from './support.ts'

const order = { text: 'Xin chào 😀', voice: 'Kore', language: 'vi-VN', model: 'gemini-3.8-flash-tts' }
const sound = { format: 'wav', bytes: 96_044, durationS: 2, sampleRateHz: 24_000, channels: 1 } as const
const good: TtsCallFacts = { outcome: 'ok', audio: sound, inputTokens: 6, audioTokens: 50 }
const silent: TtsCallFacts = { outcome: 'no_audio', inputTokens: 6, audioTokens: 5_516 }

let telemetry: ReturnType<typeof startTelemetry>
beforeEach(() => {
  telemetry = startTelemetry()
})
afterEach(() => telemetry.stop())

/** The one span that was written. */
function onlySpan() {
  expect(telemetry.spans()).toHaveLength(1)
  return telemetry.spans()[0]!
}

test('a request that went well says what it took and brought', async () => {
  const result = await ttsRequest({ ...order, requestId: 'r-1', userId: 'u-1' }, async (tts) => {
    tts.queued()
    await sleep(20)
    tts.started()
    await sleep(20)
    currentTtsRequest()!.onCall({ ...good, timeToFirstAudioS: 0.01, durationS: 0.02, attempts: 2 })
    return 'audio'
  })
  expect(result).toBe('audio')
  const { name, attributes, status, events } = onlySpan()
  expect(name).toBe('tts_request')
  expect(status.code).toBe(SpanStatusCode.OK)
  expect(events.map((event) => event.name)).toEqual(['Request queued', 'API call completed'])
  expect(attributes).toMatchObject({
    request_id: 'r-1',
    user_id: 'u-1',
    'tts.voice': 'Kore',
    'tts.language': 'vi-VN',
    'tts.model': 'gemini-3.8-flash-tts',
    'tts.input.characters': 10,
    'tts.outcome': 'ok',
    'tts.audio.format': 'wav',
    'tts.audio.bytes': 96_044,
    'tts.audio.duration': 2,
    'tts.audio.sample_rate': 24_000,
    'tts.attempts': 2,
    'tts.cost.estimated_usd': 0.000453,
  })
  expect(attributes['tts.queue.wait']).toBeGreaterThan(0.015)
  expect(attributes['tts.rtf']).toBeGreaterThan(0.007)
  expect(attributes['tts.rtf']).toBeLessThan(0.5)
  expect(attributes['tts.time_to_first_audio']).toBeGreaterThan(0.005)
  expect(JSON.stringify(attributes)).not.toContain('chào')
})

describe('the outcome is what the user got', () => {
  const failure = new Error('Gemini answered 500')
  const abort = new DOMException('This operation was aborted', 'AbortError')
  const closed = Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  test.each<[string, { calls?: TtsCallFacts[]; heard?: number; thrown?: Error }, string, string | undefined]>([
    ['nothing is known', {}, 'ok', undefined],
    ['a good call', { calls: [good] }, 'ok', undefined],
    ['a retry that worked', { calls: [{ outcome: 'error', errorType: '500' }, good] }, 'ok', undefined],
    ['200 without audio', { calls: [silent] }, 'no_audio', 'no_audio'],
    ['200 without audio, which the app turns into an error', { calls: [silent], thrown: failure }, 'no_audio', 'no_audio'],
    ['a stream that ends early', { calls: [{ ...good, outcome: 'truncated' }] }, 'truncated', 'truncated'],
    ['text instead of audio', { calls: [{ outcome: 'text_instead_of_audio' }] }, 'text_instead_of_audio', 'text_instead_of_audio'],
    [
      'a quota that is used up',
      { calls: [{ outcome: 'error', errorType: 'RESOURCE_EXHAUSTED' }], thrown: failure },
      'error',
      'RESOURCE_EXHAUSTED',
    ],
    ['a fault of the app', { calls: [good], thrown: new TypeError('x') }, 'error', 'TypeError'],
    ['a user who went away', { thrown: abort }, 'cancelled', undefined],
    ['a user who went away during a retry', { calls: [{ outcome: 'error', errorType: '503' }], thrown: abort }, 'cancelled', undefined],
    ['a call that was cancelled', { calls: [{ outcome: 'cancelled' }], thrown: failure }, 'cancelled', undefined],
    ['a user whose player went away when Gemini had sent everything', { calls: [good], thrown: closed }, 'cancelled', undefined],
    ['a stream that breaks before anything is known', { thrown: closed }, 'error', 'Error'],
    ['fewer seconds than were billed', { calls: [{ ...good, audioTokens: 640 }] }, 'truncated', 'truncated'],
    ['a file that promises more', { calls: [{ ...good, audio: { ...sound, missingS: 1.5 } }] }, 'truncated', 'truncated'],
    ['a call that took too long', { calls: [{ outcome: 'error', errorType: 'timeout' }], thrown: abort }, 'error', 'timeout'],
    ['audio that the app reports', { heard: 4_800 }, 'ok', undefined],
    ['a header without samples that the app reports', { heard: 0, calls: [good] }, 'no_audio', 'no_audio'],
  ])('%s', async (_, { calls = [], heard, thrown }, outcome, errorType) => {
    const header = Buffer.from('UklGRiQAAABXQVZFZm10IBAAAAABAAEAwF0AAIC7AAACABAAZGF0YQAAAAA=', 'base64')
    const running = ttsRequest(order, (tts) => {
      for (const call of calls) tts.onCall(call)
      if (heard !== undefined) tts.audio(heard === 0 ? header : Buffer.alloc(heard), heard === 0 ? 'audio/wav' : 'audio/L16;rate=24000')
      if (thrown) throw thrown
    })
    await (thrown ? expect(running).rejects.toBe(thrown) : running)
    const { attributes, status, events } = onlySpan()
    const isError = outcome !== 'ok' && outcome !== 'cancelled'
    expect(attributes['tts.outcome']).toBe(outcome)
    expect(attributes['error.type']).toBe(errorType)
    expect(status.code === SpanStatusCode.ERROR).toBe(isError)
    expect(events.filter(({ name }) => name === 'exception')).toHaveLength(isError && thrown ? 1 : 0)
  })
})

test('whatever is thrown is thrown on as it is', async () => {
  for (const thrown of ['text', 0, null, undefined, { code: 1 }]) {
    await expect(ttsRequest(order, () => Promise.reject(thrown))).rejects.toBe(thrown)
  }
  expect(telemetry.spans().map(({ status }) => status.message)).toEqual(['text', '0', 'null', 'undefined', '[object Object]'])
})

test('the metrics of requests add up, by outcome, model and voice', async () => {
  await ttsRequest(order, (tts) => tts.onCall(good))
  await ttsRequest({ ...order, voice: 'voice_9f8e7d' }, (tts) => tts.onCall(good))
  await ttsRequest(order, (tts) => tts.onCall(silent))
  const labels = { 'tts.outcome': 'ok', 'tts.model': 'gemini-3.8-flash-tts', 'tts.voice': 'Kore' }
  const requests = await telemetry.points('tts.requests')
  expect(requests).toMatchObject([
    { attributes: labels, value: 1 },
    { attributes: { ...labels, 'tts.voice': 'custom' }, value: 1 },
    { attributes: { ...labels, 'tts.outcome': 'no_audio' }, value: 1 },
  ])
  const kore = { 'tts.model': 'gemini-3.8-flash-tts', 'tts.voice': 'Kore' }
  const custom = { ...kore, 'tts.voice': 'custom' }
  expect(await telemetry.points('tts.characters')).toMatchObject([
    { attributes: kore, value: 20 },
    { attributes: custom, value: 10 },
  ])
  expect(await telemetry.points('tts.billed_without_audio')).toMatchObject([{ attributes: kore, value: 5_516 }])
  expect(await telemetry.points('tts.cost')).toMatchObject([
    { attributes: kore, value: expect.closeTo(0.000453 + 0.049647, 9) },
    { attributes: custom, value: expect.closeTo(0.000453, 9) },
  ])
  for (const [name, count] of [
    ['tts.request.duration', 3],
    ['tts.processing.duration', 3],
    ['tts.audio.duration', 2],
    ['tts.rtf', 2],
  ] as const) {
    const counts = (await telemetry.points(name)).map(({ value }) => (value as { count: number }).count)
    expect(
      counts.reduce((sum, each) => sum + each, 0),
      name,
    ).toBe(count)
  }
})

test('model names of strangers do not multiply the time series', async () => {
  for (const model of ['<script>', 'x'.repeat(500), 'a b']) await ttsRequest({ ...order, model }, () => {})
  const labels = (await telemetry.points('tts.requests')).map(({ attributes }) => attributes['tts.model'])
  expect(labels).toEqual(['other'])
})

test('a failed first call counts in the cost and the attempts, its audio does not', async () => {
  await ttsRequest(order, (tts) => {
    tts.onCall({ ...good, outcome: 'truncated' })
    tts.onCall(good)
    tts.onCall({ ...good, audio: { ...sound, durationS: 3 } })
  })
  const { attributes } = onlySpan()
  expect(attributes).toMatchObject({ 'tts.attempts': 3, 'tts.audio.duration': 5, 'tts.audio.bytes': 192_088 })
  expect(attributes['tts.cost.estimated_usd']).toBeCloseTo(0.000453 * 3, 9)
})

describe('suspected truncation', () => {
  const text = 'The quick brown fox jumps over the lazy dog and looks up. '.repeat(10)
  const spokenIn = (durationS: number, audioTokens?: number) => ({ ...good, audio: { ...sound, durationS }, audioTokens })
  const suspicion = () => telemetry.spans().at(-1)?.attributes['tts.truncation.suspected']

  test('says what gives rise to it; the text alone is only a hint', async () => {
    await ttsRequest({ text, language: 'en-US' }, (tts) => tts.onCall(spokenIn(38, 950)))
    expect(suspicion(), 'an usual pace').toBeUndefined()
    await ttsRequest({ text, language: 'en-US' }, (tts) => tts.onCall(spokenIn(9, 225)))
    expect(suspicion()).toBe('text')
    expect(telemetry.spans().at(-1)).toMatchObject({ attributes: { 'tts.outcome': 'ok' }, status: { code: SpanStatusCode.OK } })
    await ttsRequest({ text, language: 'en-US' }, (tts) => tts.onCall(spokenIn(20, 640)))
    expect(suspicion()).toBe('tokens')
    expect(telemetry.spans().at(-1)?.status).toMatchObject({ message: 'The audio ends before the text does' })
  })

  test('holds the sum of the chunks against the sum of their tokens, and is silent where one did not tell', async () => {
    await ttsRequest({ text: 'x' }, (tts) => {
      tts.onCall(spokenIn(20, 500))
      tts.onCall(spokenIn(20, 780))
    })
    expect(suspicion()).toBe('tokens')
    await ttsRequest({ text: 'x' }, (tts) => {
      tts.onCall(spokenIn(20, undefined))
      tts.onCall(spokenIn(20, 780))
    })
    expect(suspicion()).toBeUndefined()
  })

  test('is not said of what was broken off, nor of chunks whose other half came from a cache', async () => {
    await ttsRequest({ text, language: 'en' }, (tts) => {
      tts.onCall(spokenIn(9, 225))
      tts.cancelled()
    })
    expect(suspicion()).toBeUndefined()
    await ttsRequest({ text, language: 'en' }, (tts) => {
      tts.cacheHit()
      tts.onCall(spokenIn(9, 225))
    })
    expect(suspicion()).toBeUndefined()
  })
})

test('what the user does not want any more is cancelled, however it ends', async () => {
  await ttsRequest(order, (tts) => tts.cancelled())
  const failure = new Error('write after end')
  await expect(
    ttsRequest(order, (tts) => {
      tts.cancelled()
      throw failure
    }),
  ).rejects.toBe(failure)
  for (const { attributes, status, events } of telemetry.spans()) {
    expect(attributes).toMatchObject({ 'tts.outcome': 'cancelled' })
    expect([status.code, events]).toEqual([SpanStatusCode.UNSET, []])
  }
})

test('an answer from a cache is ok, costs nothing and does not make speech look fast', async () => {
  await ttsRequest(order, (tts) => {
    tts.cacheHit()
    tts.audio(Buffer.alloc(48_000), 'audio/L16;rate=24000')
  })
  const { attributes } = onlySpan()
  expect(attributes).toMatchObject({ 'tts.outcome': 'ok', 'tts.cache.hit': true, 'tts.cost.estimated_usd': 0, 'tts.audio.duration': 1 })
  expect(attributes).not.toHaveProperty('tts.rtf')
  expect(await telemetry.points('tts.rtf')).toEqual([])
  expect(await telemetry.points('tts.requests')).toMatchObject([{ attributes: { 'tts.cache.hit': true, 'tts.outcome': 'ok' }, value: 1 }])
  await ttsRequest(order, (tts) => {
    tts.chunks(2)
    tts.cacheHit()
    tts.onCall(good)
  })
  expect(telemetry.spans()[1]?.attributes).toMatchObject({
    'tts.input.chunks': 2,
    'tts.cache.hit': true,
    'tts.cost.estimated_usd': 0.000453,
    'tts.rtf': expect.any(Number),
  })
})

describe('money', () => {
  const unknown = async () =>
    (await telemetry.points('tts.cost.unknown')).map(({ attributes, value }) => [attributes['tts.cost.unknown_reason'], value])

  test('what is not known is absent and counted by its reason, never free', async () => {
    await ttsRequest({ ...order, model: 'gemini-9-tts' }, (tts) => tts.onCall(good))
    await ttsRequest(order, (tts) => tts.onCall({ ...good, tier: 'flex' }))
    await ttsRequest(order, (tts) => tts.onCall({ outcome: 'error', errorType: 'timeout' }))
    expect(telemetry.spans().map(({ attributes }) => attributes['tts.cost.unknown_reason'])).toEqual(['model', 'tier', 'usage'])
    expect(telemetry.spans().every(({ attributes }) => !('tts.cost.estimated_usd' in attributes))).toBe(true)
    expect(await unknown()).toEqual([
      ['model', 1],
      ['tier', 1],
      ['usage', 1],
    ])
    expect(await telemetry.points('tts.cost')).toEqual([])
  })

  test('a request whose calls are known in part says both', async () => {
    await ttsRequest(order, (tts) => {
      tts.onCall(good)
      tts.onCall({ ...good, model: 'gemini-9-tts' })
      tts.onCall({ ...good, model: 'gemini-9-tts' })
    })
    expect(onlySpan().attributes).toMatchObject({ 'tts.cost.estimated_usd': 0.000453, 'tts.cost.unknown_reason': 'model' })
    expect(await unknown()).toEqual([['model', 2]])
  })

  test('what Gemini refuses it does not bill', async () => {
    await ttsRequest(order, (tts) => {
      tts.onCall({ outcome: 'error', errorType: 'UNAVAILABLE' })
      tts.onCall({ outcome: 'error', errorType: 'ECONNREFUSED' })
      tts.onCall(good)
    })
    expect(onlySpan().attributes).toMatchObject({ 'tts.cost.estimated_usd': 0.000453 })
    expect(onlySpan().attributes).not.toHaveProperty('tts.cost.unknown_reason')
    expect(await unknown()).toEqual([])
  })

  test('a blocked prompt costs its input', async () => {
    await ttsRequest(order, (tts) => tts.onCall({ outcome: 'error', errorType: 'blocked', inputTokens: 2_000, audioTokens: 0 }))
    expect(onlySpan().attributes).toMatchObject({ 'tts.outcome': 'error', 'tts.cost.estimated_usd': 0.001 })
  })

  test('the labels of a request without a model are those of the model that answered', async () => {
    await ttsRequest({ text: 'x' }, (tts) => tts.onCall({ ...good, model: 'gemini-3.8-flash-tts' }))
    expect(await telemetry.points('tts.cost')).toMatchObject([{ attributes: { 'tts.model': 'gemini-3.8-flash-tts' } }])
  })
})

test('streamed pieces are measured, and the first one is the first audio', async () => {
  await ttsRequest(order, async (tts) => {
    for (let i = 0; i < 5; i++) {
      await sleep(10)
      tts.audio(Buffer.alloc(4_800).toString('base64'), 'audio/L16;codec=pcm;rate=24000')
    }
  })
  const { attributes } = onlySpan()
  expect(attributes).toMatchObject({ 'tts.audio.duration': 0.5, 'tts.audio.bytes': 24_000, 'tts.audio.format': 'pcm' })
  const processingS = Number(attributes['tts.rtf']) * 0.5
  expect(attributes['tts.time_to_first_audio']).toBeLessThan(processingS - 0.03) // four waits of 10 ms came after it
})

test('the request, its user and its span reach everything that fn starts', async () => {
  await withRequest({ requestId: 'outer' }, () =>
    ttsRequest(order, async (tts) => {
      await sleep(1)
      expect(getRequestId()).toBe('outer')
      expect(trace.getActiveSpan()).toBe(tts.span)
      expect(currentTtsRequest()).toBe(tts)
      setUser('late')
      trace.getTracer('test').startSpan('child').end()
    }),
  )
  const [child, request] = telemetry.spans()
  expect(child?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
  expect(request?.attributes).toMatchObject({ request_id: 'outer', user_id: 'late' })
  expect(currentTtsRequest()).toBeUndefined()
})

test('fifty requests at once keep their calls apart', async () => {
  await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      ttsRequest({ ...order, requestId: `r-${index}` }, async () => {
        await sleep(Math.random() * 10)
        currentTtsRequest()?.onCall({ outcome: 'ok', audio: { format: 'pcm', bytes: index + 1 } })
      }),
    ),
  )
  const bytes = telemetry.spans().map(({ attributes }) => [attributes.request_id, attributes['tts.audio.bytes']])
  expect(new Map(bytes as [string, number][])).toEqual(new Map(Array.from({ length: 50 }, (_, index) => [`r-${index}`, index + 1])))
})

test('reports after the end change nothing, and facts that make no sense do not reach the app', async () => {
  const late = await ttsRequest(order, (tts) => tts)
  late.onCall(good)
  late.queued()
  late.audio('AAAA', 'audio/L16')
  await ttsRequest(order, (tts) => {
    Reflect.apply(tts.onCall, tts, [undefined])
    Reflect.apply(tts.audio, tts, [Symbol('x'), 5])
  })
  await Reflect.apply(ttsRequest, undefined, [{ text: undefined, voice: 5, model: {} }, () => 'still runs'])
  expect(telemetry.spans()).toHaveLength(3)
  expect(telemetry.spans()[0]?.events).toEqual([])
})

test('where nothing is registered it only passes through', async () => {
  telemetry.stop()
  const requestId = await ttsRequest(order, async (tts) => {
    tts.queued()
    tts.started()
    tts.onCall(good)
    expect(tts.span.isRecording()).toBe(false)
    expect(getRequestId()).toBe(tts.requestId)
    return tts.requestId
  })
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
  await expect(
    ttsRequest(order, () => {
      throw new RangeError('mine')
    }),
  ).rejects.toThrow(RangeError)
})

test('a provider that is registered after the first request is used from then on', async () => {
  telemetry.stop()
  await ttsRequest(order, () => {})
  telemetry = startTelemetry()
  await ttsRequest(order, (tts) => tts.onCall(good))
  expect(await telemetry.points('tts.requests')).toHaveLength(1)
})
