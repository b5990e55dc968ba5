import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { collector } from '../../bench/ingest/receivers.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('the collector is measured with the options that its image has, and a unit of systemd as documented', () => {
  const options = collector({})
    .args.filter((arg) => arg.startsWith('--'))
    .join(' ')
  expect(options).not.toBe('')
  expect(read('collector/Dockerfile')).toContain(`ENTRYPOINT ["node", "${options}", "collector/bin.js"]`)
  expect(read('docs/operations.md')).toContain(`ExecStart=/usr/bin/node ${options} `)
})
