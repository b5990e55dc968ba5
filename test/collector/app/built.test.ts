/** The collector as it is installed: built, with what it reads from its own folder. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runNode, testedNode } from '../../support/run-node.ts'

const folder = fileURLToPath(new URL('../../../collector/', import.meta.url))
const BIN = join(folder, 'bin.js')

test('the program serves the page that was built, and has its commands', { timeout: 60_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-built-'))
  const env = { PATH: process.env.PATH ?? '', COLLECTOR_LISTEN: '127.0.0.1:0', COLLECTOR_DATA_DIR: dataDir }
  const child = spawn(testedNode(), [BIN], { env, stdio: ['ignore', 'pipe', 'inherit'], timeout: 50_000, killSignal: 'SIGKILL' })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  await expect.poll(() => stdout, { timeout: 40_000 }).toContain('listening on ')
  const url = /listening on (\S+),/.exec(stdout)![1]!
  const page = await fetch(url, { headers: { accept: 'text/html,*/*' } })
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>tts-otel</title>')])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  for (const command of ['erase', 'dead-letters']) expect(await runNode([BIN, command, '--help'])).toMatchObject({ code: 0, stderr: '' })
  rmSync(dataDir, { recursive: true, force: true })
})

test('a Node that is too old is told in one sentence', async () => {
  const older = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })"
  expect(await runNode(['--import', `data:text/javascript,${encodeURIComponent(older)}`, BIN, '--help'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'tts-otel-collector: Node 20.20.2 is too old; install Node 22.15 or newer.\n',
  })
})

test('the package holds the scripts for the users of the database', () => {
  expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).files).toContain('sql')
  for (const name of ['roles.sql', 'row-security.sql']) expect(existsSync(join(folder, 'sql', name)), name).toBe(true)
})
