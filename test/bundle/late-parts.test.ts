/** What the bundle loads only where an app needs it is there when it does, and belongs to the rest. On the Node that `test/nodes/check.ts` names. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createGeminiStandIn } from '../../examples/gemini-stand-in/server.ts'
import { countItems } from '../../src/wire/protobuf.ts'
import type { Signal } from '../../src/wire/signal.ts'
import { startPgServer } from '../instrument/pg-server.ts'
import { startRedisServer } from '../instrument/redis-server.ts'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'

const register = fileURLToPath(new URL('../../register.js', import.meta.url))
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/bundle/${name}`, import.meta.url))

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

const run = (flags: readonly string[], app: string, env: Record<string, string> = {}) =>
  runNode([...flags, fixture(app)], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', ...env },
  })

test.each([
  ['alone', ['--import', register]],
  ['beside a tool that makes CommonJS of modules', ['--require', fixture('transforms-modules.cjs'), '--import', register]],
])('calls of Gemini belong to the speech request around them: %s', async (_, flags) => {
  const gemini = createGeminiStandIn({ apiKey: 'test-key' })
  const { url } = await gemini.listen()
  const { code, stderr } = await run(flags, 'speech.mjs', { GEMINI_URL: url })
  await gemini.stop()

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const request = receiver.spans.find(({ name }) => name === 'tts_request')
  const calls = receiver.spans.filter(({ name }) => name === 'gemini_api_call')
  expect(calls.map(({ parentSpanId }) => parentSpanId)).toEqual([request?.spanId, request?.spanId])
  expect(calls.map((span) => attribute(span, 'request_id'))).toEqual(['r-7', 'r-7'])
  // Told by the calls, to the request that the app's own copy of our code holds.
  expect(attribute(request, 'tts.attempts')).toBe(2)
  expect(attribute(request, 'tts.audio.bytes')).toBeDefined()
})

test.each(['--import', '--require'])('%s sees the calls of pg and ioredis', async (flag) => {
  const [pg, redis] = [await startPgServer(), await startRedisServer()]
  const { code, stdout, stderr } = await run([flag, register], 'databases.cjs', {
    PG_PORT: String(pg.port),
    REDIS_PORT: String(redis.port),
  })
  await Promise.all([pg.close(), redis.close()])

  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '1 null', stderr: '' })
  const job = receiver.spans.find(({ name }) => name === 'job')
  const calls = receiver.spans.filter(({ parentSpanId }) => parentSpanId === job?.spanId)
  expect(calls.map((span) => [span.name, attribute(span, 'db.system.name')]).sort()).toEqual([
    ['GET', 'redis'],
    ['SELECT', 'postgresql'],
  ])
})

test('what the app writes with console becomes log records where that is asked for', async () => {
  const { code, stdout } = await runNode(['--import', register, '--eval', 'console.warn("no voice"); console.log("done")'], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', TTS_OTEL_CAPTURE_CONSOLE: '1' },
  })
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' })
  expect(receiver.logs.map(({ body }) => body?.stringValue).sort()).toEqual(['done', 'no voice'])
})

test('in protobuf, the default: spans, log records and metrics arrive, and a request that is too large comes in parts', async () => {
  const taken: Record<Signal, number> = { traces: 0, metrics: 0, logs: 0 }
  let refused = 0
  const collector = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const signal = request.url?.slice('/v1/'.length) as Signal // nobody else posts here
      const items = countItems(signal, Buffer.concat(parts)) ?? 0
      const isTooLarge = signal === 'traces' && items > 4
      if (isTooLarge) refused += 1
      else taken[signal] += items
      response.writeHead(isTooLarge ? 413 : 200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((listening) => collector.listen(0, '127.0.0.1', listening))
  const { port } = collector.address() as AddressInfo // of a TCP server
  const app = `
    import { logs, trace } from '@opentelemetry/api'
    for (let i = 0; i < 8; i++) trace.getTracer('app').startSpan('span').end()
    logs.getLogger('app').emit({ body: 'hello' })`
  const { code, stderr } = await runNode(['--import', register, '--input-type=module', '--eval', app], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
  })
  await new Promise((closed) => collector.close(closed))

  expect({ code, stderr, refused }).toEqual({ code: 0, stderr: '', refused: 1 })
  expect(taken).toMatchObject({ traces: 8, logs: 1 })
  expect(taken.metrics).toBeGreaterThan(0)
})
