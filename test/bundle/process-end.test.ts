/** What is left at an abrupt end is posted before the process is gone: the last chance of a job whose disk goes with it. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'

const register = fileURLToPath(new URL('../../register.js', import.meta.url))
const app = fileURLToPath(new URL('../fixtures/register/ends.mjs', import.meta.url))

/** The process has 300 ms for it, which a machine that is busy with other tests may not give it. */
const busy = { retry: 3 }

test.each([
  ['exit', 5, 0],
  ['error', 1, 1],
  ['rejection', 1, 1],
  ['own handler exits', 7, 0],
  ['worker exits', 0, 1],
  ['cluster', 0, 1],
])('%s: the tail arrives in the same run', busy, async (way, code, more) => {
  const receiver = await startOtlpReceiver()
  const ended = await run(way, receiver)
  await receiver.close()

  const isTwice = way === 'worker exits' || way === 'cluster'
  expect(ended.code).toBe(code)
  expect(receiver.spans.map(({ name }) => name).sort()).toEqual(isTwice ? ['job', 'job', 'open', 'open'] : ['job', 'open'])
  expect(receiver.logs).toHaveLength(1 + more)
})

function run(way: string, { url }: OtlpReceiver) {
  return runNode(['--import', register, app, way], {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
  })
}
