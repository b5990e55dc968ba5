/** @google/genai 3.1.0 as CommonJS, through every mode of the stand-in. */
import { test } from 'vitest'
import { ERROR_TYPES, expectTable, runTable } from './genai-table.ts'

test('every failure has its name, and the caller gets what it gets without us', async () => {
  expectTable(await runTable('@google/genai', 'app-cjs.cjs'), ERROR_TYPES)
}, 60_000)
