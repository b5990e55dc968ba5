/** The Live API of @google/genai 3.1.0 and 2.0.0, imported and required, through every mode of the stand-in. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createGeminiStandIn, STAND_IN_KEY } from '../../examples/gemini-stand-in/server.ts'
import { GEMINI_ERROR_TYPES } from '../../src/instrument/genai-errors.ts'
import { REGISTER } from '../register/app.ts'
import { attribute, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'
import { connectionOf, expectLiveTable, LIVE_ERROR_TYPES, runLiveTable } from './genai-live-table.ts'

test.each([
  ['@google/genai', 'app-esm.mjs'],
  ['@google/genai', 'app-cjs.cjs'],
  ['google-genai-2', 'app-esm.mjs'],
  ['google-genai-2', 'app-cjs.cjs'],
])(
  '%s, %s: every end of a connection has its name, and the app gets what it gets without us',
  async (installed, app) => {
    const runs = await runLiveTable(installed, app)
    expectLiveTable(runs)
    const about = (mode: keyof typeof LIVE_ERROR_TYPES) => connectionOf(runs.watched, mode)?.attributes
    expect(about('go-away')).toMatchObject({ 'gcp.gemini.live.go_away_time_left': 50, 'gcp.gemini.live.close_code': 1011 })
    expect(about('interrupted')).toMatchObject({ 'gcp.gemini.live.interruptions': 1, 'gcp.gemini.live.failed_turns': 0 })
    expect(about('rejected')).toMatchObject({ 'gen_ai.response.finish_reasons': ['response_rejected'] })
  },
  60_000,
)

test('every error.type that was seen is in the documented list', () => {
  const documented = Object.keys(GEMINI_ERROR_TYPES)
  // One row of the list stands for all statuses of HTTP, one for all codes of a WebSocket.
  const seen = Object.values(LIVE_ERROR_TYPES).map((type) => type?.replace(/^\d{3}$/, '502').replace(/^\d{4}$/, '1011'))
  expect(seen.filter((type) => type !== undefined && !documented.includes(type))).toEqual([])
})

test('a connection that is open when the process ends is told as far as it went', async () => {
  const collector = await startOtlpReceiver()
  const standIn = createGeminiStandIn({ timeScale: 0.001 })
  const { url } = await standIn.listen()
  const app = fileURLToPath(new URL('../fixtures/genai-live/leaves.mjs', import.meta.url))
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    // A busy machine may take its time.
    TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '15000',
    STAND_IN_URL: url,
    STAND_IN_KEY,
  }
  const ended = await runNode(['--no-warnings', '--import', REGISTER, app], { env })
  await standIn.stop()
  await collector.close()
  expect([ended.signal, ended.stderr]).toEqual(['SIGTERM', ''])
  const span = collector.spans.find(({ name }) => name === 'gemini_api_call')
  const told = (key: string) => attribute(span, key)
  expect(told('tts.interrupted')).toBe(true)
  expect(Number(told('gcp.gemini.live.turns'))).toBe(1)
  expect(told('tts.audio.duration')).toBeCloseTo(0.87, 2)
})
