import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { examine, makeApp } from './support/doctor.ts'

const { folder, remove } = makeApp({})
const root = mkdtempSync(join(tmpdir(), 'tts-otel-doctor-spool-'))
afterAll(() => {
  remove()
  rmSync(root, { recursive: true, force: true })
})

const QUIET = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }
const diagnose = (env: Readonly<Record<string, string>>) => examine({ cwd: folder, env: { ...QUIET, ...env } })

test('a spool that nobody has needed yet is well, and the doctor does not make it', async () => {
  const dir = join(root, 'not', 'there')
  const report = await diagnose({ TTS_OTEL_SPOOL_DIR: dir })

  expect(report.of('spool-directory')).toEqual([`ok: ${dir}`])
  expect(report.of('spool-waiting')).toEqual(['ok: 0.0 of 64 MB wait on disk'])
})

test('a spool that is nearly full is a warning', async () => {
  writeFileSync(join(root, 'segment'), Buffer.alloc(2_000_000))
  const report = await diagnose({ TTS_OTEL_SPOOL_DIR: root, TTS_OTEL_SPOOL_MAX_MB: '2' })

  expect(report.of('spool-waiting')).toEqual(['warning: 1.9 of 2 MB wait on disk'])
})

test('a directory that cannot be one is a problem', async () => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  const report = await diagnose({ TTS_OTEL_SPOOL_DIR: file })

  expect(report.exitCode).toBe(1)
  expect(report.of('spool-directory')).toEqual([`problem: nothing can be kept on disk: ${file} cannot be written`])
})

test('a spool that is turned off is said, with what that means', async () => {
  const report = await diagnose({ TTS_OTEL_SPOOL_MAX_MB: '0' })
  expect(report.of('spool-directory')).toEqual([expect.stringMatching(/^skipped: nothing is kept on disk .*may lose telemetry$/)])
})
