/** TTS_OTEL_AUDIO_ANALYSIS=on and TTS_OTEL_PRICES, with pieces of known sound, and through the real client of Gemini and its stand-in. */
import { rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { GoogleGenAI } from '@google/genai'
import { SpanStatusCode } from '@opentelemetry/api'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ModeName } from '../../examples/gemini-stand-in/modes.ts'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { instrumentFetch } from '../../src/instrument/fetch.ts'
import { instrumentGemini } from '../../src/instrument/gemini-client.ts'
import { createGuard } from '../../src/instrument/guard.ts'
import { ttsRequest } from '../../src/tts/request.ts'
import { startTelemetry } from '../instrument/support.ts'
import { amplify, concat, pcm, RATE_HZ, silence, sine, tone, type Wave } from './waves.ts'

/** Before anything asks for the settings. */
const { directory, pricesPath } = await vi.hoisted(async () => {
  const [fs, os, path] = await Promise.all([import('node:fs'), import('node:os'), import('node:path')])
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tts-analysis-'))
  const pricesPath = path.join(directory, 'prices.json')
  Object.assign(process.env, { TTS_OTEL_AUDIO_ANALYSIS: 'on', TTS_OTEL_PRICES: pricesPath })
  return { directory, pricesPath }
})

const TYPE = `audio/L16;codec=pcm;rate=${RATE_HZ}`
const telemetry = startTelemetry()
instrumentFetch({ guard: createGuard('fetch'), isOwnTraffic: () => false })

let modes: ModeName[] = []
const standIn = createGeminiStandIn({ timeScale: 0.001, chooseMode: () => modes.shift() ?? 'ok' })
let baseUrl = ''
beforeAll(async () => {
  writeFileSync(pricesPath, JSON.stringify([{ model: 'gemini-3.8-flash-tts', inputUsd: 0, audioUsd: 1_000, source: 'a contract' }]))
  baseUrl = (await standIn.listen()).url
})
afterAll(async () => {
  rmSync(directory, { recursive: true })
  await standIn.stop()
})
afterEach(() => {
  telemetry.reset()
  modes = []
})

const model = 'gemini-3.8-flash-tts'
const text = 'It is a quarter past ten and the train is late.'
const config = { responseModalities: ['AUDIO'], speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } } }
const createClient = (options = {}) => instrumentGemini(new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl, ...options } }))
const request = () => telemetry.span('tts_request')

describe('what the app streams is listened to', () => {
  const stream = (...waves: readonly Wave[]) =>
    ttsRequest({ text: 'x' }, (tts) => {
      for (const wave of waves) tts.audio(pcm(wave), TYPE)
    })

  test('peak, RMS, clipping and silence at both ends', async () => {
    await stream(concat(silence(0.5), sine(1, -6)), concat(sine(1, -6), silence(0.25)))
    expect(request().attributes).toMatchObject({
      'tts.outcome': 'ok',
      'tts.audio.duration': 2.75,
      'tts.audio.peak': expect.closeTo(-6, 0),
      'tts.audio.clipping': 0,
    })
    // A machine that is busy looks at less of it.
    expect(Math.abs(Number(request().attributes['tts.audio.rms']) - (-6 - 3.01 - 1.38))).toBeLessThan(1.5)
    expect(request().attributes['tts.audio.silence.leading']).toBeCloseTo(0.5, 2)
    expect(request().attributes['tts.audio.silence.trailing']).toBeCloseTo(0.25, 2)
  })

  test('speech that is turned up too far, and so long that it is looked at in samples', async () => {
    await stream(amplify(sine(20, 0), 4))
    expect(request().attributes).toMatchObject({ 'tts.audio.peak': 0, 'tts.audio.sampled': true })
    expect(request().attributes['tts.audio.clipping']).toBeGreaterThan(0.5)
  })

  test('audio without sound is silent: an error, and counted as one', async () => {
    await stream(silence(1), silence(2))
    expect(request()).toMatchObject({
      attributes: { 'tts.outcome': 'silent', 'error.type': 'silent', 'tts.audio.silence.leading': 3 },
      status: { code: SpanStatusCode.ERROR, message: 'Nothing can be heard in the audio' },
    })
    expect(request().attributes).not.toHaveProperty('tts.audio.peak')
    expect(request().attributes).not.toHaveProperty('tts.time_to_first_audible')
    const points = await telemetry.points('tts.requests')
    expect(points).toContainEqual(expect.objectContaining({ attributes: { 'tts.outcome': 'silent' }, value: 1 }))
  })

  test('the first sound comes after the first audio, by the silence before it', async () => {
    await ttsRequest({ text: 'x' }, async (tts) => {
      await sleep(20)
      tts.audio(pcm(concat(silence(0.75), tone(1, -12))), TYPE)
    })
    const { 'tts.time_to_first_audio': first, 'tts.time_to_first_audible': audible } = request().attributes
    expect(Number(audible) - Number(first)).toBeGreaterThan(0.74)
    expect(Number(audible) - Number(first)).toBeLessThan(0.8)
    expect(await telemetry.points('tts.time_to_first_audible')).toContainEqual(
      expect.objectContaining({ value: expect.objectContaining({ count: expect.any(Number) }) }),
    )
  })
})

describe('what Gemini answers is listened to, without the app doing anything', () => {
  test('in one piece', async () => {
    await ttsRequest({ text, model }, () => createClient().models.generateContent({ model, contents: text, config }))
    const call = telemetry.span('gemini_api_call')
    for (const { attributes } of [call, request()]) {
      expect(attributes['tts.audio.peak']).toBeLessThan(0)
      expect(attributes['tts.audio.rms']).toBeLessThan(Number(attributes['tts.audio.peak']))
    }
    expect(request().attributes).toMatchObject({ 'tts.outcome': 'ok', 'tts.audio.chunks': 1, 'tts.attempts': 1 })
    expect(request().attributes['tts.time_to_first_audible']).toBeGreaterThanOrEqual(
      Number(request().attributes['tts.time_to_first_audio']),
    )
  })

  test('streamed', async () => {
    await ttsRequest({ text, model }, async () => {
      for await (const chunk of await createClient().models.generateContentStream({ model, contents: text, config })) void chunk
    })
    expect(request().attributes).toMatchObject({
      'tts.outcome': 'ok',
      'tts.stream.stalls': 0,
      'tts.time_to_first_audible': expect.any(Number),
    })
    expect(request().attributes['tts.audio.chunks']).toBeGreaterThan(1)
  })

  test('retries of the client are attempts of one request, and prices of the own file win', async () => {
    modes = ['unavailable', 'internal', 'ok']
    const client = createClient({ retryOptions: { attempts: 4, initialDelay: 0.01, maxDelay: 0.01 } })
    await ttsRequest({ text, model }, () => client.models.generateContent({ model, contents: text, config }))
    const call = telemetry.span('gemini_api_call')
    expect(telemetry.spans.map(({ name }) => name)).toEqual(['POST', 'POST', 'POST', 'gemini_api_call', 'tts_request'])
    expect(call.attributes['gcp.gemini.attempts']).toBe(3)
    expect(request().attributes).toMatchObject({ 'tts.outcome': 'ok', 'tts.attempts': 3 })
    expect(request().attributes['tts.cost.estimated_usd']).toBeCloseTo(
      Number(call.attributes['gen_ai.usage.audio.output_tokens']) / 1_000,
      9,
    )
  })

  test.each<[ModeName, string]>([
    ['no-audio', 'no_audio'],
    ['near-silent', 'silent'],
    ['twenty-seconds', 'truncated'],
    ['text-instead', 'text_instead_of_audio'],
    ['blocked', 'error'],
    ['unavailable', 'error'],
  ])('%s is %s', async (mode, outcome) => {
    modes = [mode]
    await ttsRequest({ text, model }, () => createClient().models.generateContent({ model, contents: text, config })).catch(() => {})
    expect(request().attributes['tts.outcome']).toBe(outcome)
    expect(request().status.code).toBe(SpanStatusCode.ERROR)
  })
})
