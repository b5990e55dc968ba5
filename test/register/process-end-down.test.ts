/** Each way to end while the collector is down: the same end as without us, and after the next start everything is there. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { runNode } from '../support/run-node.ts'
import { fixture } from './app.ts'
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
