import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { examine, installed, makeApp, REGISTER } from './support/doctor.ts'

const SECOND_SDK = fileURLToPath(new URL('../fixtures/register/second-sdk.cjs', import.meta.url))
const QUIET = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

function open(files: Readonly<Record<string, string | object>>): string {
  const { folder, remove } = makeApp(files)
  stops.push(remove)
  return folder
}

const GEMINI = { 'node_modules/@google/genai': installed('@google/genai') }

test('NODE_OPTIONS that loads it first: nothing to say, and what is instrumented', async () => {
  const report = await examine({ cwd: open({}), env: { ...QUIET, NODE_OPTIONS: `--enable-source-maps --import=${REGISTER}` } })

  expect(report.of('register-loaded')).toEqual(['ok: NODE_OPTIONS loads tts-otel/register'])
  expect(report.of('register-order')).toEqual(['ok: nothing is loaded before it'])
  expect(report.of('register-works')).toEqual([expect.stringMatching(/^ok: a trial start registers; instrumented: http-server, fetch/)])
})

test('a script of package.json that loads it', async () => {
  const scripts = { build: 'tsc', start: 'tsc && node --import tts-otel/register dist/app.js' }
  const report = await examine({ cwd: open({ 'package.json': { name: 'app', version: '1.0.0', scripts } }), env: QUIET })

  expect(report.of('register-loaded')).toEqual(['ok: the script "start" of package.json loads tts-otel/register'])
})

test('another SDK that is loaded first: what the app will not send', async () => {
  const env = { ...QUIET, NODE_OPTIONS: `--import ${REGISTER} --require ${SECOND_SDK}` }
  const report = await examine({ cwd: open({}), env })

  expect(report.exitCode).toBe(1)
  expect(report.of('register-order')).toEqual([`ok: loaded before it, and none of what is instrumented: --require ${SECOND_SDK}`])
  expect(report.of('register-works')[0]).toMatch(/^problem: no traces from this app: another OpenTelemetry SDK registered first\. /)
})

test.each([
  ['--require', './load.cjs', "require('@google/genai')"],
  ['--import', './load.mjs', "import '@google/genai'"],
])('a module that %s loads the Gemini client too early', async (flag, name, source) => {
  const cwd = open({ ...GEMINI, [name]: source })
  const report = await examine({ cwd, env: { ...QUIET, NODE_OPTIONS: `${flag} ${name} --import ${REGISTER}` } })

  expect(report.of('register-order')).toEqual([`warning: @google/genai loaded too early, by ${flag} ${name}`])
  expect(report.findings.find(({ code }) => code === 'register-order')?.remedy).toContain('first --import')
})

test('a log SDK that has the old API first', async () => {
  const source = "globalThis[Symbol.for('io.opentelemetry.js.api.logs')] = () => ({})"
  const cwd = open({ 'logs.cjs': source })
  const report = await examine({ cwd, env: { ...QUIET, NODE_OPTIONS: `--require ./logs.cjs --import ${REGISTER}` } })

  expect(report.of('api-logs-taken')).toEqual(['warning: another log SDK has it before tts-otel/register: --require ./logs.cjs'])
})

test.each([
  ['that does not exist', './gone.cjs', /^problem: a trial start failed: Error: Cannot find module '\.\/gone\.cjs'$/],
  ['that throws', './throws.cjs', /^problem: a trial start failed: TypeError: not today$/],
  ['that exits', './exits.cjs', /^problem: a trial start failed: exit code 3$/],
  ['that hangs', './hangs.cjs', /^problem: a trial start failed: it took longer than \d+ ms$/],
])('a preload of the start script %s', async (_, name, message) => {
  const cwd = open({
    'package.json': { name: 'app', version: '1.0.0', scripts: { start: `node -r ${name} --import tts-otel/register app.js` } },
    'throws.cjs': "console.log('noise'); throw new TypeError('not today')",
    'exits.cjs': 'process.exit(3)',
    'hangs.cjs': 'for (;;);',
  })
  const report = await examine({ cwd, env: QUIET })

  expect({ exitCode: report.exitCode, stderr: report.stderr }).toEqual({ exitCode: 1, stderr: '' })
  expect(report.of('register-works')).toEqual([expect.stringMatching(message)])
})

test.each([
  [
    'app.mjs',
    "import 'tts-otel/register'\nimport { GoogleGenAI } from '@google/genai'\n",
    'warning: ',
    'imports tts-otel/register, too late for other imports',
  ],
  [
    'app.cjs',
    "const { GoogleGenAI } = require('@google/genai')\nrequire('tts-otel/register')\n",
    'warning: ',
    'requires @google/genai before tts-otel/register',
  ],
  [
    'app.cjs',
    "require('tts-otel/register')\nconst { GoogleGenAI } = require('@google/genai')\n",
    'ok: ',
    'requires tts-otel/register first',
  ],
  ['app.mjs', "import { GoogleGenAI } from '@google/genai'\n", 'ok: ', 'leaves it to the command line'],
])('--app: %s that begins %j', async (name, source, status, detail) => {
  const folder = open({ [name]: source })
  const report = await examine({ env: QUIET }, ['--app', `${folder}/${name}`])

  expect(report.of('register-import')).toEqual([`${status}${folder}/${name} ${detail}`])
})
