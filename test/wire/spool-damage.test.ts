import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Spool } from '../../src/wire/spool.ts'
import { openTestSpool, put, takeAll, tempDir } from '../support/spool.ts'
import { chunkOf, segmentFiles, totals, unaccounted } from '../support/spool-chunks.ts'

const HEADER_BYTES = 48
const PAYLOAD_BYTES = 16
const FRAME_BYTES = HEADER_BYTES + PAYLOAD_BYTES

test('a file cut off at any byte loses the chunk that was cut and no other', async () => {
  const left = await leaveThree()
  for (let kept = 2 * FRAME_BYTES; kept < 3 * FRAME_BYTES; kept++) {
    const spool = await claimDamaged(left, (path) => truncateSync(path, kept))
    expect(await takeAll(spool)).toEqual(['a', 'b'])
    // With its header gone nobody knows how many items the chunk had.
    const known = kept >= 2 * FRAME_BYTES + HEADER_BYTES
    expect(totals(spool.stats())).toMatchObject({ found: known ? 6 : 3, acked: 3, waiting: 0, dropped: { corrupt: known ? 3 : 0 } })
    expect(spool.stats().strayBytes).toBe(known ? 0 : kept - 2 * FRAME_BYTES)
    spool.closeSync()
  }
})

test('a flipped bit, wherever it is, loses the chunk it is in at most, and that is said', async () => {
  const left = await leaveThree()
  for (let bit = FRAME_BYTES * 8; bit < 2 * FRAME_BYTES * 8; bit += 3) {
    const spool = await claimDamaged(left, (path) => flipBit(path, bit))
    const ids = await takeAll(spool)
    const { acked, waiting, dropped } = totals(spool.stats())
    expect(waiting).toBe(0)
    expect(unaccounted(spool.stats())).toEqual([0, 0, 0])
    if (ids.length === 3) {
      expect({ ids, acked }).toEqual({ ids: ['a', 'b', 'c'], acked: 6 })
    } else {
      expect({ ids, acked }).toEqual({ ids: ['a', 'c'], acked: 4 })
      expect(dropped.corrupt === 2 || spool.stats().strayBytes === FRAME_BYTES).toBe(true)
    }
    spool.closeSync()
  }
})

test('damage in the files of a living process is counted to the item', async () => {
  for (const bit of [8 * 5, 8 * 9, 8 * 30, 8 * (HEADER_BYTES + 3)]) {
    const dir = tempDir()
    const spool = openTestSpool({ dir, bytesMax: 100_000 })
    await put(
      spool,
      chunkOf('a', { items: 1, bytes: 5_000 }),
      chunkOf('b', { items: 2, bytes: 5_000 }),
      chunkOf('c', { items: 3, bytes: 1_000 }),
    )
    flipBit(segmentFiles(dir)[0]!, bit)
    expect(await takeAll(spool)).toEqual(['b', 'c'])
    await put(spool, chunkOf('d', { items: 4, bytes: 5_000 }))
    expect(await takeAll(spool)).toEqual(['d'])
    expect(totals(spool.stats())).toMatchObject({ appended: 10, acked: 9, waiting: 0, dropped: { corrupt: 1 } })
    await spool.close()
    expect(readdirSync(dir)).toEqual([])
  }
})

test('random bytes instead of a file end with no chunk and no fault', async () => {
  const left = await leaveThree()
  for (let round = 0; round < 20; round++) {
    const noise = Buffer.from(Array.from({ length: 3_000 }, () => Math.random() * 256))
    if (round % 2 === 0) noise.write('tOs1', 1_000)
    const spool = await claimDamaged(left, (path) => writeFileSync(path, noise))
    expect(await takeAll(spool)).toEqual([])
    expect(spool.stats()).toMatchObject({ strayBytes: 3_000, diskBytes: 0 })
    spool.closeSync()
  }
})

test('a chunk for another destination is never given out, even when its file lies in our directory', async () => {
  const { root, dir } = await leaveThree()
  const theirs = await leaveThree('https://elsewhere.example')
  cpSync(join(theirs.root, theirs.dir, '00000001.seg'), join(root, dir, '00000002.seg'))
  const spool = openTestSpool({ dir: root })
  await spool.claimOrphans()
  expect(await takeAll(spool)).toEqual(['a', 'b', 'c'])
  expect(totals(spool.stats())).toMatchObject({ found: 12, acked: 6, dropped: { corrupt: 6 } })
})

type Left = { readonly root: string; readonly dir: string }

/** Three chunks of 1, 2 and 3 items in one file of a process that has ended. */
async function leaveThree(destination = 'http://127.0.0.1:4318'): Promise<Left> {
  const root = tempDir()
  const spool = openTestSpool({ dir: root, destination })
  await put(spool, ...['a', 'b', 'c'].map((id, i) => chunkOf(id, { items: i + 1, bytes: PAYLOAD_BYTES })))
  await spool.close()
  return { root, dir: readdirSync(root)[0]! }
}

async function claimDamaged({ root, dir }: Left, damage: (path: string) => void): Promise<Spool> {
  const copy = tempDir()
  cpSync(join(root, dir), join(copy, dir), { recursive: true })
  damage(join(copy, dir, '00000001.seg'))
  const spool = openTestSpool({ dir: copy })
  expect(await spool.claimOrphans()).toBe(1)
  return spool
}

function flipBit(path: string, bit: number): void {
  const bytes = readFileSync(path)
  bytes[bit >> 3]! ^= 1 << (bit & 7)
  writeFileSync(path, bytes)
}
