import { expect, test } from 'vitest'
import { countWaiting } from '../../src/wire/spool-look.ts'
import { openTestSpool, put, tempDir } from '../support/spool.ts'
import { chunkOf } from '../support/spool-chunks.ts'

test('what waits is counted while its process writes and after it has gone, and is left as it is', async () => {
  const dir = tempDir()
  expect(await countWaiting(`${dir}/not-there`)).toEqual({ traces: 0, metrics: 0, logs: 0 })
  const spool = openTestSpool({ dir })
  await put(
    spool,
    chunkOf('sent', { signal: 'logs', items: 4 }),
    chunkOf('a', { signal: 'logs', items: 3 }),
    chunkOf('b', { signal: 'traces', items: 5 }),
  )
  expect(await countWaiting(dir)).toEqual({ traces: 5, metrics: 0, logs: 7 })
  const sent = await spool.next()
  spool.ack(sent!.entry)
  await expect.poll(() => countWaiting(dir)).toEqual({ traces: 5, metrics: 0, logs: 3 })
  await spool.close()
  expect(await countWaiting(dir)).toEqual({ traces: 5, metrics: 0, logs: 3 })

  const next = openTestSpool({ dir })
  expect(await next.claimOrphans()).toBe(1)
  await next.close()
})
