import { afterEach, expect, test } from 'vitest'
import { examine, makeApp } from './support/doctor.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

/** Nothing is sent: these tests are about what is installed. */
const QUIET = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }

/** `{'node_modules/x': {version}}` -> the files of such packages. */
async function diagnose(packages: Readonly<Record<string, object>>, own: object = {}) {
  const files = Object.entries(packages).map(([path, manifest]) => [
    `${path}/package.json`,
    { name: path.replace(/.*node_modules\//, ''), version: '1.0.0', ...manifest },
  ])
  const { folder, remove } = makeApp({ ...Object.fromEntries(files), 'package.json': { name: 'app', version: '1.0.0', ...own } })
  stops.push(remove)
  return await examine({ cwd: folder, env: QUIET })
}

test('an older copy of the API below a library is a warning with both places', async () => {
  const report = await diagnose({
    'node_modules/@opentelemetry/api': { version: '1.10.0' },
    'node_modules/some-queue': {},
    'node_modules/some-queue/node_modules/@opentelemetry/api': { version: '1.4.1' },
  })

  expect({ exitCode: report.exitCode, problems: report.codes('problem') }).toEqual({ exitCode: 0, problems: [] })
  expect(report.of('api-compatible')[0]).toMatch(/^ok: /)
  expect(report.of('api-copies')).toEqual([
    'warning: 2 versions of @opentelemetry/api: 1.10.0 in node_modules/@opentelemetry/api, 1.4.1 in node_modules/some-queue/node_modules/@opentelemetry/api',
  ])
})

test('a newer copy, or one of another major version, sees nothing of what is registered: a problem', async () => {
  const report = await diagnose({
    'node_modules/@opentelemetry/api': { version: '1.11.2' },
    'node_modules/a/node_modules/@opentelemetry/api': { version: '2.0.0' },
    'node_modules/a': {},
    'node_modules/b/node_modules/@opentelemetry/api': { version: '0.20.0' },
    'node_modules/b': {},
  })

  expect(report.exitCode).toBe(1)
  expect(report.codes('problem')).toEqual(['api-compatible'])
  expect(report.of('api-compatible')[0]).toContain('1.11.2 in node_modules/@opentelemetry/api, 2.0.0 in')
  expect(report.of('api-compatible')[0]).toContain('0.20.0 in')
})

test('libraries that log through the old API are named', async () => {
  const report = await diagnose({
    'node_modules/@opentelemetry/api-logs': { version: '0.57.2' },
    'node_modules/@opentelemetry/winston-transport': { dependencies: { '@opentelemetry/api-logs': '^0.57.0' } },
  })

  expect(report.of('api-logs')).toEqual([
    'ok: @opentelemetry/api-logs 0.57.2 in node_modules/@opentelemetry/api-logs, used by @opentelemetry/winston-transport: heard through a bridge',
  ])
})

test('another SDK counts when the app itself asks for it', async () => {
  const packages = { 'node_modules/dd-trace': { version: '5.0.0' }, 'node_modules/@opentelemetry/sdk-node': { version: '0.57.0' } }

  expect((await diagnose(packages)).of('other-sdk')).toEqual(['ok: no other telemetry SDK among the dependencies'])
  expect((await diagnose(packages, { dependencies: { 'dd-trace': '5' } })).of('other-sdk')).toEqual([
    'warning: the app depends on dd-trace',
  ])
})

test('two versions of tts-otel', async () => {
  const report = await diagnose({
    'node_modules/tts-otel': { version: '0.1.0' },
    'node_modules/speech-lib': {},
    'node_modules/speech-lib/node_modules/tts-otel': { version: '0.0.9' },
  })

  expect(report.of('own-copies')[0]).toMatch(/^warning: tts-otel 0\.1\.0 in \S+, 0\.0\.9 in /)
})

test("pnpm's store, links in a circle and broken package.json files are walked once", async () => {
  const { folder, remove } = makeApp({
    'node_modules/.pnpm/lib@1.0.0/node_modules/lib/package.json': { name: 'lib', version: '1.0.0' },
    'node_modules/.pnpm/lib@1.0.0/node_modules/@opentelemetry/api/package.json': { name: '@opentelemetry/api', version: '1.8.0' },
    'node_modules/broken/package.json': '{',
    'node_modules/dangling': '/nowhere/at/all',
  })
  stops.push(remove)
  const loop = makeApp({
    'node_modules/self': folder,
    'node_modules/@opentelemetry': `${folder}/node_modules/.pnpm/lib@1.0.0/node_modules/@opentelemetry`,
  })
  stops.push(loop.remove)
  const report = await examine({ cwd: loop.folder, env: QUIET })

  expect(report.codes('problem')).toEqual([])
  expect(report.of('api-copies')).toEqual(['ok: @opentelemetry/api 1.8.0'])
})
