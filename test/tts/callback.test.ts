import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { getRequestId, withRequest } from '../../src/request-context.ts'
import { currentTtsRequest } from '../../src/tts/current.ts'
import { startTtsRequest, ttsRequest } from '../../src/tts/request.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'
import { startTelemetry } from './support.ts'

const order = { text: 'Two words', voice: 'Kore', model: 'gemini-3.8-flash-tts', requestId: 'r-1', userId: 'u-1' }
const good = { outcome: 'ok', audio: { format: 'wav', bytes: 96_044, durationS: 2 }, inputTokens: 6, audioTokens: 50 } as const

let telemetry: ReturnType<typeof startTelemetry>
beforeEach(() => {
  telemetry = startTelemetry()
})
afterEach(() => telemetry.stop())

function onlySpan() {
  expect(telemetry.spans()).toHaveLength(1)
  return telemetry.spans()[0]!
}

/** A client of the old kind: it answers later, from outside of any request. */
function createOldClient() {
  const emitter = new EventEmitter()
  emitter.on('speak', (done: (error: Error | null, audio?: Buffer) => void, error: Error | null) => {
    setTimeout(() => done(error, Buffer.alloc(48_000)), 5)
  })
  return { speak: (error: Error | null, done: (error: Error | null, audio?: Buffer) => void) => emitter.emit('speak', done, error) }
}

test('code with callbacks starts a request, reports to it and ends it', async () => {
  const client = createOldClient()
  const tts = startTtsRequest(order)
  tts.queued()
  tts.started()
  await new Promise<void>((resolve) => {
    client.speak(null, (error, audio) => {
      if (error) tts.fail(error)
      else {
        tts.audio(audio!, 'audio/L16;rate=24000')
        tts.end()
      }
      resolve()
    })
  })
  const { name, attributes, status, duration } = onlySpan()
  expect(name).toBe('tts_request')
  expect(status.code).toBe(SpanStatusCode.OK)
  expect(attributes).toMatchObject({ request_id: 'r-1', user_id: 'u-1', 'tts.outcome': 'ok', 'tts.audio.duration': 1, 'tts.voice': 'Kore' })
  expect(duration[0] * 1e9 + duration[1]).toBeGreaterThan(4e6)
  expect(await telemetry.points('tts.requests')).toMatchObject([{ value: 1 }])
})

test('it ends once: the first end counts, and what is reported after it changes nothing', async () => {
  const tts = startTtsRequest(order)
  tts.onCall(good)
  tts.end()
  tts.fail(new Error('too late'))
  tts.end()
  tts.cancelled()
  tts.onCall({ outcome: 'no_audio' })
  expect(onlySpan()).toMatchObject({ attributes: { 'tts.outcome': 'ok' }, status: { code: SpanStatusCode.OK } })
  expect(onlySpan().events.map(({ name }) => name)).toEqual(['API call completed'])
  expect(await telemetry.points('tts.requests')).toMatchObject([{ value: 1 }])
})

test.each([
  ['an error', new RangeError('too long'), 'error', 'RangeError', SpanStatusCode.ERROR],
  ['an abort', new DOMException('gone', 'AbortError'), 'cancelled', undefined, SpanStatusCode.UNSET],
  ['a text', 'broken', 'error', '_OTHER', SpanStatusCode.ERROR],
])('it fails with %s, which is recorded and not thrown', (_, error, outcome, type, code) => {
  startTtsRequest(order).fail(error)
  const { attributes, status, events } = onlySpan()
  expect([attributes['tts.outcome'], attributes['error.type'], status.code]).toEqual([outcome, type, code])
  expect(events.filter(({ name }) => name === 'exception')).toHaveLength(code === SpanStatusCode.ERROR ? 1 : 0)
})

test('what runs in it is below its span and belongs to its request, wherever it is called from', async () => {
  const tts = startTtsRequest(order)
  expect(currentTtsRequest(), 'only what runs in it').toBeUndefined()
  const result = await new Promise((resolve) => {
    setTimeout(() => {
      tts.run(async () => {
        await sleep(1)
        trace.getTracer('test').startSpan('child').end()
        currentTtsRequest()?.onCall(good)
        resolve([getRequestId(), trace.getActiveSpan() === tts.span, currentTtsRequest()?.requestId])
      })
    }, 1)
  })
  expect(result).toEqual(['r-1', true, 'r-1'])
  expect(tts.run(() => 4)).toBe(4)
  expect(() =>
    tts.run(() => {
      throw new Error('mine')
    }),
  ).toThrow('mine')
  tts.end()
  const [child, request] = telemetry.spans()
  expect(child?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
  expect(request?.attributes).toMatchObject({ 'tts.attempts': 1, 'tts.outcome': 'ok' })
})

test('it nests under whatever is active where it is started', async () => {
  const outer = trace.getTracer('test').startSpan('outer')
  const started = new EventEmitter()
  const tts = withRequest({ requestId: 'r-outer' }, () =>
    context.with(trace.setSpan(context.active(), outer), () => startTtsRequest({ text: 'x' })),
  )
  setTimeout(() => started.emit('done'), 1)
  await once(started, 'done')
  tts.end()
  expect(onlySpan().parentSpanContext?.spanId).toBe(outer.spanContext().spanId)
  expect(onlySpan().attributes).toMatchObject({ request_id: 'r-outer' })
  expect(tts.requestId).toBe('r-outer')
})

test('a request inside of a request is a child of it, and keeps its calls to itself', async () => {
  await ttsRequest(order, async () => {
    await ttsRequest({ text: 'a chunk' }, (inner) => inner.onCall(good))
  })
  const [inner, outer] = telemetry.spans()
  expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId)
  expect([inner?.attributes['tts.attempts'], outer?.attributes['tts.attempts']]).toEqual([1, undefined])
})

test('where nothing is registered it passes through', () => {
  telemetry.stop()
  const tts = startTtsRequest({ text: 'x' })
  expect(tts.run(() => currentTtsRequest()?.requestId)).toBe(tts.requestId)
  tts.audio('AAAA', 'audio/L16')
  tts.fail(undefined)
  expect(tts.span.isRecording()).toBe(false)
})

test('a request that nobody ends is ended with the process, and says so', async () => {
  const collector = await startOtlpReceiver()
  const file = (path: string) => new URL(`../../src/${path}`, import.meta.url).href
  const code = `const { startTtsRequest } = await import(${JSON.stringify(file('tts/request.ts'))}); startTtsRequest({ text: 'forgotten' })`
  const ended = await runNode(['--no-warnings', '--import', file('register.ts'), '--input-type=module', '-e', code], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
  })
  await collector.close()
  expect([ended.code, ended.stderr]).toEqual([0, ''])
  expect(collector.spans.map(({ name }) => name)).toEqual(['tts_request'])
  expect(collector.spans[0]?.attributes).toContainEqual({ key: 'tts.interrupted', value: { boolValue: true } })
})
