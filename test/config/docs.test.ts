import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configurationDocument } from '../../scripts/docs.ts'

test('docs/configuration.md says what the tables say (npm run docs)', () => {
  expect(readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')).toBe(configurationDocument())
})
