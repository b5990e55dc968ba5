import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runNode } from '../support/run-node.ts'

const STARTUP = '## Start-up: `npm run bench:startup`\n\nOf old.\n\n| set-up | ms |\n| --- | --- |\n| bare | 27 |'
const LOG = '## A log call: `npm run bench:log -- 7`\n\nOf old as well.'
const FILE = `# Measurements\n\nWhat holds for all.\n\n${STARTUP}\n\n${LOG}\n`

let folder: string
let results: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tts-otel-results-'))
  results = join(folder, 'results.md')
  writeFileSync(results, FILE)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Runs a bench with this section for its results. */
async function bench(section: { title: string; script: string; text: string }, words: readonly string[]): Promise<string> {
  const script = join(folder, 'bench.mjs')
  const module = new URL('../../bench/results.ts', import.meta.url).href
  writeFileSync(
    script,
    `import { tellResults } from ${JSON.stringify(module)}\ntellResults(${JSON.stringify(section)}, ${JSON.stringify(results)})\n`,
  )
  const { code, stdout, stderr } = await runNode([script, ...words], { cwd: folder })
  expect(code, stderr).toBe(0)
  return stdout
}

test('a bench that is only looked at prints its section and leaves the file', async () => {
  const printed = await bench({ title: 'A log call', script: 'bench:log', text: 'New.' }, [])
  expect(printed).toContain('## A log call: `npm run bench:log`\n\n*')
  expect(printed).toContain('\n\nNew.\n')
  expect(readFileSync(results, 'utf8')).toBe(FILE)
})

test('--write replaces the section of its script and keeps every other', async () => {
  await bench({ title: 'A call of the logger', script: 'bench:log', text: '\nNew.\n' }, ['9', '--write'])
  const [before, after] = readFileSync(results, 'utf8').split('## A call of the logger: `npm run bench:log -- 9`\n')
  expect(before).toBe(FILE.slice(0, FILE.indexOf(LOG)))
  expect(after).toMatch(/^\n\*.*\*\n\nNew\.\n/)
})

test('written twice is written once', async () => {
  const section = { title: 'Start-up', script: 'bench:startup', text: 'New.' }
  await bench(section, ['--write'])
  const once = readFileSync(results, 'utf8')
  await bench(section, ['--write'])
  expect(readFileSync(results, 'utf8').replaceAll(/load [\d.]+/g, '')).toBe(once.replaceAll(/load [\d.]+/g, ''))
})

test('a section that was not there comes where its script is in package.json', async () => {
  await bench({ title: 'Requests', script: 'bench:request', text: 'New.' }, ['--write'])
  const headings = readFileSync(results, 'utf8').match(/^## .*$/gm)
  expect(headings).toEqual([
    '## Start-up: `npm run bench:startup`',
    '## Requests: `npm run bench:request`',
    '## A log call: `npm run bench:log -- 7`',
  ])
})

test('a section says what its figures hold for', async () => {
  const printed = await bench({ title: 'A log call', script: 'bench:log', text: 'New.' }, [])
  expect(printed).toMatch(
    /^\*\d{4}-\d\d-\d\d, Node \d+\.\d+\.\d+, \d+ cores \(.+\), \d+ GiB, \w+ \S+, load \d+\.\d at the start, revision (?:[\da-f]+(?: with changes)?|unknown)\*$/m,
  )
})
