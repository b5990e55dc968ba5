import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGeminiStandIn } from '../../examples/gemini-stand-in/server.ts'
import { createDoor } from '../../examples/tts-api/users.ts'

const APP = fileURLToPath(new URL('../../examples/tts-api/app.ts', import.meta.url))
const standIn = createGeminiStandIn({ timeScale: 0.001 })
const order = { text: 'Turn left after the bridge.', voice: 'Kore', language: 'en-US' }
let api: ChildProcess
let url = ''

beforeAll(async () => {
  const { url: STAND_IN_URL } = await standIn.listen()
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const { GEMINI_API_KEY: _, ...env } = process.env
  // Not registered: the service works the same, it is only not seen.
  api = spawn(process.execPath, [APP], { env: { ...env, PORT: String(port), STAND_IN_URL }, stdio: ['ignore', 'pipe', 'inherit'] })
  if (api.stdout) await once(api.stdout, 'data')
})
afterAll(async () => {
  const ended = once(api, 'exit')
  api.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  await standIn.stop()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

function post(path: string, body: unknown, headers: Record<string, string> = { authorization: 'Bearer demo-alice' }): Promise<Response> {
  return fetch(`${url}/api/v1/tts/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

test('speech is a WAV and has a request id', async () => {
  const response = await post('generate', order)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('audio/wav')
  expect(response.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
  const wav = Buffer.from(await response.arrayBuffer())
  expect(wav.subarray(0, 4).toString()).toBe('RIFF')
  expect(wav.length).toBe(86_444)
})

test('streamed speech arrives in pieces of raw samples', async () => {
  const response = await post('stream', { ...order, text: order.text.repeat(3) })
  expect(response.headers.get('content-type')).toBe('audio/L16;rate=24000;channels=1')
  expect((await response.arrayBuffer()).byteLength).toBe(259_200)
})

test('the voices are listed for everybody', async () => {
  const response = await fetch(`${url}/api/v1/voices`)
  expect(await response.json()).toMatchObject({
    voices: expect.arrayContaining([{ name: 'Kore', style: 'firm' }]),
    languages: expect.arrayContaining(['vi-VN']),
  })
})

type Refusal = [string, string, object, Record<string, string> | undefined, number, string, object?]

test.each<Refusal>([
  ['no key', 'generate', order, {}, 401, 'AUTHENTICATION_ERROR'],
  ['a wrong key', 'generate', order, { authorization: 'Bearer demo-mallory' }, 401, 'AUTHENTICATION_ERROR'],
  ['no text', 'generate', { ...order, text: ' ' }, undefined, 400, 'VALIDATION_ERROR', { field: 'text' }],
  ['an unknown voice', 'stream', { ...order, voice: 'Bob' }, undefined, 400, 'VALIDATION_ERROR', { field: 'voice' }],
  ['an unknown path', 'sing', order, undefined, 404, 'HTTP_ERROR'],
  [
    'a Gemini that has had enough',
    'generate',
    { ...order, text: 'Hi [stand-in: quota]' },
    undefined,
    502,
    'GEMINI_API_ERROR',
    { gemini_error_code: 429 },
  ],
  ['a Gemini that says nothing', 'generate', { ...order, text: 'Hi [stand-in: no-audio]' }, undefined, 502, 'GEMINI_API_ERROR'],
  ['a stream in which nothing is said', 'stream', { ...order, text: 'Hi [stand-in: no-audio]' }, undefined, 502, 'GEMINI_API_ERROR'],
])('%s is answered with an error in one form', async (_, path, body, headers, status, error, details) => {
  const response = await post(path, body, headers)
  expect(response.status).toBe(status)
  const requestId = response.headers.get('x-request-id')
  expect(await response.json()).toEqual({
    error,
    message: expect.any(String),
    timestamp: expect.closeTo(Date.now() / 1_000, -1),
    path: `/api/v1/tts/${path}`,
    method: 'POST',
    request_id: requestId,
    ...(details && { details }),
  })
})

test('a stream that breaks after the first sound breaks for the caller as well', async () => {
  const response = await post('stream', { ...order, text: `${order.text.repeat(3)} [stand-in: reset]` })
  expect(response.status).toBe(200)
  await expect(response.arrayBuffer()).rejects.toThrow('terminated')
})

test('a user who asks too often is told when to come back, and is let in then', () => {
  let now = 0
  const admit = createDoor([{ key: 'k', id: 'carol', requestsPerMinute: 3 }], () => now)
  for (let i = 0; i < 3; i++) expect(admit('Bearer k').id).toBe('carol')
  expect(() => admit('Bearer k')).toThrow(expect.objectContaining({ status: 429, details: { retry_after: 20 } }))
  now = 20_000
  expect(admit('Bearer k').id).toBe('carol')
  expect(() => admit('Bearer k')).toThrow('More than 3 requests')
})
