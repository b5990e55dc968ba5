import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder, openSink, readLines, until } from '../support/log-folder.ts'

/** A sink with a clock that the test moves: half a second later it looks at its path again. */
function open(path: string) {
  const clock = { nowMs: 0 }
  return { clock, sink: openSink({ path, nowMs: () => clock.nowMs }) }
}

test('renamed, as logrotate does it: within a second lines go to a new file, and none is lost', async () => {
  const path = join(makeFolder(), 'app.log')
  const sink = openSink({ path })
  sink.write('before\n')
  renameSync(path, `${path}-20261122`)
  let count = 0
  const startMs = performance.now()
  await until(() => {
    sink.write(`line ${count++}\n`)
    return existsSync(path)
  })
  expect(performance.now() - startMs).toBeLessThan(1_000)
  sink.flush()
  expect([...readLines(`${path}-20261122`), ...readLines(path)]).toHaveLength(count + 1)
})

test('renamed while nothing was logged: the next line is in the new file', () => {
  const path = join(makeFolder(), 'app.log')
  const { clock, sink } = open(path)
  sink.write('before\n')
  renameSync(path, `${path}.old`)
  writeFileSync(path, '')
  clock.nowMs += 500
  sink.write('after\n')
  expect(readLines(path)).toEqual(['after'])
})

test('copied and truncated: lines go on at the start, without a hole of zeros', () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  const { clock, sink } = open(path)
  for (let i = 0; i < 5; i++) sink.write(`${'x'.repeat(999)}\n`)
  copyFileSync(path, `${path}.copy`)
  truncateSync(path)
  sink.write('at once\n')
  clock.nowMs += 500
  sink.write('later\n')
  expect(readLines(path)).toEqual(['at once', 'later'])
})

test('a truncated file has its full size before it again', () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  const sink = openSink({ path, bytesMax: 1_000, nowMs: () => 0 })
  sink.write(`${'x'.repeat(899)}\n`)
  truncateSync(path)
  sink.write(`${'y'.repeat(199)}\n`)
  sink.write(`${'z'.repeat(199)}\n`)
  expect(readdirSync(folder), 'what we thought its size was would have rotated it').toEqual(['app.log'])
  expect(readLines(path)).toHaveLength(2)
})

test('the directory is removed under it: it is made again', () => {
  const folder = makeFolder()
  const path = join(folder, 'logs', 'app.log')
  const { clock, sink } = open(path)
  sink.write('before\n')
  rmSync(join(folder, 'logs'), { recursive: true })
  clock.nowMs += 500
  sink.write('after\n')
  expect(readLines(path)).toEqual(['after'])
  expect([...sink.drops]).toEqual([])
})

test('somebody takes our descriptor away: the file is opened again', async () => {
  const path = join(makeFolder(), 'app.log')
  const { clock, sink } = open(path)
  sink.write('before\n')
  execFileSync('true')
  const { closeSync, readdirSync: list, readlinkSync } = await import('node:fs')
  const isOurs = (fd: string): boolean => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  }
  closeSync(Number(list('/proc/self/fd').find(isOurs)))
  sink.write('waits\n')
  clock.nowMs += 1_001
  sink.write('after\n')
  expect(readLines(path)).toEqual(['before', 'waits', 'after'])
  expect([...sink.drops]).toEqual([])
})

test('a mode that an operator has set stays', () => {
  const path = join(makeFolder(), 'app.log')
  const { clock, sink } = open(path)
  sink.write('before\n')
  chmodSync(path, 0o600)
  clock.nowMs += 500
  sink.write('after\n')
  expect(readLines(path)).toEqual(['before', 'after'])
})
