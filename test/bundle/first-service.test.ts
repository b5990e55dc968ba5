/** The services of docs/first-service.md, run as that page says, against the stand-in. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findPort } from '../../examples/demo/ports.ts'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { makeAppFolder } from '../support/installed.ts'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { testedNode } from '../support/run-node.ts'

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/first-service.md', import.meta.url)), 'utf8')
const FILE = /^```(?:js|yaml)\n(?:\/\/|#) (\S+)\n([\s\S]*?)^```$/gm
/** A busy machine starts a process in seconds. */
const WAIT = { timeout: 20_000, interval: 50 }

let folder: string
let receiver: OtlpReceiver
let standIn: ReturnType<typeof createGeminiStandIn>
let standInUrl: string
let service: ChildProcess | undefined

beforeEach(async () => {
  folder = makeAppFolder(['@google', '@hono', '@opentelemetry', 'express', 'fastify', 'hono', 'pino'])
  receiver = await startOtlpReceiver()
  standIn = createGeminiStandIn({ timeScale: 0.01 })
  standInUrl = (await standIn.listen()).url
  for (const [, name, text] of PAGE.matchAll(FILE)) writeFileSync(join(folder, name!), text!)
})

afterEach(async () => {
  if (service?.exitCode === null && service.signalCode === null) {
    service.kill('SIGKILL')
    await once(service, 'close')
  }
  await receiver.close()
  await standIn.stop()
  rmSync(folder, { recursive: true, force: true })
})

test.each(['express', 'fastify', 'hono'])('the %s service speaks, and says why it did not', async (framework) => {
  const url = await start(`${framework}.js`)
  const speak = (text: string, requestId: string) =>
    fetch(`${url}/speak`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': requestId, 'x-user': 'u-7' },
      body: JSON.stringify({ text }),
    })

  const spoken = await speak('Hello', 'r-1')
  expect(spoken.headers.get('content-type')).toContain('audio/wav')
  expect(Buffer.from(await spoken.arrayBuffer()).toString('latin1', 0, 4)).toBe('RIFF')

  const silent = await speak('[stand-in: no-audio] Hello', 'r-4711')
  expect([silent.status, silent.headers.get('x-request-id')]).toEqual([502, 'r-4711'])
  expect(await silent.json()).toMatchObject({ error: 'GEMINI_API_ERROR', message: 'Gemini answered without audio' })

  const refused = await speak('[stand-in: quota] Hello', 'r-3')
  expect(refused.status).toBe(502)
  expect(await refused.json()).toMatchObject({ message: 'Gemini could not speak', details: { gemini_error_code: 429 } })

  expect((await speak('', 'r-4')).status).toBe(400)
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'healthy' })

  const spanOf = (name: string) => receiver.spans.find((span) => span.name === name && attribute(span, 'request_id') === 'r-4711')
  await expect.poll(() => spanOf('POST /speak'), WAIT).toBeDefined()
  expect(spanOf('gemini_api_call')?.status?.message).toContain('Gemini answered without audio (finish reason OTHER')
  expect(attribute(spanOf('tts_request'), 'tts.outcome')).toBe('no_audio')
  const logged = () => receiver.logs.filter((log) => attribute(log, 'request_id') === 'r-1').map(({ body }) => body?.stringValue)
  const said = framework === 'fastify' ? ['pino knows the request, too'] : []
  await expect.poll(() => logged().sort(), WAIT).toEqual(['HTTP Request', 'Speech requested', ...said])
  expect(readFileSync(join(folder, 'logs/tts.log'), 'utf8')).toContain('"request_id":"r-1"')
})

/** Starts a file of the page on a free port, which the page leaves to the environment. */
async function start(file: string): Promise<string> {
  const { GEMINI_API_KEY: _, ...env } = process.env
  const port = await findPort(0)
  service = spawn(testedNode(), ['--import', 'tts-otel/register', file], {
    cwd: folder,
    env: {
      ...env,
      XDG_STATE_HOME: folder,
      PORT: String(port),
      OTEL_SERVICE_NAME: 'tts-api',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      TTS_OTEL_LOGGING_CONFIG: 'logging.yaml',
      GEMINI_API_KEY: STAND_IN_KEY,
      GEMINI_URL: standInUrl,
    },
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  const isUp = () =>
    fetch(`${url}/readyz`).then(
      ({ status }) => status,
      () => undefined,
    )
  await expect.poll(isUp, WAIT).toBe(200)
  return url
}
