import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { fixture, REGISTER, runApp } from './app.ts'

let receiver: OtlpReceiver
beforeEach(async () => {
  receiver = await startOtlpReceiver()
})
afterEach(() => receiver.close())

/** A folder with the API under an older version number: the number is all that the API compares. */
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tts-otel-'))
  const copy = join(folder, 'node_modules/@opentelemetry/api')
  cpSync(fileURLToPath(new URL('../../node_modules/@opentelemetry/api', import.meta.url)), copy, { recursive: true })
  for (const file of globSync(['package.json', 'dist/**/*.cjs'], { cwd: copy }).map((name) => join(copy, name)))
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('1.10.0', '1.9.1'))
  writeFileSync(join(folder, 'old.cjs'), `require('@opentelemetry/api').diag.setLogger({ error() {}, warn() {}, info() {}, debug() {} })`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('an older copy of the API that was first: one line with its version, its place and what to do', async () => {
  const flags = ['--require', join(folder, 'old.cjs'), '--import', REGISTER]
  const { code, stdout, stderr } = await runApp('telemetry.mjs', { endpoint: receiver.url, flags })

  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' })
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(stderr).toContain('tts-otel: no traces, metrics, logs, context, propagation from this app:')
  expect(stderr).toContain(`@opentelemetry/api 1.9.1 (${join(folder, 'node_modules/@opentelemetry/api')}) was in use first`)
  expect(stderr).toContain('npm ls @opentelemetry/api')
})

test('another SDK that was first keeps what it has, and we say what is missing', async () => {
  const flags = ['--require', fixture('second-sdk.cjs'), '--import', REGISTER]
  const { code, stderr } = await runApp('telemetry.mjs', { endpoint: receiver.url, flags })

  expect(code).toBe(0)
  expect(stderr).toMatch(/^tts-otel: no traces from this app: another OpenTelemetry SDK registered first\. .*\n$/)
  expect(receiver.logs).toHaveLength(1)
})

test('libraries that log through the old @opentelemetry/api-logs are heard, redacted, with an id', async () => {
  const { stderr } = await runApp('old-logs.mjs', { endpoint: receiver.url })

  expect(stderr).toBe('')
  expect(receiver.logs.map(({ body }) => body?.stringValue)).toEqual(['from the old API'])
  expect(attribute(receiver.logs[0], 'log.record.uid')).toMatch(/^[0-9a-f-]{36}$/)
  expect(JSON.stringify(receiver.logs)).not.toContain('hunter2')
})

test('a worker thread is a sender of its own; a worker that calls itself internal is none', async () => {
  const { code, stdout, stderr } = await runApp('worker.mjs', { endpoint: receiver.url })

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.trim().split('\n').sort()).toEqual(['app: true', 'internal: false'])
  expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['main', 'worker'])
  expect(new Set(receiver.resources.map((resource) => attribute(resource, 'service.instance.id'))).size).toBe(2)
})
