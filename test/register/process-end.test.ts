/**
 * Each way to end, with us and without: the same end, and nothing lost. What did not arrive in the run itself has arrived after the next start;
 * that the tail of an abrupt end arrives at once is shown with the bundle, which loads fast enough for that (`test/bundle`).
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attribute, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode, testedNode } from '../support/run-node.ts'
import { fixture, REGISTER } from './app.ts'
import { createHost, expectAll, type Host, shown, WAYS } from './ends.ts'

let host: Host
let receiver: OtlpReceiver
beforeEach(async () => {
  host = createHost()
  receiver = await startOtlpReceiver()
})
afterEach(async () => {
  host.remove()
  await receiver.close()
})

const bodies = () => receiver.logs.map(({ body }) => body?.stringValue)

test.each(WAYS)('$way: ends as without us, and nothing is lost', async (way) => {
  const [bare, ours] = await Promise.all([runNode([fixture('ends.mjs'), way.way]), host.end(way.way, receiver.url)])
  expect(shown(ours)).toEqual(shown(bare))
  expect(ours.stderr).not.toContain('tts-otel:')

  await host.startAgain(receiver.url)
  expectAll(receiver, way)
})

test('what an exit listener of the app records is not lost', async () => {
  await host.end('exit listener', receiver.url)
  await host.startAgain(receiver.url)

  // A collector that is slow to answer gets the tail twice, under the same ids.
  expect([...new Set(bodies())]).toEqual(['job', 'last words'])
})

test('an uncaught error becomes a CRITICAL log record with its stack and its cause', async () => {
  await host.end('error', receiver.url)
  await host.startAgain(receiver.url)

  const record = receiver.logs.find(({ body }) => body?.stringValue === 'Uncaught TypeError: broken')
  expect(record).toMatchObject({ severityNumber: 21, severityText: 'CRITICAL', eventName: 'exception' })
  expect(attribute(record, 'exception.type')).toBe('TypeError')
  expect(attribute(record, 'exception.message')).toBe('broken')
  expect(attribute(record, 'exception.stacktrace')).toMatch(
    /^TypeError: broken\n {4}at .*ends\.mjs[\s\S]*\nCaused by: Error: the cause\n {4}at /,
  )
})

test.runIf(process.getuid?.() === 0)('PID 1: SIGTERM ends it with the status of a shell, and nothing is lost', async () => {
  const inNamespace = ['--pid', '--fork', '--mount-proc', testedNode(), '--import', REGISTER, fixture('ends.mjs'), 'SIGTERM']
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', TTS_OTEL_SPOOL_DIR: host.spoolDir }
  const ended = await runNode(inNamespace, { node: 'unshare', env })

  expect(ended).toEqual({ code: 143, signal: null, stdout: 'SIGTERM\n', stderr: '' })
  expectAll(receiver, { way: 'SIGTERM' })
})
