/** What a call of Gemini throws is a log record where exceptions are: `gen_ai.client.operation.exception`. */
import { GoogleGenAI } from '@google/genai'
import { logs } from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { expect, test } from 'vitest'
import type { ModeName } from '../../examples/gemini-stand-in/modes.ts'
import { STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { parseConfig } from '../../src/config.ts'
import { instrumentGemini } from '../../src/instrument/gemini-client.ts'
import { serveGemini } from './gemini.ts'
import { startTelemetry } from './support.ts'

const telemetry = startTelemetry()
const exporter = new InMemoryLogRecordExporter()
logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }))

const { answerWith, baseUrl } = serveGemini(() => {
  telemetry.reset()
  exporter.reset()
})

async function fail(mode: ModeName, options: { exceptionEvents: boolean; abortSignal?: AbortSignal }): Promise<unknown> {
  const { exceptionEvents, abortSignal } = options
  const client = instrumentGemini(new GoogleGenAI({ apiKey: STAND_IN_KEY, httpOptions: { baseUrl: baseUrl() } }), { exceptionEvents })
  answerWith(mode)
  const config = { responseModalities: ['AUDIO'], ...(abortSignal && { abortSignal }) }
  return client.models.generateContent({ model: 'gemini-3.8-flash-tts', contents: 'Hello', config }).catch((error: unknown) => error)
}

test('once for a call, as a warning, with our words for it and where it was thrown', async () => {
  const thrown = await fail('quota', { exceptionEvents: true })
  const [record, ...others] = exporter.getFinishedLogRecords()
  expect(others).toEqual([])
  expect(record).toMatchObject({ eventName: 'gen_ai.client.operation.exception', severityNumber: 13 })
  const span = telemetry.span('gemini_api_call')
  expect(record?.spanContext?.spanId).toBe(span.spanContext().spanId)
  expect(record?.body).toBe(span.status.message)
  expect(record?.attributes).toEqual({
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.request.model': 'gemini-3.8-flash-tts',
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(baseUrl()).port),
    'error.type': 'RESOURCE_EXHAUSTED',
    'exception.type': 'ApiError',
    'exception.message': span.status.message,
    'exception.stacktrace': expect.stringMatching(/^ {4}at /),
  })
  expect(thrown).toBeInstanceOf(Error)
})

test('nothing of an answer that cannot be read, which the error quotes', async () => {
  const thrown = await fail('malformed', { exceptionEvents: true })
  const [record] = exporter.getFinishedLogRecords()
  expect(record?.attributes['exception.message']).toBe('The answer of Gemini is no valid JSON.')
  expect(JSON.stringify(record?.attributes)).not.toContain((thrown as Error).message)
})

test('not what the app called off itself, not an answer without audio, and nothing where exceptions are span events', async () => {
  const abort = new AbortController()
  const hanging = fail('hang', { exceptionEvents: true, abortSignal: abort.signal })
  abort.abort()
  await hanging
  await fail('no-audio', { exceptionEvents: true })
  await fail('quota', { exceptionEvents: false })
  expect(exporter.getFinishedLogRecords()).toEqual([])
})

test.each([
  [undefined, false],
  ['logs', true],
  ['logs/dup', true],
])('OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN=%s decides', (value, expected) => {
  const { config } = parseConfig(value === undefined ? {} : { OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: value })
  expect(config.speech.exceptionEvents).toBe(expected)
})
