import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sendLogs, startProgram } from './program.ts'

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-modes-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('what the collector writes is for its own user alone, also in a folder that is open to all', { timeout: 120_000 }, async () => {
  const dataDir = join(folder, 'open')
  mkdirSync(dataDir)
  chmodSync(dataDir, 0o755)
  // Elasticsearch is away: the records wait on disk.
  const program = await startProgram({ COLLECTOR_DATA_DIR: dataDir, ELASTICSEARCH_URL: 'http://127.0.0.1:1' })
  expect(await sendLogs(program.url, 'modes', 10)).toBe(200)

  const made = readdirSync(dataDir, { recursive: true }).map(String)
  expect(made.length).toBeGreaterThan(100)
  expect(made.filter((name) => name.startsWith('queue')).length).toBeGreaterThan(2)
  // PGlite gives some files the mode that they have in its archive; nobody else gets into their folder.
  const isOpen = (name: string) => ((lstatSync(join(dataDir, name), { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0
  const isReachable = (name: string): boolean => isOpen(name) && (dirname(name) === '.' || isReachable(dirname(name)))
  expect(made.filter(isReachable)).toEqual([])
  expect(await program.end('SIGTERM')).toBe(0)
})
