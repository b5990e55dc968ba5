import * as genai from '@google/genai'
import { type GenerateContentParameters, GoogleGenAI } from '@google/genai'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import type { ModeName } from '../../examples/gemini-stand-in/modes.ts'
import { STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { instrumentFetch } from '../../src/instrument/fetch.ts'
import { instrumentGemini } from '../../src/instrument/gemini-client.ts'
import { createGeminiInstrument } from '../../src/instrument/google-genai.ts'
import { createGuard } from '../../src/instrument/guard.ts'
import { withRequest } from '../../src/request-context.ts'
import { ttsRequest } from '../../src/tts/request.ts'
import { serveGemini } from './gemini.ts'
import { listen, startTelemetry, waitForSpans } from './support.ts'

const bareClient = new GoogleGenAI({ apiKey: STAND_IN_KEY })
const telemetry = startTelemetry()
instrumentFetch({ guard: createGuard('fetch'), isOwnTraffic: () => false })
const SPEECH = { metricNames: 'both', captureContent: 'none', analyseAudio: false, exceptionEvents: true } as const
createGeminiInstrument(createGuard('google-genai'), SPEECH).watchModule(genai)

const { answerWith, baseUrl } = serveGemini(telemetry.reset)

const order: GenerateContentParameters = {
  model: 'gemini-3.8-flash-tts',
  contents: 'It is a quarter past ten and the train is late.',
  config: {
    responseModalities: ['AUDIO'],
    speechConfig: { languageCode: 'en-US', voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } },
  },
}
const createClient = (options = {}) => new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: baseUrl(), ...options } })

/** Values that a histogram has taken. */
function countOf(points: readonly { readonly value: unknown }[]): number {
  return points.reduce((sum, { value }) => sum + (value as { readonly count: number }).count, 0)
}

/** Reads a stream to its end; returns the error it ends in. */
async function drain(client: GoogleGenAI, parameters = order): Promise<unknown> {
  try {
    for await (const chunk of await client.models.generateContentStream(parameters)) void chunk
    return undefined
  } catch (error) {
    return error
  }
}

test('a call becomes one span with its HTTP request below, its audio measured and its tokens counted', async () => {
  const answer = await withRequest({ requestId: 'req-1' }, () => createClient().models.generateContent(order))
  await waitForSpans(telemetry, 2)

  expect(answer.candidates?.[0]?.content?.parts?.[0]?.inlineData?.data?.length).toBeGreaterThan(1_000)
  const call = telemetry.span('gemini_api_call')
  expect(call).toMatchObject({ kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } })
  expect(call.events.map(({ name }) => name)).toEqual(['API call completed'])
  const { port } = new URL(baseUrl())
  expect(call.attributes).toMatchObject({
    request_id: 'req-1',
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.output.type': 'speech',
    'gen_ai.request.model': 'gemini-3.8-flash-tts',
    'gen_ai.response.model': 'gemini-3.8-flash-tts',
    'gen_ai.response.id': expect.any(String),
    'gen_ai.response.finish_reasons': ['stop'],
    'gen_ai.usage.input_tokens': expect.any(Number),
    'gen_ai.usage.text.input_tokens': expect.any(Number),
    'gen_ai.usage.audio.output_tokens': expect.any(Number),
    'api.endpoint': 'generateContent',
    'server.address': '127.0.0.1',
    'server.port': Number(port),
    'gcp.gemini.server_timing_ms': expect.any(Number),
    'tts.voice': 'Kore',
    'tts.language': 'en-US',
    'tts.audio.sample_rate': 24_000,
    'tts.audio.format': 'wav',
  })
  const { 'tts.audio.duration': seconds, 'gen_ai.usage.audio.output_tokens': tokens } = call.attributes
  expect(Number(seconds)).toBeCloseTo(Number(tokens) / 25, 0)
  const attempt = telemetry.span('POST')
  expect(attempt.parentSpanContext?.spanId).toBe(call.spanContext().spanId)
  expect(attempt.attributes).toMatchObject({
    'url.full': `${baseUrl()}/v1/models/gemini-3.8-flash-tts:generateContent`,
    'http.response.status_code': 200,
    request_id: 'req-1',
  })
})

test('a stream is measured chunk by chunk while the caller reads it', async () => {
  const stream = await createClient().models.generateContentStream(order)
  expect(telemetry.spans).toHaveLength(0)
  let chunks = 0
  for await (const chunk of stream) chunks += chunk instanceof genai.GenerateContentResponse ? 1 : 0
  await waitForSpans(telemetry, 2)

  expect(chunks).toBeGreaterThan(1)
  const { attributes, status } = telemetry.span('gemini_api_call')
  expect(status.code).toBe(SpanStatusCode.UNSET)
  expect(attributes).toMatchObject({
    'api.endpoint': 'streamGenerateContent',
    'gen_ai.request.stream': true,
    'gen_ai.response.time_to_first_chunk': expect.any(Number),
    'gen_ai.response.finish_reasons': ['stop'],
    'tts.audio.format': 'pcm',
  })
  expect(Number(attributes['tts.audio.duration'])).toBeCloseTo(Number(attributes['gen_ai.usage.audio.output_tokens']) / 25, 0)
})

test.each<[ModeName, string, RegExp]>([
  ['no-audio', 'no_audio', /without audio \(finish reason OTHER, 5516 output tokens billed\)/],
  ['header-only', 'no_audio', /a header of 44 bytes and no audio/],
  ['text-instead', 'text_instead_of_audio', /text instead of audio/],
  ['blocked', 'blocked', /PROHIBITED_CONTENT/],
  ['truncated', 'truncated', /broke off \(finish reason OTHER\) after \d/],
])('200 in mode %s is the error %s', async (mode, type, message) => {
  answerWith(mode)
  await createClient().models.generateContent(order)
  await waitForSpans(telemetry, 2)

  const { attributes, status } = telemetry.span('gemini_api_call')
  expect(attributes['error.type']).toBe(type)
  expect(status.code).toBe(SpanStatusCode.ERROR)
  expect(status.message).toMatch(message)
  expect(telemetry.span('POST').status.code).toBe(SpanStatusCode.UNSET)
})

test.each<[ModeName, string, string[]]>([
  ['no-finish-reason', 'truncated_stream', ['error']],
  ['truncated', 'truncated_stream', ['other']],
  ['no-audio', 'no_audio', ['other']],
  ['blocked', 'blocked', ['error']],
])('a stream in mode %s is the error %s, although it ends without one', async (mode, type, reasons) => {
  answerWith(mode)
  expect(await drain(createClient())).toBeUndefined()
  await waitForSpans(telemetry, 2)

  const { attributes, status } = telemetry.span('gemini_api_call')
  expect(attributes).toMatchObject({ 'error.type': type, 'gen_ai.response.finish_reasons': reasons })
  expect(status.code).toBe(SpanStatusCode.ERROR)
})

test.each<[ModeName, string, string | undefined]>([
  ['quota', 'RESOURCE_EXHAUSTED', 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier'],
  ['quota-plain', 'RESOURCE_EXHAUSTED', undefined],
  ['internal', 'INTERNAL', undefined],
  ['bad-request', 'INVALID_ARGUMENT', undefined],
])('the refusal %s is named %s as Google does, and thrown on as it is', async (mode, type, quotaId) => {
  answerWith(mode, mode)
  const bare = await failureOf(() => bareCall())
  const ours = await failureOf(() => createClient().models.generateContent(order))

  expect(ours).toBeInstanceOf(genai.ApiError)
  expect(ours).toMatchObject({ message: (bare as Error).message, status: (bare as genai.ApiError).status })
  const { attributes, status } = telemetry.span('gemini_api_call')
  expect(attributes).toMatchObject({ 'error.type': type, 'gen_ai.response.finish_reasons': ['error'] })
  expect(attributes['gcp.gemini.quota_id']).toBe(quotaId)
  expect(status.message).toMatch(/^\d{3}: /)
})

/** A client that was made before the module was watched. */
function bareCall() {
  return bareClient.models.generateContent({ ...order, config: { ...order.config, httpOptions: { baseUrl: baseUrl() } } })
}

async function failureOf(call: () => Promise<unknown>): Promise<unknown> {
  return call().then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('an error object inside a stream is an error of the call', async () => {
  answerWith('error-in-stream')
  const error = await drain(createClient())
  await waitForSpans(telemetry, 2)

  expect(error).toBeInstanceOf(genai.ApiError)
  const { attributes } = telemetry.span('gemini_api_call')
  expect(attributes).toMatchObject({ 'error.type': 'UNAVAILABLE', 'gen_ai.response.finish_reasons': ['error'] })
  expect(attributes['tts.audio.duration']).toBeGreaterThan(0)
})

test('a deadline, a call that the app gave up, and a broken connection are told apart', async () => {
  answerWith('hang', 'hang', 'reset')
  await failureOf(() => createClient({ timeout: 50 }).models.generateContent(order))
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 50)
  await failureOf(() => createClient().models.generateContent({ ...order, config: { ...order.config, abortSignal: abort.signal } }))
  await failureOf(() => createClient().models.generateContent(order))
  const gone = await listen(() => {})
  await gone.close()
  await failureOf(() => createClient({ baseUrl: gone.url }).models.generateContent(order))

  const calls = telemetry.spans.filter(({ name }) => name === 'gemini_api_call')
  expect(calls.map(({ attributes }) => attributes['error.type'])).toEqual(['timeout', 'cancelled', 'ECONNRESET', 'ECONNREFUSED'])
  const { ERROR, UNSET } = SpanStatusCode
  expect(calls.map(({ status }) => status.code)).toEqual([ERROR, UNSET, ERROR, ERROR])
})

test('retries of the client are attempts below one call, numbered', async () => {
  answerWith('unavailable', 'unavailable', 'ok')
  const client = createClient({ retryOptions: { attempts: 3, initialDelay: 0.01, maxDelay: 0.01 } })
  await client.models.generateContent(order)
  await waitForSpans(telemetry, 4)

  const call = telemetry.span('gemini_api_call')
  expect(call.status.code).toBe(SpanStatusCode.UNSET)
  const attempts = telemetry.spans.filter(({ name }) => name === 'POST')
  expect(attempts.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([undefined, 1, 2])
  expect(attempts.map(({ attributes }) => attributes['error.type'])).toEqual(['503', '503', undefined])
  expect(attempts.every(({ parentSpanContext }) => parentSpanContext?.spanId === call.spanContext().spanId)).toBe(true)
})

test('a continuation is a further request below the same call, not a retry', async () => {
  answerWith('continuation', 'continuation')
  await createClient().models.generateContent(order)
  await waitForSpans(telemetry, 3)

  const attempts = telemetry.spans.filter(({ name }) => name === 'POST')
  expect(attempts.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([undefined, undefined])
  const { attributes } = telemetry.span('gemini_api_call')
  expect(Number(attributes['tts.audio.duration'])).toBeGreaterThan(1)
})

test("a reader that leaves early ends the span as cancelled; the stream is the client's own and lazy", async () => {
  const stream = await createClient().models.generateContentStream(order)
  expect(stream[Symbol.asyncIterator]()).toBe(stream)
  for await (const chunk of stream) {
    void chunk
    break
  }
  expect(await stream.next()).toEqual({ done: true, value: undefined })
  const { attributes, status } = telemetry.span('gemini_api_call')
  expect(attributes['error.type']).toBe('cancelled')
  expect(status.code).toBe(SpanStatusCode.UNSET)
})

test('chats go through the same span, text is no speech', async () => {
  answerWith('text-instead')
  const chat = createClient().chats.create({ model: 'gemini-3.8-flash-tts', config: { responseModalities: ['AUDIO'] } })
  await chat.sendMessage({ message: 'hello' })
  expect(telemetry.spans.filter(({ name }) => name === 'gemini_api_call')).toHaveLength(1)
})

test('instrumentGemini watches a client that exists, once', async () => {
  const client = instrumentGemini(instrumentGemini(new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: baseUrl() } })))
  instrumentGemini(bareClient)
  await client.models.generateContent(order)
  await bareCall()
  await waitForSpans(telemetry, 4)

  expect(telemetry.spans.map(({ name }) => name).sort()).toEqual(['POST', 'POST', 'gemini_api_call', 'gemini_api_call'])
})

test('a client that answers with no promise is left alone, and its span ends', () => {
  const answer = {}
  const client = instrumentGemini({ models: { generateContent: (_: object) => answer } })
  expect(client.models.generateContent(order)).toBe(answer)
  expect(telemetry.span('gemini_api_call').attributes).not.toHaveProperty('error.type')
})

test('an app can still replace the methods of a client', async () => {
  const client = createClient()
  client.models.generateContent = async () => new genai.GenerateContentResponse()
  expect(await client.models.generateContent(order)).toBeInstanceOf(genai.GenerateContentResponse)
  expect(Object.keys(createClient().models)).toContain('generateContent')
})

test('the surrounding tts_request learns what the call brought', async () => {
  answerWith('unavailable', 'no-audio', 'ok')
  const client = createClient({ retryOptions: { attempts: 2, initialDelay: 0.01, maxDelay: 0.01 } })
  await ttsRequest({ text: 'hello', voice: 'Kore' }, () => client.models.generateContent(order))
  const failed = telemetry.span('tts_request')
  expect(failed.attributes).toMatchObject({ 'tts.outcome': 'no_audio', 'tts.attempts': 2 })
  expect(failed.status.code).toBe(SpanStatusCode.ERROR)

  telemetry.reset()
  await ttsRequest({ text: 'hello' }, async () => drain(client))
  const { attributes } = telemetry.span('tts_request')
  expect(attributes).toMatchObject({ 'tts.outcome': 'ok', 'tts.audio.format': 'pcm', 'tts.time_to_first_audio': expect.any(Number) })
})

test('duration and tokens by modality are counted, under the old names and the new', async () => {
  answerWith('ok', 'internal')
  await createClient().models.generateContent(order)
  await failureOf(() => createClient().models.generateContent(order))
  await waitForSpans(telemetry, 4)

  for (const name of ['gen_ai.client.operation.duration', 'gen_ai.client.inference.duration']) {
    const durations = await telemetry.points(name)
    expect(durations.map(({ attributes }) => attributes['error.type'])).toEqual(expect.arrayContaining([undefined, 'INTERNAL']))
  }
  const usage = await telemetry.points('gen_ai.client.token.usage')
  expect(usage.map(({ attributes }) => attributes['gen_ai.token.type'])).toEqual(expect.arrayContaining(['input', 'output']))
  const outputs = await telemetry.points('gen_ai.client.inference.usage.output_tokens')
  expect(outputs.map(({ attributes }) => attributes['gen_ai.token.modality'])).toEqual(expect.arrayContaining(['audio', 'unknown']))
})

test('the times between the chunks of a stream are measured, one less than there are chunks, under both names', async () => {
  const names = ['gen_ai.client.operation.time_per_output_chunk', 'gen_ai.client.inference.time_per_output_chunk']
  const countsOf = () => Promise.all(names.map(async (name) => countOf(await telemetry.points(name))))
  const before = await countsOf()
  let chunks = 0
  for await (const _ of await createClient().models.generateContentStream(order)) chunks++
  await waitForSpans(telemetry, 2)

  expect(chunks).toBeGreaterThan(1)
  expect(await countsOf()).toEqual(before.map((count) => count + chunks - 1))
  const firsts = await telemetry.points('gen_ai.client.operation.time_to_first_chunk')
  expect(countOf(firsts)).toBeGreaterThan(0)
})

test('Vertex AI is named as such; the key of a cloned voice stays here, and the voices of several speakers are all told', async () => {
  const apiClient = { isVertexAI: () => true, getBaseUrl: () => 'https://aiplatform.googleapis.com' }
  const client = instrumentGemini({ models: { apiClient, generateContent: async (_: object) => ({}) } })
  const voices = ['Kore', `voicekey_${'x'.repeat(4_000)}`, 'Puck'].map((voice) => ({ voiceConfig: { voice } }))
  const model = 'publishers/google/models/gemini-3.8-flash-tts'
  await client.models.generateContent({ model, config: { speechConfig: { multiSpeakerVoiceConfig: { speakerVoiceConfigs: voices } } } })
  expect(telemetry.span('gemini_api_call').attributes).toMatchObject({
    'gen_ai.provider.name': 'gcp.vertex_ai',
    'gen_ai.request.model': 'gemini-3.8-flash-tts',
    'server.address': 'aiplatform.googleapis.com',
    'server.port': 443,
    'tts.voice': 'Kore,custom,Puck',
  })
})

test('a chunk that is no JSON is named without its content', async () => {
  answerWith('malformed')
  expect(await drain(createClient())).toBeInstanceOf(Error)
  await waitForSpans(telemetry, 2)
  const { attributes, status } = telemetry.span('gemini_api_call')
  expect(attributes['error.type']).toBe('malformed_answer')
  expect(status.message).toBe('The answer of Gemini is no valid JSON.')
})
