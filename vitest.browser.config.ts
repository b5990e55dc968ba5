import { defineConfig } from 'vitest/config'

/** The tests that need a browser; `test/browser/setup.sh` installs it. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
})
