/** In child processes: what is hooked once cannot be loaded afresh. `test/bundle` repeats the main cases on every supported Node line. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type Ended, runNode } from '../support/run-node.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/instrument/${name}`, import.meta.url))
const run = (app: string, ...preload: string[]): Promise<Ended> =>
  runNode(['--no-warnings', ...preload.flatMap((file) => ['--import', fixture(file)]), fixture(app)])

test.each([
  ['app-esm.mjs', 'esm', 'function'],
  ['app-cjs.cjs', 'cjs', 'function'],
  ['app-dynamic.cjs', 'esm cjs', 'function false'],
  ['app-imported-cjs.mjs', 'cjs', 'function'],
  ['app-require-esm.cjs', 'esm', 'function'],
  ['app-other.mjs', '', 'function'],
])('%s: heard of %j', async (app, heard, printed) => {
  for (const preload of [['watch.ts'], ['other-hooks.mjs', 'watch.ts'], ['watch.ts', 'other-hooks.mjs']]) {
    const { code, stdout, stderr } = await run(app, ...preload)
    expect({ code, printed: stdout.trim(), heard: stderr, preload }).toEqual({ code: 0, printed, heard, preload })
  }
})

test.each(['commonjs.cjs', 'imports-commonjs.mjs'])('a CommonJS module (%s) finds everything as it is without us', async (app) => {
  const bare = await run(app)
  const hooked = await run(app, 'watch.ts')
  expect(bare.code).toBe(0)
  expect(JSON.parse(hooked.stdout)).toEqual(JSON.parse(bare.stdout))
})
