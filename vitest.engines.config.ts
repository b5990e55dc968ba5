import { defineConfig } from 'vitest/config'

/** The tests that need real servers; `test/engines/setup.sh` installs what they start. */
export default defineConfig({
  test: {
    include: ['test/engines/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000, interval: 20 } },
    // A server each: two at once are enough for two cores.
    maxWorkers: 2,
  },
})
