/** @google/genai 2.0.0 as CommonJS, through every mode of the stand-in. */
import { test } from 'vitest'
import { ERROR_TYPES_2, expectTable, runTable } from './genai-table.ts'

test('every failure has its name, and the caller gets what it gets without us', async () => {
  expectTable(await runTable('google-genai-2', 'app-cjs.cjs'), ERROR_TYPES_2)
}, 60_000)
