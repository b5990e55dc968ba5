import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { HealthCheck } from '../../src/health/check.ts'
import { createHealth, type Health } from '../../src/health/health.ts'
import { listenTcp, openHealth } from './support.ts'

const fine = () => {}
const failing = () => Promise.reject(new Error('the queue is full'))
const never = () => new Promise<void>(() => {})
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const statuses = async (health: Health) => {
  const { status, services } = await health.check()
  return [status, Object.fromEntries(Object.entries(services).map(([name, service]) => [name, service.status]))]
}
const codeOf = async (health: Health, path: string) => (await health.answer(path))?.status

test('the report says of each service whether it is healthy, why not, when that was found and how long it took', async () => {
  const health = openHealth({ checks: { database: fine, queue: failing } })
  expect(await health.check()).toEqual({
    status: 'unhealthy',
    timestamp: expect.stringMatching(ISO),
    services: {
      database: { status: 'healthy', response_time: expect.any(Number), timestamp: expect.stringMatching(ISO) },
      queue: { status: 'unhealthy', error: 'the queue is full', response_time: expect.any(Number), timestamp: expect.stringMatching(ISO) },
    },
  })
})

test('response_time is in seconds', async () => {
  const health = openHealth({ checks: { slow: async () => void (await sleep(120)) } })
  const { slow } = (await health.check()).services
  expect(slow?.response_time).toBeGreaterThan(0.1)
  expect(slow?.response_time).toBeLessThan(20)
})

test.each<[string, Record<string, HealthCheck>, string[], string, number]>([
  ['all healthy', { a: fine, b: () => true }, ['a', 'b'], 'healthy', 200],
  ['something critical fails', { a: failing, b: fine }, ['a'], 'unhealthy', 503],
  ['only something else fails', { a: fine, b: failing }, ['a'], 'degraded', 200],
  ['something critical gives no readable answer', { a: (() => 'PONG') as () => never, b: fine }, ['a'], 'unknown', 503],
  ['one critical fails, another is unknown', { a: (() => null) as () => never, b: () => false }, ['a', 'b'], 'unhealthy', 503],
  ['nothing is critical', { a: failing }, [], 'degraded', 200],
  ['there is nothing to check', {}, [], 'healthy', 200],
])('%s', async (_, checks, critical, status, code) => {
  const health = openHealth({ checks, critical })
  expect((await health.check()).status).toBe(status)
  expect(await codeOf(health, '/health')).toBe(code)
  expect(await codeOf(health, '/readyz')).toBe(code)
  expect(await codeOf(health, '/livez')).toBe(200)
})

test('a check may throw at once, never end, or answer with anything: each is bounded and told', async () => {
  const health = openHealth({
    timeoutMs: 50,
    checks: {
      throws() {
        throw new Error('no such luck')
      },
      never,
      no: () => false,
      text: (() => 'PONG') as () => never,
      nothing: (() => Promise.reject()) as () => never,
      unreadable: () => Promise.reject(Object.defineProperty(new Error(), 'message', { get: () => expect.unreachable() })),
    },
  })
  const { services } = await health.check()
  expect(Object.fromEntries(Object.entries(services).map(([name, { status, error }]) => [name, [status, error]]))).toEqual({
    throws: ['unhealthy', 'no such luck'],
    never: ['unhealthy', 'timed out after 50 ms'],
    no: ['unhealthy', 'the check says no'],
    text: ['unknown', 'the check returned a value of type string: return nothing when healthy, and throw when not'],
    nothing: ['unhealthy', 'failed without an error'],
    unreadable: ['unhealthy', 'failed with an error that cannot be read'],
  })
})

test('a check has two seconds unless it is given another limit', async () => {
  const limits: number[] = []
  const tell: HealthCheck = ({ timeoutMs }) => void limits.push(timeoutMs)
  const health = createHealth({ checks: { tell } })
  await health.check()
  health.stop()
  expect(limits).toEqual([2_000])
})

test('at the limit the signal aborts, so that the check can end what it has under way', async () => {
  let reason: unknown
  const health = openHealth({
    timeoutMs: 30,
    checks: {
      polite: ({ signal, timeoutMs }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            reason = signal.reason
            reject(new Error(`gave up after ${timeoutMs} of them`))
          }),
        ),
    },
  })
  expect((await health.check()).services.polite?.error).toBe('gave up after 30 of them')
  expect(reason).toMatchObject({ name: 'TimeoutError', message: 'timed out after 30 ms' })
})

test('checks run side by side: the last has begun before the first ends', async () => {
  let begun = 0
  const begunAtEnd: number[] = []
  const hanging: HealthCheck = ({ signal }) => {
    begun += 1
    signal.addEventListener('abort', () => begunAtEnd.push(begun))
    return never()
  }
  await openHealth({ timeoutMs: 20, checks: { a: hanging, b: hanging, c: hanging } }).check()
  expect(begunAtEnd).toEqual([3, 3, 3])
})

test('before the first result the app is alive but not ready, and /health waits for the result', async () => {
  const gate = Promise.withResolvers<void>()
  const health = openHealth({ checks: { database: () => gate.promise } })
  expect(await health.answer('/livez')).toEqual({ status: 200, body: { status: 'ok' } })
  expect(await health.answer('/readyz')).toEqual({ status: 503, body: { status: 'unavailable', reason: 'database is unknown' } })
  const answer = health.answer('/health')
  gate.resolve()
  expect(await answer).toMatchObject({ status: 200, body: { status: 'healthy' } })
  expect(await health.answer('/readyz')).toEqual({ status: 200, body: { status: 'ok' } })
})

test('an app that shuts down is not ready, whatever it depends on, and still alive', async () => {
  const health = openHealth({ checks: { database: fine } })
  await health.check()
  expect(await codeOf(health, '/readyz')).toBe(200)
  health.shuttingDown()
  expect(await health.answer('/readyz')).toEqual({ status: 503, body: { status: 'unavailable', reason: 'shutting down' } })
  expect(await codeOf(health, '/livez')).toBe(200)
  expect(await codeOf(health, '/health')).toBe(200)
})

test('livez and readyz never wait for a service that hangs', async () => {
  const health = openHealth({ timeoutMs: 20_000, checks: { database: never } })
  const startMs = performance.now()
  for (let i = 0; i < 100; i++) await Promise.all([health.answer('/livez'), health.answer('/readyz')])
  expect(performance.now() - startMs).toBeLessThan(15_000)
})

test('any other path is not answered', async () => {
  const health = openHealth({ checks: {} })
  for (const path of ['/', '/healthz', '/health/', '/livez?x', '']) expect(await health.answer(path)).toBeUndefined()
})

test('a thousand callers at once cause one check, and a thousand more none', async () => {
  let runs = 0
  const health = openHealth({
    checks: {
      async database() {
        runs += 1
        await sleep(20)
      },
    },
  })
  const reports = await Promise.all(Array.from({ length: 1_000 }, () => health.check()))
  expect(new Set(reports.map(({ status }) => status))).toEqual(new Set(['healthy']))
  await Promise.all(Array.from({ length: 1_000 }, () => health.answer('/health')))
  expect(runs).toBe(1)
})

test('results are refreshed every interval: a service that fails is seen, and one that is back as well', async () => {
  let isUp = true
  const health = openHealth({ intervalMs: 20, checks: { database: () => isUp } })
  expect(await statuses(health)).toEqual(['healthy', { database: 'healthy' }])
  isUp = false
  await expect.poll(() => statuses(health)).toEqual(['unhealthy', { database: 'unhealthy' }])
  isUp = true
  await expect.poll(() => statuses(health)).toEqual(['healthy', { database: 'healthy' }])
})

test('a result that is not renewed becomes unknown: what is stuck must not look healthy', async () => {
  const health = openHealth({ intervalMs: 1_000, timeoutMs: 10, checks: { database: fine } })
  await health.check()
  health.stop()
  expect(await codeOf(health, '/readyz')).toBe(200)
  await expect
    .poll(() => health.check())
    .toMatchObject({
      status: 'unknown',
      services: { database: { status: 'unknown', error: 'not checked for 3 s', response_time: expect.any(Number) } },
    })
  expect(await health.answer('/readyz')).toEqual({ status: 503, body: { status: 'unavailable', reason: 'database is unknown' } })
})

test('stop ends the timer and aborts the check under way; who waits gets a report', async () => {
  let runs = 0
  const aborted = Promise.withResolvers<unknown>()
  const health = createHealth({
    intervalMs: 5,
    timeoutMs: 60_000,
    checks: {
      hanging: ({ signal }) => {
        runs += 1
        signal.addEventListener('abort', () => aborted.resolve(signal.reason))
        return never()
      },
    },
  })
  const waiting = health.check()
  health.stop()
  health.stop()
  expect(await aborted.promise).toMatchObject({ message: 'the health checks were stopped' })
  expect(await waiting).toMatchObject({ status: 'unknown', services: { hanging: { status: 'unknown', error: 'not checked yet' } } })
  await sleep(50)
  expect(runs).toBe(1)
})

test('a check that never ends and does not listen is started five times, not for ever', async () => {
  let runs = 0
  let health: Health | undefined
  health = openHealth({
    intervalMs: 5,
    timeoutMs: 5,
    checks: {
      never() {
        runs += 1
        return never()
      },
    },
  })
  await expect.poll(async () => (await health.check()).services.never?.error).toContain('5 earlier checks have not ended either')
  await sleep(100)
  expect(runs).toBe(5)
})

test('an answer that arrived while the event loop was busy counts, although the limit has passed meanwhile', async () => {
  const written = Promise.withResolvers<void>()
  const server = createServer((socket) => socket.end('pong', () => written.resolve()))
  const { port } = await listenTcp(server)
  const health = openHealth({
    timeoutMs: 1_000,
    checks: {
      async database({ signal }) {
        const socket = connect(port, '127.0.0.1')
        await written.promise
        const untilMs = performance.now() + 1_200
        while (performance.now() < untilMs);
        await once(socket, 'data', { signal })
        socket.destroy()
      },
    },
  })
  expect((await health.check()).status).toBe('healthy')
})

test('many services: no listener warnings', async () => {
  const warnings: Error[] = []
  const warn = (warning: Error) => warnings.push(warning)
  process.on('warning', warn)
  const checks = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`service${index}`, () => sleep(10)]))
  expect((await openHealth({ checks: checks as Record<string, HealthCheck> }).check()).status).toBe('healthy')
  await sleep(10)
  process.off('warning', warn)
  expect(warnings).toEqual([])
})

test.each([
  ['an unknown critical service', { critical: ['databse'] }, 'critical names "databse", but there is no such check'],
  ['no time at all', { timeoutMs: 0 }, 'timeoutMs is 0'],
  ['an interval that no timer takes', { intervalMs: 2 ** 31 }, 'intervalMs is 2147483648'],
  ['no number', { intervalMs: Number.NaN }, 'intervalMs is NaN'],
])('misuse is told at once: %s', (_, options, message) => {
  expect(() => createHealth<string>({ checks: { database: fine }, ...options })).toThrow(message)
})
