/** What variables change about errors. Each service is a process of its own. */
import { expect, onTestFinished, test } from 'vitest'
import { attribute } from '../support/otlp-receiver.ts'
import { SEKRET } from './support/failures.ts'
import { ask, eventually, type Framework, type Service, startService } from './support/service.ts'

async function start(isRegistered: boolean, env: Readonly<Record<string, string>>, framework: Framework = 'fastify'): Promise<Service> {
  const service = await startService(framework, isRegistered, env)
  onTestFinished(service.stop)
  return service
}

test('ERROR_INCLUDE_TRACEBACK shows the stack and the causes to a developer, but not of what the framework refuses', async () => {
  const { port } = await start(false, { ERROR_INCLUDE_TRACEBACK: 'true' })
  const unexpected = JSON.parse((await ask(port, { path: '/fail/plain' })).body)
  expect(unexpected.traceback).toMatch(/TypeError: SELECT.+failures\.ts.+Caused by: Error/s)
  expect(JSON.parse((await ask(port, { path: '/fail/gemini' })).body).traceback).toContain('GeminiApiError: Gemini is overloaded')
  expect(JSON.parse((await ask(port, { path: '/nowhere' })).body)).not.toHaveProperty('traceback')
})

test('ERROR_INCLUDE_TRACEBACK is refused in production', async () => {
  const { port } = await start(false, { ERROR_INCLUDE_TRACEBACK: 'true', NODE_ENV: 'production' })
  const { body } = await ask(port, { path: '/fail/plain' })
  expect(JSON.parse(body).error).toBe('INTERNAL_SERVER_ERROR')
  expect(body).not.toContain('traceback')
  expect(body).not.toContain(SEKRET)
})

test.each([
  ['', 1, 0],
  ['logs/dup', 1, 1],
  ['logs', 0, 1],
])(
  'OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN=%s: the exception is on the server span %i times, and %i times a record',
  async (mode, events, records) => {
    const service = await start(true, { OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: mode, OTEL_BLRP_SCHEDULE_DELAY: '20' })
    const { headers } = await ask(service.port, { path: '/fail/plain' })
    const id = String(headers['x-request-id'])
    const recordsOf = () => service.records.filter((record) => attribute(record, 'request_id') === id)
    await eventually(() => service.spanOf(id)).toBeDefined()
    // The error's record, the request's, and what the variable asks for.
    await eventually(recordsOf).toHaveLength(2 + records)
    expect(service.spanOf(id)).toMatchObject({ status: { code: 2 } })
    expect(service.spanOf(id)?.events?.filter(({ name }) => name === 'exception') ?? []).toHaveLength(events)
    expect(recordsOf().filter(({ eventName }) => eventName === 'exception')).toHaveLength(records)
  },
)

test.each(['fastify', 'express', 'express-4', 'hono'] as const)(
  'slowRequestS: a request that takes longer is a warning (%s)',
  async (framework) => {
    const service = await start(false, { SLOW_REQUEST_S: '0' }, framework)
    await ask(service.port, { path: '/ok', headers: { 'x-request-id': 'slow' } })
    await eventually(() => service.logsOf('slow')).toMatchObject([{ level: 'WARNING', message: expect.stringMatching(/^HTTP 200 in \d/) }])
  },
)
