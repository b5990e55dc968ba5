import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BUNDLED_VERSION } from '../../src/app-api.ts'

test('the version of the bundled API is the one that is installed to be bundled', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../node_modules/@opentelemetry/api/package.json', import.meta.url), 'utf8'))
  expect(BUNDLED_VERSION).toBe(version)
})
