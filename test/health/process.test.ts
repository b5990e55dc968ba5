/** What the checks do to the process they run in. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runNode } from '../support/run-node.ts'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/health/${name}`, import.meta.url))

test('two thousand failed checks leave nothing behind: no memory, timer, connection, client or command, and cause no warning', async () => {
  const { code, stdout, stderr } = await runNode(['--expose-gc', fixture('soak.mjs')], { env: { LOG_LEVEL: 'CRITICAL' } })
  expect([code, stderr]).toEqual([0, ''])
  const { before, after, warnings, connections } = JSON.parse(stdout)
  expect(after).toEqual({ ...before, heapBytes: expect.any(Number), timers: expect.any(Number) })
  // The client's own commands of the handshake, and one PING.
  expect(after).toMatchObject({ poolClients: 1, poolQueue: 0, redisCommands: 4 })
  expect(after.timers).toBeLessThanOrEqual(before.timers + 1)
  expect(after.heapBytes - before.heapBytes).toBeLessThan(500_000)
  expect([warnings, connections]).toEqual([[], 2])
})

test('HEALTH_CHECK_INTERVAL is in seconds, and neither the timer nor a check that hangs keeps the process alive', async () => {
  const { code, stdout } = await runNode([fixture('ends.mjs')], { env: { HEALTH_CHECK_INTERVAL: '0.1', LOG_LEVEL: 'CRITICAL' } })
  expect(code).toBe(0)
  expect(Number(stdout)).toBeGreaterThan(2)
  expect(Number(stdout)).toBeLessThanOrEqual(6)
})

test('a change is logged once, with the whole error, and that all is well again as well', async () => {
  const { stdout } = await runNode([fixture('news.mjs')])
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.map(({ level, message, check }) => [level, message, check])).toEqual([
    ['WARNING', 'Health check failed: queue is unhealthy (connect [host])', 'queue'],
    ['INFO', 'Health check passed again: queue is healthy', 'queue'],
  ])
  expect(lines[0]['exception.message']).toBe('connect queue.internal:5672')
})

test('SIGTERM, wired as docs/health.md shows: not ready at once, serving for a while, and then a clean end', async () => {
  const { code, signal, stdout } = await runNode([fixture('graceful.mjs')], { onReady: (child) => child.kill('SIGTERM') })
  expect([code, signal, stdout]).toEqual([0, null, '200 ready 503 200 200'])
})
