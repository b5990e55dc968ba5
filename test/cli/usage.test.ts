import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { VERSION } from '../../src/resource.ts'
import { makeApp, runCli } from './support/doctor.ts'

const { folder, remove } = makeApp({})
afterAll(remove)

/** Nobody listens on port 1. */
const NOBODY = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }

test('a person reads what was found, what to do and how it ended, 80 columns wide, in plain text when piped', async () => {
  const { code, stdout, stderr } = await runCli(['doctor'], { cwd: folder, env: { ...NOBODY, OTEL_SERVICE_NAME: 'speech' } })

  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(stdout.startsWith(`tts-otel doctor ${VERSION}\nspeech in ${folder}\n\nNode\n  ✓ Node ${process.versions.node}\n`)).toBe(true)
  expect(stdout).toContain('    OTEL_EXPORTER_OTLP_ENDPOINT = http://127.0.0.1:1\n')
  expect(stdout).toContain('    OTEL_EXPORTER_OTLP_PROTOCOL = http/protobuf (default)\n')
  expect(stdout).toMatch(/ {2}✗ tcp: 127\.0\.0\.1:1 is not reached: connect ECONNREFUSED 127\.0\.0\.1:1\n {4}→ Start the collector, /)
  expect(stdout).toMatch(/\n1 problem, 1 warning: \d+ fine, 1 not checked, \d+\.\d s\n$/)
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(stdout).not.toContain('\u001b')
})

test.each([
  [[], 'which command?'],
  [['dcotor'], 'there is no command "dcotor"'],
  [['doctor', '--jsno'], "Unknown option '--jsno'"],
  [['doctor', 'now'], 'now'],
  [['doctor', '--app', 'nowhere.js'], '--app nowhere.js is no file'],
])('wrong usage %j: exit code 2, what is wrong and the help', async (words, message) => {
  const { code, stdout, stderr } = await runCli(words, { cwd: folder })

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr.split('\n')[0]).toContain(message)
  expect(stderr).toContain('npx tts-otel')
  expect(stderr).not.toMatch(/^\s+at /m)
})

test('--help and --version', async () => {
  expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' })
  expect((await runCli(['--help'])).stdout).toContain('doctor ')
  expect((await runCli(['doctor', '--help'])).stdout).toContain('--json')
})

test('the version is that of package.json, and npx finds the program', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(manifest).toMatchObject({ version: VERSION, bin: { 'tts-otel': 'bin.js' } })
  expect(manifest.files).toContain('bin.js')
  expect(readFileSync(new URL('../../bin.js', import.meta.url), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
})
