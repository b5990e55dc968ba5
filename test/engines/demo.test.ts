import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEMO_TIMEOUT_MS, startDemo } from '../examples/start-demo.ts'
import { createPostgres, type PostgresServer } from './support/postgres.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await createPostgres()
  await server.start()
})
afterAll(() => server?.remove())

test('the main job on a real PostgreSQL: what was sent is stored', { timeout: DEMO_TIMEOUT_MS }, async () => {
  const demo = await startDemo(['--once', '--json', '--database'], { DATABASE_URL: server.url })
  const { stdout, stderr } = demo
  const [output, messages, [exitCode]] = await Promise.all([stdout ? text(stdout) : '', stderr ? text(stderr) : '', once(demo, 'close')])

  expect(messages).not.toContain('Not as it should be')
  expect(exitCode).toBe(0)
  const { requests, spans, logs, metrics, alerts } = JSON.parse(output)
  expect(requests).toBeGreaterThanOrEqual(40)
  expect(spans.stored).toBe(spans.sent)
  expect(logs.stored).toBe(logs.sent)
  expect(metrics.requests_counted).toBe(requests)
  expect(alerts.resolved).toBe(alerts.fired)
  expect(alerts.delivered).toBe(alerts.fired + alerts.resolved)
})
