/** Signals reach the main thread only; what workers have is delivered all the same. */
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'

const register = fileURLToPath(new URL('../../register.js', import.meta.url))
const app = fileURLToPath(new URL('../fixtures/bundle/worker-signal.mjs', import.meta.url))

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

const die = (way: string, env: Record<string, string> = {}) =>
  runNode(['--import', register, app, way], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', ...env },
    onReady: (child) => void child.kill('SIGTERM'),
  })

test('SIGTERM: the spans of a worker arrive, one that is open as interrupted', async () => {
  const { signal, stderr } = await die('idle')
  expect({ signal, stderr }).toEqual({ signal: 'SIGTERM', stderr: '' })
  expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['done', 'open'])
  expect(attribute(receiver.spans.find(({ name }) => name === 'open')!, 'tts.interrupted')).toBe(true)
})

test('SIGTERM: a worker that computes holds nothing up', async () => {
  const startMs = performance.now()
  const { signal } = await die('busy', { TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '15000' })
  expect(signal).toBe('SIGTERM')
  expect(performance.now() - startMs).toBeLessThan(10_000)
})
