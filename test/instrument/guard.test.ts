import { channel } from 'node:diagnostics_channel'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { afterAll, expect, test } from 'vitest'
import { installInstrumentation } from '../../src/instrument/install.ts'
import { listen, startTelemetry } from './support.ts'

const said: string[] = []
const say = (message: string) => void said.push(message)
diag.setLogger({ error: say, warn: say, info: say, debug: say, verbose: say }, DiagLogLevel.WARN)
const telemetry = startTelemetry()
const installed = installInstrumentation({ contextManager: telemetry.contextManager, collectorUrls: ['http://127.0.0.1:4318', 'no url'] })
afterAll(() => diag.disable())

const CHANNELS: readonly (readonly [string, string])[] = [
  ['http.server.request.start', 'http-server'],
  ['undici:request:create', 'fetch'],
  ['undici:request:headers', 'fetch'],
  ['fastify.initialization', 'fastify'],
  ['tracing:fastify.request.handler:start', 'fastify'],
]

test('a message that is not what Node, undici or Fastify promise harms nobody, is counted and said once', async () => {
  for (const [name] of CHANNELS) {
    channel(name).publish({})
    channel(name).publish({ request: {} })
  }
  await new Promise((resolve) => setTimeout(resolve, 20))

  const failures = await telemetry.points('tts_otel.instrument.failures')
  expect(new Set(failures.map(({ attributes }) => attributes.instrument))).toEqual(new Set(CHANNELS.map(([, instrument]) => instrument)))
  for (const instrument of ['http-server', 'fetch', 'fastify'])
    expect(said.filter((message) => message.includes(`the ${instrument} instrumentation failed`))).toHaveLength(1)
})

test('after uninstall nothing is traced', async () => {
  installed.uninstall()
  telemetry.reset()
  const server = await listen((_request, response) => response.end('ok'))
  await (await fetch(server.url)).text()
  await server.close()
  expect(telemetry.spans).toEqual([])
})
