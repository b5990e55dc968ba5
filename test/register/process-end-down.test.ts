/** Each way to end while the collector is down: the same end as without us, and after the next start everything is there. */
import { createServer, type RequestListener } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'
import { fixture, runApp } from './app.ts'
import { createHost, expectAll, type Host, shown, WAYS } from './ends.ts'

let host: Host
beforeEach(() => {
  host = createHost()
})
afterEach(() => host.remove())

test.each(WAYS)('$way: ends as without us, and all is there after the next start', async (way) => {
  const away = await startOtlpReceiver()
  await away.close()
  const [bare, ours] = await Promise.all([runNode([fixture('ends.mjs'), way.way]), host.end(way.way, away.url)])
  expect(shown(ours)).toEqual(shown(bare))

  const receiver = await startOtlpReceiver(Number(new URL(away.url).port))
  await host.startAgain(receiver.url)
  await receiver.close()
  expectAll(receiver, way)
})

test('a collector that failed a moment ago is not tried again by process.exit', async () => {
  let requests = 0
  const failing = await listen((_request, response) => {
    requests++
    response.writeHead(503, { 'retry-after': '60' }).end()
  })
  const env = {
    TTS_OTEL_SPOOL_DIR: host.spoolDir,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_BLRP_SCHEDULE_DELAY: '50',
    OTEL_METRICS_EXPORTER: 'none',
  }
  const { code } = await runApp('exits-after.mjs', { endpoint: failing.url, args: ['700'], env })
  await failing.close()
  expect({ code, requests }).toEqual({ code: 5, requests: 2 })

  const receiver = await startOtlpReceiver(failing.port)
  await runApp('hello.mjs', { endpoint: receiver.url, env })
  await receiver.close()
  expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['first', 'second'])
  expect(receiver.logs.map(({ body }) => body?.stringValue).sort()).toEqual(['first', 'second'])
})

test('a collector that hangs holds process.exit up for a moment, and loses nothing', async () => {
  const hanging = await listen(() => {})
  const startMs = performance.now()
  const { code } = await host.end('exit', hanging.url)
  expect(code).toBe(5)
  expect(performance.now() - startMs).toBeLessThan(8_000) // a request has 10 s
  await hanging.close()

  const receiver = await startOtlpReceiver(hanging.port)
  await host.startAgain(receiver.url)
  await receiver.close()
  expectAll(receiver, { way: 'exit' })
})

async function listen(answer: RequestListener) {
  const server = createServer(answer)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}
