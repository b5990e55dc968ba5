/** @google/genai 2.0.0, the oldest that is watched, as an ES module, through every mode of the stand-in. */
import { expect, test } from 'vitest'
import { ERROR_TYPES_2, expectTable, runTable, spanOf } from './genai-table.ts'

test('every failure has its name, and the caller gets what it gets without us', async () => {
  const runs = await runTable('google-genai-2', 'app-esm.mjs')
  expectTable(runs, ERROR_TYPES_2)
  // Continuations came with 3.0.
  expect(spanOf(runs.watched, 'unary', 'continuation')?.attributes['gcp.gemini.hops']).toBe(1)
}, 60_000)
