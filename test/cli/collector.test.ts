import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Program, startProgram } from '../collector/app/program.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { examine, makeApp, REGISTER, runCli } from './support/doctor.ts'

const COLLECTOR_DATA_DIR = mkdtempSync(join(tmpdir(), 'tts-otel-doctor-'))
const { folder, remove } = makeApp({})
let collector: Program
beforeAll(async () => {
  collector = await startProgram({ COLLECTOR_DATA_DIR, INGEST_TOKEN: 'may-send-4711', READ_TOKEN: 'may-read-4711' })
})
afterAll(async () => {
  await collector.end('SIGTERM')
  rmSync(COLLECTOR_DATA_DIR, { recursive: true, force: true })
  remove()
})

const settings = () => ({
  NODE_OPTIONS: `--import ${REGISTER}`,
  OTEL_SERVICE_NAME: 'speech',
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20may-send-4711',
  TTS_OTEL_READ_TOKEN: 'may-read-4711',
})

test('a healthy collector: all is well, and what was sent is read back with its time', async () => {
  const { code, stdout, stderr } = await runCli(['doctor'], { cwd: folder, env: settings() })

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/✓ span readable after \d+ ms\n/)
  expect(stdout).toMatch(/✓ log record readable after \d+ ms\n/)
  expect(stdout).toContain(`${collector.url} is a tts-otel-collector, storing in pglite`)
  expect(stdout).toMatch(/\nAll is well: \d+ fine, 1 not checked, \d+\.\d s\n$/)
  expect(stdout).not.toContain('4711')
})

test('what the doctor sends can be told apart in the store', async () => {
  const headers = { authorization: 'Bearer may-read-4711' }
  const { traces } = JSON.parse(await (await fetch(`${collector.url}/api/traces`, { headers })).text())
  expect(traces.map(({ name, service }: { readonly name: string; readonly service: string }) => [name, service])).toContainEqual([
    'tts_otel.doctor',
    'speech',
  ])
  const { logs } = JSON.parse(await (await fetch(`${collector.url}/api/logs`, { headers })).text())
  expect(logs[0]).toMatchObject({ message: 'tts-otel doctor: does this arrive?', metadata: { 'tts_otel.doctor': true } })
})

test('without its INGEST_TOKEN nobody is let in; the collector itself is found', async () => {
  const { OTEL_EXPORTER_OTLP_HEADERS: _, ...env } = settings()
  const report = await examine({ cwd: folder, env })

  expect({ exitCode: report.exitCode, problems: report.codes('problem') }).toEqual({ exitCode: 1, problems: ['auth'] })
  expect(report.of('auth')[0]).toMatch(/^problem: traces, metrics, logs: \S+ answered 401 \(/)
  expect(report.of('collector')[0]).toMatch(/^ok: /)
})

test('without its READ_TOKEN arrival cannot be seen, which is no problem of the app', async () => {
  const { TTS_OTEL_READ_TOKEN: _, ...env } = settings()
  const report = await examine({ cwd: folder, env })

  expect({ exitCode: report.exitCode, warnings: report.codes('warning') }).toEqual({ exitCode: 0, warnings: ['arrival', 'arrival'] })
})

test('a receiver that stores nothing in our collector: acknowledged, but not readable', async () => {
  const receiver = await startOtlpReceiver()
  const env = {
    ...settings(),
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    TTS_OTEL_COLLECTOR_URL: collector.url,
  }
  const report = await examine({ cwd: folder, env })
  await receiver.close()

  expect(report.codes('problem')).toEqual(['arrival', 'arrival'])
  expect(report.of('arrival')).toContain('problem: traces: acknowledged, but not readable after 4 s')
})
