/** A `logging.yaml` in the built bundle, which loads its parser from a file of its own, on the Node that `test/nodes/check.ts` names. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const PYTHON = join(root, 'test/fixtures/logging/python.yaml')
const SCRIPT = `import { getLogger } from '${root}dist/index.js'
const log = getLogger('app.tts')
for (const level of ['debug', 'info', 'warning']) log[level](level, { password: 'hunter2' })`

let receiver: OtlpReceiver
let directory: string
beforeEach(async () => {
  receiver = await startOtlpReceiver()
  directory = mkdtempSync(join(tmpdir(), 'tts-otel-bundle-'))
})
afterEach(async () => {
  await receiver.close()
  rmSync(directory, { recursive: true })
})

const run = (flags: readonly string[], path: string) =>
  runNode([...flags, '--input-type=module', '--eval', SCRIPT], {
    cwd: directory,
    env: { TTS_OTEL_LOGGING_CONFIG: path, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
  })
const parse = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

test('the file of a Python service: each sink gets what its level lets through, the same records, without secrets', async () => {
  const { code, stdout, stderr } = await run(['--import', join(root, 'register.js')], PYTHON)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const text = readFileSync(join(directory, 'logs/tts_api.log'), 'utf8')
  expect(parse(text).map(({ message }) => message)).toEqual(['debug', 'info', 'warning'])
  expect(parse(stdout).map(({ message }) => message)).toEqual(['info', 'warning'])
  expect(receiver.logs.map(({ body }) => body?.stringValue)).toEqual(['warning'])
  expect(attribute(receiver.logs[0], 'log.record.uid')).toBe(parse(text)[2].id)
  expect(text + stdout + JSON.stringify(receiver.logs)).not.toContain('hunter2')
})

test('without register, and a file that is wrong', async () => {
  const { code, stdout, stderr } = await run([], fileURLToPath(import.meta.url))
  expect(code).toBe(0)
  expect(parse(stdout).map(({ message }) => message)).toEqual(['info', 'warning'])
  expect(stderr).toMatch(/^tts-otel: .*logging-yaml\.test\.ts has (?:a problem|\d+ problems):\n {2}- line \d+: /)
})
