/** Connections of the Live API as spans, in the process of the app. */
import * as genai from '@google/genai'
import { GoogleGenAI, type LiveCallbacks, type LiveServerMessage, Modality, type Session } from '@google/genai'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { GoogleGenAI as GoogleGenAI2 } from 'google-genai-2'
import { expect, test } from 'vitest'
import type { LiveModeName } from '../../examples/gemini-stand-in/live-modes.ts'
import { STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { instrumentGemini } from '../../src/instrument/gemini-client.ts'
import { createGeminiInstrument } from '../../src/instrument/google-genai.ts'
import { createGuard } from '../../src/instrument/guard.ts'
import { suppress } from '../../src/instrument/suppress.ts'
import { currentRequest, withRequest } from '../../src/request-context.ts'
import { currentTtsRequest } from '../../src/tts/current.ts'
import { ttsRequest } from '../../src/tts/request.ts'
import { serveGemini } from './gemini.ts'
import { startTelemetry, waitForSpans } from './support.ts'

const telemetry = startTelemetry()
const SPEECH = { metricNames: 'both', captureContent: 'none', analyseAudio: false, exceptionEvents: true } as const
createGeminiInstrument(createGuard('google-genai'), SPEECH).watchModule(genai)

const { baseUrl } = serveGemini(telemetry.reset)

const TEXT = 'It is a quarter past ten and the train is late.'
const order = { text: TEXT, voice: 'Puck', model: 'gemini-3.1-flash-live-preview' }
const config = {
  responseModalities: [Modality.AUDIO],
  speechConfig: { languageCode: 'en-US', voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Puck' } } },
}
const createClient = () => new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: baseUrl() } })

/** A connection of an app that waits for the end of each turn. */
async function talk(more: Partial<LiveCallbacks> = {}, client = createClient()) {
  const turn = { done: () => {} }
  const closed = Promise.withResolvers<void>()
  const seen: LiveServerMessage[] = []
  const session = await client.live.connect({
    model: order.model,
    config,
    callbacks: {
      ...more,
      onmessage(message) {
        seen.push(message)
        more.onmessage?.(message)
        if (message.serverContent?.turnComplete) turn.done()
      },
      onclose(event) {
        more.onclose?.(event)
        closed.resolve()
      },
    },
  })
  const next = () => new Promise<void>((resolve) => (turn.done = resolve))
  const ask = (mode: LiveModeName = 'ok') => {
    const done = next()
    session.sendClientContent({ turns: `${TEXT} [stand-in: ${mode}]` })
    return done
  }
  const close = () => {
    session.close()
    return closed.promise
  }
  return { session, seen, next, ask, close, closed: closed.promise }
}

const connection = () => telemetry.span('gemini_api_call')

test('one span from connect to close says what was asked for, what was heard and what it took', async () => {
  await ttsRequest(order, async () => {
    const { ask, close } = await talk()
    await ask()
    await ask()
    await close()
  })
  await waitForSpans(telemetry, 2)
  const span = connection()
  expect(span.kind).toBe(SpanKind.CLIENT)
  expect(span.status.code).toBe(SpanStatusCode.UNSET)
  expect(span.parentSpanContext?.spanId).toBe(telemetry.span('tts_request').spanContext().spanId)
  expect(span.attributes).toEqual({
    request_id: expect.any(String),
    'gen_ai.operation.name': 'generate_live_content',
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.request.model': 'gemini-3.1-flash-live-preview',
    'gen_ai.request.stream': true,
    'gen_ai.output.type': 'speech',
    'api.endpoint': 'BidiGenerateContent',
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(baseUrl()).port),
    'tts.voice': 'Puck',
    'tts.language': 'en-US',
    'tts.audio.format': 'pcm',
    'tts.audio.bytes': 2 * 150_400,
    'tts.audio.duration': expect.closeTo(6.267, 2),
    'tts.audio.sample_rate': 24_000,
    'tts.audio.channels': 1,
    'tts.time_to_first_audio': expect.any(Number),
    'gen_ai.usage.input_tokens': 24,
    'gen_ai.usage.output_tokens': 158,
    'gen_ai.usage.text.input_tokens': 24,
    'gen_ai.usage.audio.output_tokens': 158,
    'gcp.gemini.live.setup_time': expect.any(Number),
    'gcp.gemini.live.turns': 2,
    'gcp.gemini.live.failed_turns': 0,
    'gcp.gemini.live.interruptions': 0,
    'gcp.gemini.live.close_code': 1005,
  })
  expect(span.events.map(({ name, attributes }) => [name, attributes?.['tts.outcome']])).toEqual(Array(2).fill(['Turn completed', 'ok']))
})

test('each turn belongs to the speech request that asked, also over a connection that outlives it', async () => {
  const { ask, close } = await talk()
  await ttsRequest(order, () => ask())
  await ttsRequest(order, () => ask('silent-turn'))
  await ttsRequest(order, () => ask())
  await close()
  await waitForSpans(telemetry, 4)
  const requests = telemetry.spans.filter(({ name }) => name === 'tts_request')
  expect(requests.map(({ attributes }) => attributes['tts.outcome'])).toEqual(['ok', 'no_audio', 'ok'])
  expect(requests[0]?.attributes).toMatchObject({
    'tts.audio.duration': expect.closeTo(3.133, 2),
    'tts.time_to_first_audio': expect.any(Number),
    'tts.attempts': 1,
  })
  // The connection was bad once: it says so, and goes on.
  expect(connection().attributes).toMatchObject({
    'error.type': 'no_audio',
    'gcp.gemini.live.turns': 3,
    'gcp.gemini.live.failed_turns': 1,
  })
  expect(connection().status).toEqual({
    code: SpanStatusCode.ERROR,
    message: 'Gemini answered without audio (no finish reason, 19 output tokens billed).',
  })
})

test('an app that waits for generationComplete and closes has got all of it', async () => {
  const { session, seen, closed } = await talk({
    onmessage: ({ serverContent }) => serverContent?.generationComplete && queueMicrotask(() => session.close()),
  })
  await ttsRequest(order, async () => {
    session.sendClientContent({ turns: `${TEXT} [stand-in: not-closed]` })
    await closed
  })
  await waitForSpans(telemetry, 2)
  expect(seen.some(({ serverContent }) => serverContent?.turnComplete)).toBe(false)
  expect(connection().attributes).not.toHaveProperty('error.type')
  expect(telemetry.span('tts_request').attributes).toMatchObject({ 'tts.outcome': 'ok', 'tts.audio.bytes': 150_400 })
})

test('callbacks run where connect was called: their logs have the request and the trace', async () => {
  const places: unknown[] = []
  const here = () => places.push([currentRequest()?.requestId, trace.getActiveSpan()?.spanContext().spanId, currentTtsRequest()?.requestId])
  let own: unknown
  await ttsRequest({ ...order, requestId: 'r-1' }, async (tts) => {
    own = ['r-1', tts.span.spanContext().spanId, 'r-1']
    const { ask, close } = await talk({ onopen: here, onmessage: here, onclose: here })
    await withRequest({ requestId: 'another' }, () => ask())
    await withRequest({ requestId: 'another' }, close)
  })
  expect(places.length).toBeGreaterThan(15)
  expect(places).toEqual(places.map(() => own))
})

test('whoever interrupts has heard enough: no error, and the next answer is measured from its own question', async () => {
  const { session, seen, ask, next, close } = await talk()
  void ask('stall')
  while (!seen.some(({ serverContent }) => serverContent?.modelTurn)) await new Promise(setImmediate)
  const interruption = next()
  session.sendClientContent({ turns: TEXT })
  await interruption
  await next()
  await close()
  await waitForSpans(telemetry, 1)
  expect(connection().events.map(({ attributes }) => attributes?.['tts.outcome'])).toEqual(['cancelled', 'ok'])
  expect(connection().events[1]?.attributes).toHaveProperty('tts.time_to_first_audio')
  expect(connection().attributes).toMatchObject({ 'gcp.gemini.live.interruptions': 1, 'gcp.gemini.live.failed_turns': 0 })
  expect(connection().status.code).toBe(SpanStatusCode.UNSET)
})

test('a connection that breaks is told to the speech request that waits, in its words', async () => {
  const failing = ttsRequest(order, async () => {
    const { ask, closed } = await talk()
    void ask('deadline')
    await closed
    throw new Error('no answer')
  })
  await expect(failing).rejects.toThrow('no answer')
  await waitForSpans(telemetry, 2)
  expect(telemetry.span('tts_request').attributes).toMatchObject({ 'tts.outcome': 'error', 'error.type': 'DEADLINE_EXCEEDED' })
  expect(connection().status.message).toBe(
    'The connection was closed in the middle of a turn (1011: Deadline expired before operation could complete.).',
  )
})

test('a connection that cannot be made is an error of the request, with the words of the socket and without the key', async () => {
  const nowhere = new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: 'http://127.0.0.1:1' } })
  await expect(ttsRequest(order, () => talk({}, nowhere))).rejects.toThrow('Live connection failed before setup completed')
  await waitForSpans(telemetry, 2)
  expect(telemetry.span('tts_request').attributes).toMatchObject({ 'tts.outcome': 'error', 'error.type': 'ECONNREFUSED' })
  expect(JSON.stringify([connection().attributes, connection().status, connection().events])).not.toContain(STAND_IN_KEY)

  telemetry.reset()
  const wrong = { model: order.model, config: { httpOptions: { timeout: 1 } }, callbacks: { onmessage: () => {} } }
  await expect(createClient().live.connect(wrong)).rejects.toThrow('does not support httpOptions')
  expect(connection().attributes['error.type']).toBe('Error')
})

test('2.x: a client that is watched by hand, whose connect says nothing of a server that is not there', async () => {
  const client = instrumentGemini(new GoogleGenAI2({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: 'http://127.0.0.1:1' } }))
  // Without callbacks for errors the app learns nothing; the span does.
  void client.live.connect({ model: order.model, callbacks: { onmessage: () => {} } })
  await waitForSpans(telemetry, 1)
  expect(connection().attributes).toMatchObject({ 'error.type': 'ECONNREFUSED', 'gcp.gemini.live.close_code': 1006 })
  expect(connection().status.code).toBe(SpanStatusCode.ERROR)
})

test('a function that the model calls is no silence, and the tokens of both its answers count', async () => {
  const { session, ask, close } = await talk({
    onmessage: ({ toolCall }) =>
      toolCall && session.sendToolResponse({ functionResponses: [{ id: 'call-1', name: 'now', response: { time: 'late' } }] }),
  })
  await ask('tool-call')
  await close()
  await waitForSpans(telemetry, 1)
  expect(connection().attributes).toMatchObject({ 'gcp.gemini.live.turns': 1, 'gen_ai.usage.audio.output_tokens': 79 })
  expect(connection().attributes).not.toHaveProperty('error.type')
})

test('each turn counts as one call of the model, with the time to its first piece and between its pieces', async () => {
  const count = async (metric: string) => {
    const points = await telemetry.points(metric)
    const live = points.filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'generate_live_content')
    return live.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : (value as { count: number }).count), 0)
  }
  const names = [
    'gen_ai.client.inference.duration',
    'gen_ai.client.operation.duration',
    'gen_ai.client.inference.time_to_first_chunk',
    'gen_ai.client.inference.time_per_output_chunk',
    'gen_ai.client.inference.usage.output_tokens',
  ]
  const before = await Promise.all(names.map(count))
  const { ask, close } = await talk()
  await ask()
  await ask()
  await close()
  const after = await Promise.all(names.map(count))
  expect(after.map((value, i) => value - before[i]!)).toEqual([2, 2, 2, 2 * 12, 2 * 79])
})

test('a talk without end adds no events without end, and an open connection already tells its turns', async () => {
  const { ask, close } = await talk()
  for (let turn = 0; turn < 70; turn++) await ask('silent-turn')
  expect(telemetry.spans).toEqual([])
  await close()
  await waitForSpans(telemetry, 1)
  expect(connection().events).toHaveLength(64)
  expect(connection().attributes['gcp.gemini.live.turns']).toBe(70)
})

test('what is said is a question when its end is marked, and not while the user speaks', async () => {
  const { session, next, close } = await talk()
  const speak = { audio: { data: 'AAAA', mimeType: 'audio/pcm;rate=16000' } }
  session.sendRealtimeInput(speak)
  const done = next()
  session.sendRealtimeInput({ audioStreamEnd: true })
  await done
  expect(connectionEvents()).toEqual([])
  const again = next()
  session.sendRealtimeInput({ activityEnd: {} })
  await again
  session.sendRealtimeInput(speak)
  await close()
  await waitForSpans(telemetry, 1)
  const times = connection().events.map(({ attributes }) => attributes?.['tts.time_to_first_audio'])
  expect(times).toEqual([undefined, expect.any(Number)])
  expect(connection().attributes).not.toHaveProperty('error.type')
})
const connectionEvents = () => telemetry.spans.flatMap(({ events }) => events)

test('the app may exchange its callbacks while it talks, and keeps its own objects', async () => {
  const heard: string[] = []
  const callbacks: LiveCallbacks = { onmessage: () => heard.push('first') }
  const params = { model: order.model, config, callbacks }
  const session: Session = await createClient().live.connect(params)
  const before = heard.length
  callbacks.onmessage = function (this: unknown) {
    heard.push(this === callbacks ? 'second' : 'lost')
  }
  session.sendClientContent({ turns: `${TEXT} [stand-in: silent-turn]` })
  while (heard.length === before) await new Promise(setImmediate)
  session.close()
  await waitForSpans(telemetry, 1)
  expect(heard).toEqual(['first', 'second'])
  expect(Object.keys(params.callbacks)).toEqual(['onmessage'])
  expect(params.callbacks).toBe(callbacks)
  expect(session).toBeInstanceOf(genai.Session)
  expect(Object.keys(session)).not.toContain('close')
})

test('nothing is told where tracing is suppressed or the instrumentation has stopped', async () => {
  const quiet = await context.with(suppress(context.active()), () => talk())
  await quiet.ask()
  await quiet.close()

  const instrument = createGeminiInstrument(createGuard('google-genai'), SPEECH)
  const client = new GoogleGenAI2({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: baseUrl() } })
  instrument.watchClient(client)
  instrument.stop()
  const closed = Promise.withResolvers<void>()
  const session = await client.live.connect({ model: order.model, callbacks: { onmessage: () => {}, onclose: () => closed.resolve() } })
  session.close()
  await closed.promise
  expect(telemetry.spans).toEqual([])
})
