/** The interactions API: what the caller of 3.x and of 2.x can do with its answers, and what is told of it. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { GoogleGenAI } from '@google/genai'
import { SpanStatusCode } from '@opentelemetry/api'
import { GoogleGenAI as GoogleGenAI2 } from 'google-genai-2'
import { expect, test } from 'vitest'
import { STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { instrumentFetch } from '../../src/instrument/fetch.ts'
import { instrumentGemini } from '../../src/instrument/gemini-client.ts'
import { createGuard } from '../../src/instrument/guard.ts'
import { ttsRequest } from '../../src/tts/request.ts'
import { serveGemini } from './gemini.ts'
import { startTelemetry, waitForSpans } from './support.ts'

const telemetry = startTelemetry()
instrumentFetch({ guard: createGuard('fetch'), isOwnTraffic: () => false })

const { answerWith, baseUrl } = serveGemini(telemetry.reset)

const order = {
  model: 'gemini-3.8-flash-tts',
  input: 'It is a quarter past ten and the train is late.',
  response_modalities: ['audio' as const],
  generation_config: { speech_config: [{ voice: 'Kore', language: 'en-US' }] },
}
const streamed = { ...order, stream: true } as const
const createClient = () => instrumentGemini(new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: baseUrl() } }))
const createClient2 = () => instrumentGemini(new GoogleGenAI2({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: baseUrl() } }))
const call = () => telemetry.span('gemini_api_call')

test('an interaction is told as any other call, its audio measured and its tokens counted by modality', async () => {
  const answer = await ttsRequest({ text: order.input }, () => createClient().interactions.create(order))
  await waitForSpans(telemetry, 3)

  expect(answer.output_audio?.data?.length).toBeGreaterThan(1_000)
  expect(call().status.code).toBe(SpanStatusCode.UNSET)
  expect(call().attributes).toMatchObject({
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.output.type': 'speech',
    'gen_ai.request.model': 'gemini-3.8-flash-tts',
    'gen_ai.response.model': 'gemini-3.8-flash-tts',
    'gen_ai.response.id': answer.id,
    'gen_ai.response.finish_reasons': ['completed'],
    'gen_ai.usage.text.input_tokens': 12,
    'gen_ai.usage.audio.output_tokens': 79,
    'api.endpoint': 'interactions',
    'server.address': '127.0.0.1',
    'gcp.gemini.server_timing_ms': expect.any(Number),
    'gcp.gemini.network_ms': expect.any(Number),
    'tts.voice': 'Kore',
    'tts.language': 'en-US',
    'tts.audio.format': 'wav',
    'tts.audio.duration': expect.closeTo(3.13, 1),
  })
  expect(telemetry.span('tts_request').attributes).toMatchObject({ 'tts.outcome': 'ok', 'tts.audio.format': 'wav' })
})

test.each([
  ['3.x', () => createClient().interactions.create(streamed)],
  ['2.x', () => createClient2().interactions.create(streamed)],
])('%s: a stream is measured event by event, and nothing is read before the caller reads', async (_, create) => {
  const stream = await create()
  expect(telemetry.spans.filter(({ name }) => name === 'gemini_api_call')).toHaveLength(0)
  const types: string[] = []
  for await (const event of stream) types.push(event.event_type)
  await waitForSpans(telemetry, 2)

  expect(types.slice(0, 3)).toEqual(['interaction.created', 'step.start', 'step.delta'])
  expect(call().attributes).toMatchObject({
    'gen_ai.request.stream': true,
    'gen_ai.response.time_to_first_chunk': expect.any(Number),
    'gen_ai.response.finish_reasons': ['completed'],
    'tts.audio.format': 'pcm',
    'tts.audio.duration': expect.closeTo(3.13, 1),
  })
})

test.each([
  ['3.x', () => createClient().interactions.create(streamed)],
  ['2.x', () => createClient2().interactions.create(streamed)],
])('%s: a reader that leaves early ends the span as cancelled', async (_, create) => {
  for await (const event of await create()) if (event.event_type === 'step.delta') break
  await waitForSpans(telemetry, 2)
  expect(call().attributes['error.type']).toBe('cancelled')
  expect(call().status.code).toBe(SpanStatusCode.UNSET)
})

test('a stream of 3.x that is read through a reader is measured as well, and a pipe is left alone', async () => {
  const stream = await createClient().interactions.create(streamed)
  expect(stream).toBeInstanceOf(ReadableStream)
  const reader = stream.getReader()
  let pieces = 0
  while (!(await reader.read()).done) pieces++
  await waitForSpans(telemetry, 2)
  expect(pieces).toBe(8)
  expect(call().attributes['tts.audio.duration']).toBeCloseTo(3.13, 1)

  telemetry.reset()
  for await (const _ of (await createClient().interactions.create(streamed)).values());
  await waitForSpans(telemetry, 2)
  expect(call().attributes['tts.audio.duration']).toBeCloseTo(3.13, 1)

  telemetry.reset()
  const [left, right] = (await createClient().interactions.create(streamed)).tee()
  for (const branch of [left, right]) for await (const event of branch) expect(event).toHaveProperty('event_type')
  expect(call().attributes).not.toHaveProperty('error.type')
})

test('the promise of 2.x keeps its own methods', async () => {
  const promise = createClient2().interactions.create(order)
  const { data, response } = await promise.withResponse()
  expect(await promise).toBe(data)
  expect(response.status).toBe(200)
  await waitForSpans(telemetry, 2)
  expect(call().attributes['gen_ai.response.id']).toBe(data.id)

  telemetry.reset()
  const raw = await createClient2().interactions.create(order).asResponse()
  expect(await raw.json()).toHaveProperty('steps')
  expect(call().attributes).not.toHaveProperty('error.type')
  expect(call().attributes).not.toHaveProperty('gen_ai.response.finish_reasons')
})

test('retries, which interactions make by themselves, are attempts below one call', async () => {
  answerWith('unavailable', 'ok')
  await createClient().interactions.create(order)
  await waitForSpans(telemetry, 3)
  expect(call().attributes).toMatchObject({ 'gcp.gemini.attempts': 2, 'gcp.gemini.hops': 1 })
  const attempts = telemetry.spans.filter(({ name }) => name === 'POST')
  expect(attempts.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(Array(2).fill(call().spanContext().spanId))
})

test.each([
  ['3.x', (signal: AbortSignal) => createClient().interactions.create(order, { signal, maxRetries: 0 })],
  ['2.x', (signal: AbortSignal) => createClient2().interactions.create(order, { signal, maxRetries: 0 })],
])('%s: a deadline of the app and a call that it gave up are told apart', async (_, create) => {
  answerWith('hang', 'hang')
  await expect(create(AbortSignal.timeout(50))).rejects.toThrow()
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 50)
  await expect(create(abort.signal)).rejects.toThrow()
  const calls = telemetry.spans.filter(({ name }) => name === 'gemini_api_call')
  expect(calls.map(({ attributes }) => attributes['error.type'])).toEqual(['timeout', 'cancelled'])
  expect(calls.map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.UNSET])
})

test('a stream of 2.x that the app aborts ends without an error, and is cancelled', async () => {
  answerWith('stall')
  const stream = await createClient2().interactions.create(streamed)
  for await (const event of stream) if (event.event_type === 'step.start') stream.controller.abort()
  await waitForSpans(telemetry, 2)
  expect(call().attributes['error.type']).toBe('cancelled')
})

test('work in the background is not expected to bring audio at once', async () => {
  const answered = { id: 'i', status: 'in_progress', steps: [] }
  const client = instrumentGemini({ interactions: { create: async (_: object) => answered } })
  expect(await client.interactions.create({ ...order, background: true })).toBe(answered)
  expect(call().status.code).toBe(SpanStatusCode.UNSET)
  expect(call().attributes).not.toHaveProperty('gen_ai.response.finish_reasons')
})

/** A client whose stream repeats its audio in the snapshot at the end, and keeps nothing of it. */
function createEcho() {
  const audio = { type: 'audio', mime_type: 'audio/l16', data: Buffer.alloc(48_000, 7).toString('base64') }
  const steps = [{ type: 'model_output', content: [audio] }]
  const interaction = { status: 'completed', steps, output_audio: audio }
  const events = [
    { event_type: 'step.delta', delta: audio },
    { event_type: 'interaction.completed', interaction },
  ]
  async function* stream() {
    for (let event = events.shift(); event; event = events.shift()) yield event
  }
  return { client: instrumentGemini({ interactions: { create: async (_: object) => stream() } }), audio: new WeakRef(audio) }
}

test('the audio goes when the caller lets it go, also while the stream is kept', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc')
  const { client, audio } = createEcho()
  const stream = await client.interactions.create(streamed)
  const read = async () => {
    for await (const event of stream) void event
  }
  await read()
  expect(call().attributes['tts.audio.duration']).toBe(1)
  await new Promise(setImmediate)
  collectGarbage()
  expect(audio.deref() === undefined).toBe(true)
  expect(await stream.next()).toEqual({ done: true, value: undefined })
})

test('the client makes its interactions when they are asked for, and not before', async () => {
  const client = createClient()
  expect(Reflect.get(client, '_interactions')).toBeUndefined()
  expect(client.interactions).toBe(client.interactions)
  expect(Object.keys(client.interactions)).not.toContain('create')
  await instrumentGemini(client).interactions.create(order)
  await waitForSpans(telemetry, 2)
})
