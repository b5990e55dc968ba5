import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createStats } from '../../src/delivery/stats.ts'

test('every reason to drop something is explained in docs/operations.md, with what to do', () => {
  const document = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const explained = [...document.matchAll(/^\| `(\w+)` \| .+ \| .+ \|$/gm)].map((match) => match[1])
  expect(explained.toSorted()).toEqual(Object.keys(createStats().snapshot().traces.dropped).toSorted())
})
