import { defineConfig } from 'vitest/config'

/** Judged by what arrives within the limits of an ending process: nothing else may keep the cores busy meanwhile. */
const ALONE = ['test/fault/exit-matrix.test.ts', 'test/bundle/process-end.test.ts']

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A machine that is busy with other work starts a process in seconds.
    expect: { poll: { timeout: 15_000, interval: 20 } },
    // Two cores: more processes at once only make every child-process test slower.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: ['test/engines/**', 'test/browser/**', '**/node_modules/**', ...ALONE],
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, fileParallelism: false, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
