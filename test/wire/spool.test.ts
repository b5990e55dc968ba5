import { readdirSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SIGNALS } from '../../src/wire/signal.ts'
import { openTestSpool, put, takeAll, tempDir } from '../support/spool.ts'
import { chunkOf, idOf, putSync, segmentFiles, totals, unaccounted } from '../support/spool-chunks.ts'

test('what was appended waits for the next process, oldest first', async () => {
  const dir = tempDir()
  const first = openTestSpool({ dir })
  await put(first, ...Array.from({ length: 30 }, (_, i) => chunkOf(`c${i}`, { signal: SIGNALS[i % 3]!, items: i })))
  await first.close()
  expect(unaccounted(first.stats())).toEqual([0, 0, 0])

  const second = openTestSpool({ dir })
  expect(await second.claimOrphans()).toBe(1)
  expect(totals(second.stats())).toMatchObject({ found: 435, waiting: 435 })
  expect(await takeAll(second)).toEqual(Array.from({ length: 30 }, (_, i) => `c${i}`))
  expect(totals(second.stats())).toMatchObject({ acked: 435, waiting: 0 })
  await second.close()
  expect(readdirSync(dir)).toEqual([])
})

test('a chunk comes back byte for byte, JSON as well as protobuf, also one that does not compress or is empty', async () => {
  const spool = openTestSpool({ dir: tempDir() })
  const chunks = [
    { ...chunkOf('small'), encoding: 'json' as const },
    { ...chunkOf('text'), bytes: Buffer.from('x'.repeat(300_000)) },
    chunkOf('noise', { bytes: 300_000, items: 7, signal: 'logs' }),
    { ...chunkOf('empty'), bytes: new Uint8Array() },
  ]
  await put(spool, ...chunks)
  for (const chunk of chunks) {
    const waiting = await spool.next()
    expect({ ...waiting!.chunk, bytes: Buffer.from(waiting!.chunk.bytes) }).toEqual({ ...chunk, bytes: Buffer.from(chunk.bytes) })
  }
})

test('a process that never needs the spool leaves nothing there', async () => {
  const dir = tempDir()
  const spool = openTestSpool({ dir })
  expect(await spool.claimOrphans()).toBe(0)
  expect(await spool.next()).toBeUndefined()
  await spool.close()
  expect(readdirSync(dir)).toEqual([])
})

test('nobody else can read what is on disk', async () => {
  const dir = `${tempDir()}/telemetry`
  const spool = openTestSpool({ dir })
  await put(spool, chunkOf('secret'))
  const [file] = segmentFiles(dir)
  expect(statSync(dir).mode & 0o777).toBe(0o700)
  expect(statSync(file!).mode & 0o777).toBe(0o600)
  expect(readdirSync(dir).map((name) => statSync(`${dir}/${name}`).mode & 0o077)).toEqual([0, 0])
})

test('what is held is not given out twice; what is released comes again, first', async () => {
  const spool = openTestSpool({ dir: tempDir() })
  const sending = await spool.append(chunkOf('sending'))
  await put(spool, chunkOf('b'), chunkOf('c'))
  const b = await spool.next()
  expect(idOfWaiting(b)).toBe('b')
  if (sending.kind === 'stored') spool.release(sending.entry)
  expect(idOfWaiting(await spool.next())).toBe('sending')
  spool.release(b!.entry)
  expect(await takeAll(spool)).toEqual(['b', 'c'])
})

test('a second acknowledgement of a chunk counts nothing', async () => {
  const spool = openTestSpool({ dir: tempDir() })
  const appended = await spool.append(chunkOf('a', { items: 5 }))
  if (appended.kind !== 'stored') throw new Error('not stored')
  spool.ack(appended.entry)
  spool.ack(appended.entry)
  spool.release(appended.entry)
  expect(totals(spool.stats())).toMatchObject({ appended: 5, acked: 5, waiting: 0 })
  expect(await spool.next()).toBeUndefined()
})

test('what was acknowledged is not sent again by the next process', async () => {
  const dir = tempDir()
  const first = openTestSpool({ dir })
  await put(first, chunkOf('a'), chunkOf('b'), chunkOf('c'))
  const a = await first.next()
  const b = await first.next()
  first.ack(b!.entry)
  first.release(a!.entry)
  await first.close()
  const second = openTestSpool({ dir })
  await second.claimOrphans()
  expect(await takeAll(second)).toEqual(['a', 'c'])
})

test('appends from one turn of the event loop keep their order, also across the last breath', async () => {
  const dir = tempDir()
  const first = openTestSpool({ dir })
  const ids = Array.from({ length: 200 }, (_, i) => `c${i}`)
  const results = ids.slice(0, 190).map((id) => first.append(chunkOf(id, { bytes: 20_000 })))
  // Some are compressed, written or neither by now.
  await results[3]
  expect(putSync(first, ...ids.slice(190).map((id) => chunkOf(id)))).toBe(10)
  first.closeSync()
  expect(unaccounted(first.stats())).toEqual([0, 0, 0])
  expect(totals(first.stats())).toMatchObject({ appended: 200, waiting: 200 })
  const second = openTestSpool({ dir })
  await second.claimOrphans()
  expect(await takeAll(second)).toEqual(ids)
})

test.each([0, 1, 2, 5, 10])('the last breath after %i ms finds every chunk once, and the process may live on', async (ms) => {
  const dir = tempDir()
  const spool = openTestSpool({ dir, fsync: true })
  const before = Array.from({ length: 40 }, (_, i) => spool.append(chunkOf(`a${i}`, { bytes: 100_000 })))
  await new Promise((resolve) => setTimeout(resolve, ms))
  putSync(spool, chunkOf('last'))
  const settled = await Promise.all(before)
  await put(spool, chunkOf('after'))
  for (const result of settled) if (result.kind === 'stored') spool.release(result.entry)
  const ids = await takeAll(spool)
  expect(ids).toEqual([...before.map((_, i) => `a${i}`), 'last', 'after'])
  expect(unaccounted(spool.stats())).toEqual([0, 0, 0])
})

test('after close nothing is taken, and that is counted', async () => {
  const spool = openTestSpool({ dir: tempDir() })
  await spool.close()
  expect(await spool.append(chunkOf('late', { items: 3 }))).toEqual({ kind: 'dropped', reason: 'io' })
  expect(putSync(spool, chunkOf('later', { items: 4 }))).toBe(0)
  expect(totals(spool.stats())).toMatchObject({ appended: 7, waiting: 0, dropped: { io: 7 } })
})

test('files of delivered chunks go while the process lives', async () => {
  const dir = tempDir()
  const spool = openTestSpool({ dir, bytesMax: 1 << 20 })
  for (let round = 0; round < 30; round++) {
    await put(spool, ...Array.from({ length: 10 }, (_, i) => chunkOf(`c${round}-${i}`, { bytes: 10_000 })))
    expect((await takeAll(spool)).length).toBe(10)
  }
  expect(totals(spool.stats())).toMatchObject({ appended: 300, acked: 300, dropped: { spool_full: 0 } })
  expect(spool.stats().diskBytes).toBeLessThan(200_000)
  await spool.close()
  expect(readdirSync(dir)).toEqual([])
})

function idOfWaiting(waiting: Awaited<ReturnType<ReturnType<typeof openTestSpool>['next']>>): string {
  return waiting === undefined ? 'nothing' : idOf(waiting.chunk)
}
