/** What was said leaves the process only when asked for, and audio never. */
import { GoogleGenAI } from '@google/genai'
import { logs } from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { expect, test } from 'vitest'
import { STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { type GeminiOptions, instrumentGemini } from '../../src/instrument/gemini-client.ts'
import type { GenAiContent } from '../../src/instrument/genai-content.ts'
import { addGenAiUploadHook } from '../../src/instrument/genai-upload.ts'
import { serveGemini } from './gemini.ts'
import { startTelemetry } from './support.ts'

const telemetry = startTelemetry()
const exporter = new InMemoryLogRecordExporter()
logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }))

const { baseUrl } = serveGemini(() => {
  telemetry.reset()
  exporter.reset()
})

const TEXT = 'It is a quarter past ten.'
const INPUT = [{ role: 'user', parts: [{ type: 'text', content: TEXT }] }]
const AUDIO_OUT = [
  { role: 'assistant', parts: [{ type: 'blob', modality: 'audio', mime_type: 'audio/wav', content: '' }], finish_reason: 'stop' },
]

function createClient(options: GeminiOptions = {}) {
  return instrumentGemini(new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: baseUrl() } }), options)
}

function speak(client: GoogleGenAI, contents: string | string[] = TEXT) {
  return client.models.generateContent({ model: 'gemini-3.8-flash-tts', contents, config: { responseModalities: ['AUDIO'] } })
}

const attributes = () => telemetry.span('gemini_api_call').attributes

test('nothing is captured unless it is asked for', async () => {
  await speak(createClient())
  expect(JSON.stringify(attributes())).not.toContain('quarter')
  expect(exporter.getFinishedLogRecords()).toEqual([])
})

test('span: text as JSON on the span, of the audio only its type', async () => {
  const answer = await speak(createClient({ captureContent: 'span' }))
  const input = attributes()['gen_ai.input.messages']
  expect(JSON.parse(String(input))).toEqual(INPUT)
  expect(JSON.parse(String(attributes()['gen_ai.output.messages']))).toEqual(AUDIO_OUT)
  const data = answer.candidates?.[0]?.content?.parts?.[0]?.inlineData?.data ?? ''
  expect(JSON.stringify(attributes())).not.toContain(data.slice(100, 200))
  expect(exporter.getFinishedLogRecords()).toEqual([])
})

test('event: structured on a log record of the span, with what the span says', async () => {
  await speak(createClient({ captureContent: 'event' }))
  expect(attributes()).not.toHaveProperty('gen_ai.input.messages')
  const [record] = exporter.getFinishedLogRecords()
  expect(record?.eventName).toBe('gen_ai.client.inference.operation.details')
  expect(record?.spanContext?.spanId).toBe(telemetry.span('gemini_api_call').spanContext().spanId)
  expect(record?.attributes).toMatchObject({
    'gen_ai.input.messages': INPUT,
    'gen_ai.output.messages': AUDIO_OUT,
    'gen_ai.request.model': 'gemini-3.8-flash-tts',
    'gen_ai.response.finish_reasons': ['stop'],
  })
})

test('both: interactions, with their instruction and the text that came instead of audio', async () => {
  const fake = { status: 'completed', steps: [{ type: 'model_output', content: [{ type: 'text', text: 'Sure!' }] }] }
  const client = instrumentGemini({ interactions: { create: async (_: object) => fake } }, { captureContent: 'both' })
  const input = [{ type: 'user_input', content: [{ type: 'text', text: TEXT }] }]
  await client.interactions.create({ input, system_instruction: 'Be brief', response_modalities: ['audio'] })
  expect(JSON.parse(String(attributes()['gen_ai.input.messages']))).toEqual(INPUT)
  expect(attributes()['gen_ai.system_instructions']).toBe('[{"type":"text","content":"Be brief"}]')
  const record = exporter.getFinishedLogRecords()[0]?.attributes
  expect(record?.['gen_ai.system_instructions']).toEqual([{ type: 'text', content: 'Be brief' }])
  expect(record?.['gen_ai.output.messages']).toEqual([
    { role: 'assistant', parts: [{ type: 'text', content: 'Sure!' }], finish_reason: 'completed' },
  ])
})

test('text beyond 32,768 characters is cut, in whatever pieces it comes', async () => {
  const client = instrumentGemini({ models: { generateContent: async (_: object) => ({}) } }, { captureContent: 'span' })
  await client.models.generateContent({ contents: ['a'.repeat(30_000), 'b'.repeat(30_000), 'c'.repeat(30_000)] })
  const [message] = JSON.parse(String(attributes()['gen_ai.input.messages']))
  expect(message.parts.map((part: { content: string }) => part.content.length)).toEqual([30_000, 2_769])
})

test('an upload hook gets the content and the span; what it does wrong stays with it', async () => {
  const uploaded: GenAiContent[] = []
  const remove = addGenAiUploadHook((content, span) => {
    uploaded.push(content)
    span.setAttribute('app.content.ref', 'bucket/1')
    throw new Error('the bucket is full')
  })
  const removeSlow = addGenAiUploadHook(async () => {
    throw new Error('the bucket is gone')
  })
  expect((await speak(createClient())).candidates).toHaveLength(1)
  expect(uploaded).toEqual([{ inputMessages: INPUT, systemInstructions: [], outputMessages: AUDIO_OUT }])
  expect(attributes()).toMatchObject({ 'app.content.ref': 'bucket/1' })
  expect(attributes()).not.toHaveProperty('gen_ai.input.messages')
  remove()
  removeSlow()
  telemetry.reset()
  await speak(createClient())
  expect(uploaded).toHaveLength(1)
  const [dropped] = await telemetry.points('tts_otel.genai.upload.dropped')
  expect(dropped).toMatchObject({ attributes: { reason: 'failed' }, value: 2 })
})

test('a hook that hangs holds 32 contents and no more', async () => {
  let held = 0
  const remove = addGenAiUploadHook(() => {
    held++
    return new Promise(() => {})
  })
  const client = instrumentGemini({ models: { generateContent: async (_: object) => ({}) } })
  for (let i = 0; i < 40; i++) await client.models.generateContent({ contents: TEXT })
  remove()
  expect(held).toBe(32)
  const dropped = await telemetry.points('tts_otel.genai.upload.dropped')
  expect(dropped.find(({ attributes }) => attributes.reason === 'busy')?.value).toBe(8)
})
