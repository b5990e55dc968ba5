/** An app that a bundler has made one file of has everything, the parts that are loaded late included. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createGeminiStandIn } from '../../examples/gemini-stand-in/server.ts'
import { startPgServer } from '../instrument/pg-server.ts'
import { makeAppFolder } from '../support/installed.ts'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/bundle/${name}`, import.meta.url))
const register = fileURLToPath(new URL('../../register.js', import.meta.url))
/** What `require` of a CommonJS package needs in a module. */
const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`

let folder: string
let receiver: OtlpReceiver
beforeEach(async () => {
  folder = makeAppFolder(['@google', '@hono', '@opentelemetry', 'hono', 'pg'])
  receiver = await startOtlpReceiver()
})
afterEach(async () => {
  await receiver.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The folder that it lies in has nothing else. */
async function bundle(entry: string, format: 'esm' | 'cjs'): Promise<string> {
  const outfile = join(folder, 'deployed', format === 'esm' ? 'app.mjs' : 'app.cjs')
  mkdirSync(join(folder, 'deployed'))
  writeFileSync(join(folder, 'entry.mjs'), entry)
  await build({
    entryPoints: [join(folder, 'entry.mjs')],
    outfile,
    bundle: true,
    platform: 'node',
    format,
    logLevel: 'error',
    ...(format === 'esm' && { banner: { js: REQUIRE } }),
  })
  rmSync(join(folder, 'node_modules'), { recursive: true })
  return outfile
}

test.each(['esm', 'cjs'] as const)(
  'as one file (%s) an app reads logging.yaml, has a spool, and sends what it asks for',
  async (format) => {
    const [gemini, pg] = [createGeminiStandIn({ apiKey: 'test-key', timeScale: 0.01 }), await startPgServer()]
    const { url } = await gemini.listen()
    const app = await bundle(`import ${JSON.stringify(fixture('bundled-app.mjs'))}`, format)
    const settings = join(folder, 'logging.yaml')
    writeFileSync(settings, 'handlers: {otlp: {class: otlp}}\nroot: {level: DEBUG, handlers: [otlp]}\n')
    const { code, stdout, stderr } = await runNode([app], {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        TTS_OTEL_LOGGING_CONFIG: settings,
        TTS_OTEL_SPOOL_DIR: join(folder, 'spool'),
        GEMINI_URL: url,
        PG_PORT: String(pg.port),
      },
    })
    await Promise.all([gemini.stop(), pg.close()])

    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['SELECT', 'gemini_api_call', 'tts_request'])
    expect(receiver.logs.map(({ body }) => body?.stringValue)).toEqual(['only logging.yaml wants this'])
  },
)

test.each(['esm', 'cjs'] as const)('register inside the file (%s) registers', async (format) => {
  const entry = `import 'tts-otel/register'\nimport { getLogger } from 'tts-otel'\ngetLogger('app').info('hello')`
  const { code, stderr } = await runNode([await bundle(entry, format)], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', LOG_FORMAT: 'json' },
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(receiver.logs.map(({ body }) => body?.stringValue)).toEqual(['hello'])
})

test('a bundled service under register is one with it: request, user, route, what was served', async () => {
  const app = await bundle(`import ${JSON.stringify(fixture('bundled-service.mjs'))}`, 'esm')
  const { code, stdout } = await runNode(['--import', register, app], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', LOG_LEVEL: 'INFO' },
  })
  expect({ code, last: stdout.trimEnd().split('\n').at(-1) }).toEqual({ code: 0, last: '{"id":"r-1","served":1}' })
  const served = receiver.spans.find(({ name }) => name === 'GET /speak/:voice')
  const speech = receiver.spans.find(({ name }) => name === 'tts_request')
  expect(speech?.parentSpanId).toBe(served?.spanId)
  for (const item of [served, speech, ...receiver.logs])
    expect([attribute(item, 'request_id'), attribute(item, 'user_id')]).toEqual(['r-1', 'u-7'])
  expect(receiver.logs.map(({ body }) => body?.stringValue).sort()).toEqual(['HTTP Request', 'asked'])
})
