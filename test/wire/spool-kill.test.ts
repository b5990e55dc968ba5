import { expect, test } from 'vitest'
import { tempDir } from '../support/spool.ts'
import { killLoop } from '../support/spool-kill-loop.ts'

/** `npm run bench:spool` runs as many as are wanted. */
const ROUNDS = 30

test('processes killed at random moments lose nothing that was stored, deliver nothing twice, and leave a spool that can be read', async () => {
  const { stored, delivered, lost, doubled, unknown, unaccounted } = await killLoop(tempDir(), ROUNDS)
  expect({ lost, doubled, unknown, unaccounted }).toEqual({ lost: [], doubled: [], unknown: [], unaccounted: [0, 0, 0] })
  expect(stored).toBeGreaterThan(ROUNDS)
  expect(delivered).toBeGreaterThanOrEqual(stored)
})
