import { afterAll, expect, test } from 'vitest'
import { examine, makeApp } from './support/doctor.ts'

const { folder, remove } = makeApp({})
afterAll(remove)

const QUIET = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }
const diagnose = (env: Readonly<Record<string, string>>) => examine({ cwd: folder, env: { ...QUIET, ...env } })

test('every wrong value is a problem of its own, and its default is shown as what holds', async () => {
  const report = await diagnose({ OTEL_BSP_MAX_QUEUE_SIZE: 'lots', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc', TTS_OTEL_STRICT: '1' })

  expect(report.exitCode).toBe(1)
  expect(report.of('setting-wrong')).toEqual([
    expect.stringMatching(/^problem: OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="grpc" .*4318/),
    expect.stringMatching(/^problem: OTEL_BSP_MAX_QUEUE_SIZE="lots" .* using 2048$/),
  ])
  expect(report.settings).toContainEqual({ name: 'OTEL_BSP_MAX_QUEUE_SIZE', value: '2048', origin: 'default, wrong value' })
})

test('each setting has its origin and no secret', async () => {
  const report = await diagnose({
    OTEL_SERVICE_NAME: 'speech',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:hunter2@127.0.0.1:1/otlp?key=hunter2',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer hunter2,x-tenant=hunter2',
    OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '2000',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,db.password=hunter2',
    https_proxy: 'http://me:hunter2@127.0.0.1:1',
    TTS_OTEL_READ_TOKEN: 'hunter2=',
  })

  const shown = Object.fromEntries(report.settings.map(({ name, value, origin }) => [name, [value, origin]]))
  expect(shown).toMatchObject({
    OTEL_SERVICE_NAME: ['speech', 'environment'],
    OTEL_EXPORTER_OTLP_ENDPOINT: ['http://[REDACTED]@127.0.0.1:1/otlp?…', 'environment'],
    OTEL_EXPORTER_OTLP_HEADERS: ['authorization=[REDACTED],x-tenant=[REDACTED]', 'environment'],
    OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: ['2000 ms', 'environment'],
    OTEL_EXPORTER_OTLP_TIMEOUT: ['10000 ms', 'default'],
    OTEL_RESOURCE_ATTRIBUTES: ['deployment.environment.name=prod,db.password=[REDACTED]', 'environment'],
    https_proxy: ['http://[REDACTED]@127.0.0.1:1', 'environment'],
    TTS_OTEL_READ_TOKEN: ['[REDACTED]', 'environment'],
    LOG_FORMAT: ['json', 'default'],
  })
  expect(report.stdout).not.toContain('hunter2')
})

test('a slip in a name, no name for the service, and no traces', async () => {
  const report = await diagnose({
    OTEL_EXPORTER_OTLP_ENDPIONT: 'http://127.0.0.1:1',
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  })

  expect({ exitCode: report.exitCode, warnings: report.codes('warning') }).toEqual({
    exitCode: 0,
    warnings: ['register-loaded', 'setting-unknown', 'service-name', 'sdk-enabled', 'sampler'],
  })
  expect(report.of('setting-unknown')).toEqual(['warning: not read: OTEL_EXPORTER_OTLP_ENDPIONT'])
})

test('a service name among the resource attributes counts', async () => {
  expect((await diagnose({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=speech' })).of('service-name')).toEqual([
    'ok: the service is called speech',
  ])
})
