/** The stand-in for Gemini in the tests of one file. */
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { ModeName } from '../../examples/gemini-stand-in/modes.ts'
import { createGeminiStandIn } from '../../examples/gemini-stand-in/server.ts'

/** Listens while the tests run. `afterTest` ends each of them. */
export function serveGemini(afterTest: () => void) {
  let modes: ModeName[] = []
  let baseUrl = ''
  const standIn = createGeminiStandIn({ timeScale: 0.001, chooseMode: () => modes.shift() ?? 'ok' })
  beforeAll(async () => {
    baseUrl = (await standIn.listen()).url
  })
  afterAll(() => standIn.stop())
  afterEach(() => {
    afterTest()
    modes = []
  })
  return {
    baseUrl: () => baseUrl,
    /** Modes of the next requests of a test; those that follow are `ok`. */
    answerWith: (...next: ModeName[]) => {
      modes = next
    },
  }
}
