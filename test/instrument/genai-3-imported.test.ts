/** @google/genai 3.1.0 as an ES module, through every mode of the stand-in. */
import { expect, test } from 'vitest'
import { GEMINI_ERROR_TYPES } from '../../src/instrument/genai-errors.ts'
import { ERROR_TYPES, expectTable, runTable, spanOf } from './genai-table.ts'

test('every failure has its name, and the caller gets what it gets without us', async () => {
  const runs = await runTable('@google/genai', 'app-esm.mjs')
  expectTable(runs, ERROR_TYPES)

  for (const kind of ['unary', 'stream', 'interaction', 'interaction-stream'] as const)
    expect(spanOf(runs.watched, kind, 'continuation')?.attributes).toMatchObject({ 'gcp.gemini.hops': 2, 'gcp.gemini.attempts': 2 })
  expect(spanOf(runs.watched, 'unary', 'quota')?.attributes).toMatchObject({
    'gcp.gemini.quota_id': 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
    'gcp.gemini.quota_metric': 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
    'gcp.gemini.retry_delay': 20,
  })
  expect(spanOf(runs.watched, 'stream', 'blocked')?.attributes['gcp.gemini.block_reason']).toBe('prohibited_content')
}, 60_000)

test('every error.type that was seen is in the documented list', () => {
  const seen = Object.values(ERROR_TYPES).flat()
  const documented = Object.keys(GEMINI_ERROR_TYPES)
  // The rows of the network stand for all codes of Node.
  expect(seen.filter((type) => type !== undefined && !documented.includes(type) && type !== 'ECONNRESET')).toEqual([])
})
