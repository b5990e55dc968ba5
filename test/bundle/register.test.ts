/** The built bundle, in child processes, on the Node that `test/nodes/check.ts` names. */
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createGeminiStandIn } from '../../examples/gemini-stand-in/server.ts'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'

const register = fileURLToPath(new URL('../../register.js', import.meta.url))
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/bundle/${name}`, import.meta.url))

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

const run = (flag: string, app: string, env: Record<string, string> = {}) =>
  runNode([flag, register, fixture(app)], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', ...env },
  })

test.each(['--import', '--require'])('%s traces a plain HTTP server, its client and nothing twice', async (flag) => {
  const { code, stdout, stderr } = await run(flag, 'server.mjs')

  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'hello', stderr: '' })
  const [server, ...others] = receiver.spans.filter(({ kind }) => kind === 2)
  const client = receiver.spans.find(({ kind }) => kind === 3)
  expect(others).toEqual([])
  expect(receiver.spans).toHaveLength(2)
  expect(server?.parentSpanId).toBe(client?.spanId)
  expect(attribute(server, 'url.path')).toBe('/hello')
  expect(JSON.stringify(receiver.spans)).not.toContain('hunter2')
  expect(receiver.metrics.map(({ name }) => name)).toContain('http.server.request.duration')
})

test.each([
  ['--import', 'gemini-esm.mjs'],
  ['--require', 'gemini-esm.mjs'],
  ['--import', 'gemini-cjs.cjs'],
  ['--require', 'gemini-cjs.cjs'],
])('%s sees the calls of @google/genai in %s', async (flag, app) => {
  const gemini = createGeminiStandIn({ apiKey: 'test-key' })
  const { url } = await gemini.listen()
  const { code, stdout, stderr } = await run(flag, app, { GEMINI_URL: url })
  await gemini.stop()

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^STOP \d+$/)
  const calls = receiver.spans.filter(({ name }) => name === 'gemini_api_call')
  const attempts = receiver.spans.filter(({ name }) => name === 'POST')
  expect(calls.map((span) => attribute(span, 'gen_ai.output.type'))).toEqual(['speech', 'speech'])
  expect(calls.every((span) => Number(attribute(span, 'tts.audio.duration')) > 0)).toBe(true)
  expect(attempts.filter(({ parentSpanId }) => calls.some(({ spanId }) => spanId === parentSpanId))).toHaveLength(2)
})

test('a worker thread reports as a process of its own', async () => {
  const { code, stderr } = await run('--import', 'worker.mjs')

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['main', 'worker'])
})

test.each(['commonjs.cjs', 'imports-commonjs.mjs'])('a CommonJS module (%s) finds everything as it is without us', async (app) => {
  const bare = await runNode([fixture(`../instrument/${app}`)])
  const ours = await run('--import', `../instrument/${app}`)

  expect(bare.code).toBe(0)
  expect({ ...ours, stdout: JSON.parse(ours.stdout) }).toEqual({ ...bare, stdout: JSON.parse(bare.stdout) })
})

test('nothing of the host is changed', async () => {
  const bare = await runNode([fixture('host.mjs')])
  const ours = await run('--import', 'host.mjs')

  const { argv, ...host } = JSON.parse(ours.stdout)
  const { argv: bareArgv, ...bareHost } = JSON.parse(bare.stdout)
  expect(host).toEqual(bareHost)
  expect(argv - bareArgv).toBe(2)
  expect(ours.stderr).toBe('')
})
