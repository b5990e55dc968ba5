/** The Live API of @google/genai 3.1.0 and 2.0.0, imported and required, through every mode of the stand-in. */
import { expect, test } from 'vitest'
import { GEMINI_ERROR_TYPES } from '../../src/instrument/genai-errors.ts'
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
