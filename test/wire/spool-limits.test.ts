import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { SpoolStats } from '../../src/wire/spool-ledger.ts'
import { openTestSpool, put, takeAll, tempDir } from '../support/spool.ts'
import { chunkOf, putSync, segmentFiles, totals, unaccounted } from '../support/spool-chunks.ts'

const child = fileURLToPath(new URL('../support/spool-child.ts', import.meta.url))
const isRoot = process.getuid?.() === 0

test('above its bytes the spool drops the oldest and keeps the newest', async () => {
  const dir = tempDir()
  const warnings: string[] = []
  const spool = openTestSpool({ dir, bytesMax: 100_000, warn: (message) => warnings.push(message) })
  for (let i = 0; i < 50; i++) await put(spool, chunkOf(`c${i}`, { bytes: 4_000 }))
  expect(segmentFiles(dir).reduce((sum, path) => sum + statSync(path).size, 0)).toBeLessThanOrEqual(100_000)
  const ids = await takeAll(spool)
  expect(ids.length).toBeGreaterThan(20)
  expect(ids).toEqual(Array.from({ length: 50 }, (_, i) => `c${i}`).slice(-ids.length))
  expect(totals(spool.stats())).toMatchObject({ appended: 50, acked: ids.length, waiting: 0, dropped: { spool_full: 50 - ids.length } })
  await spool.close()
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('no room for more')
})

test('a chunk larger than the whole spool is dropped alone', async () => {
  const spool = openTestSpool({ dir: tempDir(), bytesMax: 100_000 })
  await put(spool, chunkOf('small'))
  expect(await spool.append(chunkOf('huge', { bytes: 200_000, items: 9 }))).toEqual({ kind: 'dropped', reason: 'spool_full' })
  expect(putSync(spool, chunkOf('huge', { bytes: 200_000, items: 9 }), chunkOf('last'))).toBe(1)
  expect(await takeAll(spool)).toEqual(['small', 'last'])
  expect(totals(spool.stats())).toMatchObject({ appended: 20, acked: 2, dropped: { spool_full: 18 } })
})

test('a chunk that is being sent while its file is dropped counts once, as what became of it', async () => {
  const spool = openTestSpool({ dir: tempDir(), bytesMax: 100_000 })
  const sent = await spool.append(chunkOf('sent', { bytes: 4_000 }))
  const failed = await spool.append(chunkOf('failed', { bytes: 1_000 }))
  for (let i = 0; i < 50; i++) await put(spool, chunkOf(`c${i}`, { bytes: 4_000 }))
  const before = totals(spool.stats())
  if (sent.kind === 'stored') spool.ack(sent.entry)
  if (failed.kind === 'stored') spool.release(failed.entry)
  expect(totals(spool.stats())).toMatchObject({
    acked: 1,
    waiting: before.waiting - 2,
    dropped: { spool_full: before.dropped.spool_full! + 1 },
  })
  expect(unaccounted(spool.stats())).toEqual([0, 0, 0])
})

test('a claim that needs the room of a file that is just being written costs no chunk unsaid', async () => {
  for (let round = 0; round < 10; round++) {
    const dir = tempDir()
    const left = openTestSpool({ dir, now: () => Date.now() + 3_600_000 })
    await put(left, ...Array.from({ length: 25 }, (_, i) => chunkOf(`left${i}`, { bytes: 4_000 })))
    await left.close()
    const spool = openTestSpool({ dir, bytesMax: 100_000 })
    const writing = Array.from({ length: 20 }, (_, i) => put(spool, chunkOf(`c${i}`, { bytes: 4_000 })))
    await spool.claimOrphans()
    await Promise.all(writing)
    expect(unaccounted(spool.stats())).toEqual([0, 0, 0])
    const { waiting } = totals(spool.stats())
    expect(spool.stats().diskBytes).toBeGreaterThanOrEqual(waiting * 4_000)
    expect(await takeAll(spool)).toHaveLength(waiting)
    // All that is left is the file that is still being written.
    expect(spool.stats().diskBytes).toBeLessThan(7_000)
  }
})

test('what is older than allowed is dropped, not sent', async () => {
  let now = 1_800_000_000_000
  const spool = openTestSpool({ dir: tempDir(), ageMsMax: 60_000, now: () => now })
  await put(spool, chunkOf('old', { items: 2 }))
  now += 50_000
  await put(spool, chunkOf('young', { items: 3 }))
  now += 20_000
  expect(await takeAll(spool)).toEqual(['young'])
  expect(totals(spool.stats())).toMatchObject({ appended: 5, acked: 3, dropped: { expired: 2 } })
})

test('a clock that is set back loses nothing', async () => {
  let now = 1_800_000_000_000
  const dir = tempDir()
  const first = openTestSpool({ dir, bytesMax: 200_000, now: () => now })
  for (let i = 0; i < 20; i++) {
    await put(first, chunkOf(`c${i}`, { bytes: 5_000 }))
    if (i % 5 === 4) now -= 3_600_000
  }
  await first.close()
  const second = openTestSpool({ dir, ageMsMax: 60_000, now: () => now })
  await second.claimOrphans()
  const ids = await takeAll(second)
  expect(ids.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `c${i}`).sort())
  expect(unaccounted(second.stats())).toEqual([0, 0, 0])
})

test('a full disk drops the oldest, never throws, and all of it is counted', () => {
  const dir = tempDir()
  const [before, after, disk] = runStats([
    'sh',
    '-c',
    `${fullDisk(dir)} exec "$@"`,
    'sh',
    process.execPath,
    child,
    'fill',
    `${dir}/spool`,
    'full',
    String(2 << 20),
  ])
  expect(unaccounted(before!)).toEqual([0, 0, 0])
  const { appended, waiting, dropped } = totals(before!)
  expect(appended).toBe(200)
  expect(waiting).toBeGreaterThan(10)
  expect(dropped.spool_full! + dropped.io!).toBe(200 - waiting)
  expect(unaccounted(after!)).toEqual([0, 0, 0])
  expect(totals(after!)).toMatchObject({ appended: 210, waiting: 0, dropped: { corrupt: 0 } })
  // Nothing half written is left for a later process to find.
  expect(disk).toMatchObject({ diskBytes: before!.diskBytes })
})

test('a directory that vanishes while the process lives costs what was in it, then the next one serves', async () => {
  const root = tempDir()
  const dir = `${root}/spool`
  const spool = openTestSpool({ dir })
  await put(spool, chunkOf('gone', { items: 2 }))
  rmSync(dir, { recursive: true })
  expect(await spool.append(chunkOf('nowhere', { items: 3 }))).toEqual({ kind: 'dropped', reason: 'io' })
  expect(putSync(spool, chunkOf('nowhere', { items: 4 }))).toBe(0)
  mkdirSync(dir)
  await put(spool, chunkOf('back'))
  expect(await takeAll(spool)).toEqual(['back'])
  expect(totals(spool.stats())).toMatchObject({ appended: 10, acked: 1, taken: 2, waiting: 0, dropped: { io: 7 } })
})

test('a directory that cannot be written is said at once; chunks are dropped and counted', () => {
  const dir = tempDir()
  if (isRoot) chownSync(dir, 65_534, 65_534)
  chmodSync(dir, 0o500)
  const [stats] = runStats([process.execPath, child, 'visit', dir, isRoot ? 'nobody' : 'me'])
  expect(stats).toMatchObject({ problem: expect.stringContaining('choose a directory that this user can write') })
  expect(totals(stats!)).toMatchObject({ appended: 1, waiting: 0, dropped: { io: 1 } })
})

test("another user's directory is refused, as is a link, and a trap laid in a directory that all may write", () => {
  const foreign = isRoot ? tempDir() : '/usr'
  if (isRoot) chownSync(foreign, 65_534, 65_534)
  expect(openTestSpool({ dir: foreign }).problem).toContain('belongs to another user')

  const link = `${tempDir()}/link`
  symlinkSync(tempDir(), link)
  expect(openTestSpool({ dir: link }).problem).toContain('symbolic link')

  // Only root can lay the trap for itself; others see the same rule when the directory is the trap.
  const open = tempDir()
  chmodSync(open, 0o777)
  mkdirSync(`${open}/trap`, { mode: 0o777 })
  if (isRoot) chownSync(`${open}/trap`, 65_534, 65_534)
  const problem = openTestSpool({ dir: `${open}/trap/spool` }).problem
  expect(problem ?? '').toContain(isRoot ? `${open}/trap belongs to another user` : '')
})

test('a path where no directory can be made is said at once', () => {
  expect(openTestSpool({ dir: '/proc/telemetry/spool' }).problem).toContain('choose a directory')
})

test('a directory that others could read is made private', () => {
  const dir = tempDir()
  chmodSync(dir, 0o777)
  expect(openTestSpool({ dir }).problem).toBeUndefined()
  expect(statSync(dir).mode & 0o777).toBe(0o700)
})

test('a directory that is not for us alone keeps its mode: refused where others write, used where they only read', () => {
  const sticky = tempDir()
  chmodSync(sticky, 0o1777)
  expect(openTestSpool({ dir: sticky }).problem).toContain('others write there')
  expect(statSync(sticky).mode & 0o7777).toBe(0o1777)

  const group = tempDir()
  writeFileSync(`${group}/app.db`, '')
  chmodSync(group, 0o775)
  expect(openTestSpool({ dir: group }).problem).toContain('others write there')
  expect(statSync(group).mode & 0o777).toBe(0o775)

  chmodSync(group, 0o755)
  expect(openTestSpool({ dir: group }).problem).toBeUndefined()
  expect(statSync(group).mode & 0o777).toBe(0o755)
})

/** Shell words that put a disk of 1 MB on `dir`, in a mount namespace of their own; where that is not allowed, files of 100 KB at most. */
function fullDisk(dir: string): string {
  const mount = `mount -t tmpfs -o size=1m tmpfs '${dir}'`
  const unshare = ['unshare', ...(isRoot ? [] : ['--map-root-user']), '--mount']
  const canMount = spawnSync(unshare[0]!, [...unshare.slice(1), 'sh', '-c', mount]).status === 0
  return canMount
    ? `[ -n "$IN" ] || IN=1 exec ${unshare.join(' ')} sh -c '${mount.replaceAll("'", '"')} && exec "$@"' sh "$@";`
    : 'ulimit -f 200;'
}

function runStats(command: readonly string[]): (SpoolStats & { problem?: string })[] {
  const { stdout, stderr, status } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', timeout: 20_000 })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout.split('\n').flatMap((line) => (line.startsWith('stats ') ? [JSON.parse(line.slice(6))] : []))
}
