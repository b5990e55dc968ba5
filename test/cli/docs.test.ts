import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CHECKS } from '../../src/cli/doctor/findings.ts'
import { checkNode } from '../../src/cli/doctor/node.ts'

test('docs/doctor.md lists every finding with its remedy, and no other', () => {
  const document = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8')
  const rows = document.split('\n').filter((line) => line.startsWith('| `'))
  expect(rows).toEqual(Object.entries(CHECKS).map(([code, { checked, remedy }]) => `| \`${code}\` | ${checked} | ${remedy} |`))
})

test.each([
  ['22.15.0', true, ['ok', 'ok']],
  ['24.0.0', true, ['ok', 'ok']],
  ['23.4.0', false, ['ok', 'problem']],
  ['22.14.9', false, ['problem', 'problem']],
  ['20.20.2', false, ['problem', 'problem']],
])('Node %s', (version, hasHooks, statuses) => {
  expect(checkNode({ version, hasHooks }).map(({ status }) => status)).toEqual(statuses)
})
