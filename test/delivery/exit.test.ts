import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startCollector } from './support/collector.ts'

const app = fileURLToPath(new URL('support/hanging-app.ts', import.meta.url))
const run = promisify(execFile)

test('a collector that hangs does not keep an app alive that is done', async () => {
  const collector = await startCollector({ answer: () => 'hang' })
  const startMs = performance.now()
  const { stdout } = await run(process.execPath, [app, `${collector.url}/v1/traces`])
  expect(performance.now() - startMs).toBeLessThan(5_000) // the request has 60 s
  expect(collector.received).toHaveLength(1)
  expect(stdout).toBe('done\n')
  await collector.stop()
})

test('a shutdown begun when the app is done runs to its end, and no further', async () => {
  const collector = await startCollector({ answer: () => 'hang' })
  const { stdout } = await run(process.execPath, [app, `${collector.url}/v1/traces`, 'shutdown'])
  expect(stdout).toMatch(/^done\nspans not delivered before the process ended: 1, .*\nclosed\n$/)
  await collector.stop()
})
