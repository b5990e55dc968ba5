import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withLock } from '../../../src/log/file/rotation-lock.ts'
import { makeFolder, numbersOf, openSink, readAll, readLines, upTo } from '../support/log-folder.ts'

const ARCHIVE_TIME = /^app\.log\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z(-\d+)?$/

test('files are numbered as by RotatingFileHandler: none is larger than bytesMax, 1 is the newest, there are at most backupsMax', () => {
  const folder = makeFolder()
  const sink = openSink({ path: join(folder, 'app.log'), bytesMax: 1_000, backupsMax: 3, archivesMax: 0 })
  for (const i of upTo(400)) sink.write(`line ${i} ${'x'.repeat(i % 150)}\n`)
  sink.flush()

  const names = readdirSync(folder)
  expect(names).toEqual(['app.log', 'app.log.1', 'app.log.2', 'app.log.3'])
  expect(names.filter((name) => statSync(join(folder, name)).size > 1_000)).toEqual([])
  const numbers = ['app.log.3', 'app.log.2', 'app.log.1', 'app.log'].flatMap((name) => numbersOf(readLines(join(folder, name))))
  expect(numbers).toEqual(upTo(400).slice(-numbers.length))
})

test('a backup that has no number left is retired under the time of its last line, and nothing is lost', () => {
  const folder = makeFolder()
  const sink = openSink({ path: join(folder, 'app.log'), bytesMax: 1_000, backupsMax: 2 })
  for (const i of upTo(200)) sink.write(`line ${i} ${'x'.repeat(i % 150)}\n`)
  sink.flush()
  expect(readdirSync(folder).filter((name) => ARCHIVE_TIME.test(name)).length).toBeGreaterThan(5)
  expect(numbersOf(readAll(folder))).toEqual(upTo(200))
})

test('of what is retired the newest archivesMax are kept, also by a process that never comes to compress them', () => {
  const folder = makeFolder()
  const sink = openSink({ path: join(folder, 'app.log'), bytesMax: 1_000, backupsMax: 2, archivesMax: 4 })
  for (const i of upTo(400)) sink.write(`line ${i} ${'x'.repeat(i % 150)}\n`)
  sink.flush()
  expect(readdirSync(folder).filter((name) => ARCHIVE_TIME.test(name))).toHaveLength(4)
  const numbers = numbersOf(readAll(folder))
  expect(numbers).toEqual(upTo(400).slice(-numbers.length))
})

test('a gap in the numbers is filled before anything is retired', () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  for (const number of [1, 2, 4]) writeFileSync(`${path}.${number}`, `was ${number}\n`)
  const sink = openSink({ path, bytesMax: 100, backupsMax: 4 })
  sink.write(`${'x'.repeat(80)}\n`)
  sink.write(`${'y'.repeat(80)}\n`)
  expect([1, 2, 3, 4].map((number) => readLines(`${path}.${number}`)[0])).toEqual(['x'.repeat(80), 'was 1', 'was 2', 'was 4'])
})

test.each([{ bytesMax: 0 }, { backupsMax: 0 }])('%j: never rotated, as maxBytes and backupCount of RotatingFileHandler', (limits) => {
  const folder = makeFolder()
  const sink = openSink({ path: join(folder, 'app.log'), bytesMax: 100, ...limits })
  for (const i of upTo(100)) sink.write(`line ${i}\n`)
  sink.flush()
  expect(readdirSync(folder)).toEqual(['app.log'])
  expect(readLines(join(folder, 'app.log'))).toHaveLength(100)
})

test('a line longer than a file is written whole', () => {
  const folder = makeFolder()
  const sink = openSink({ path: join(folder, 'app.log'), bytesMax: 100 })
  for (const length of [10, 5_000, 10]) sink.write(`${'x'.repeat(length)}\n`)
  expect(['app.log.2', 'app.log.1', 'app.log'].map((name) => readLines(join(folder, name))[0]?.length)).toEqual([10, 5_000, 10])
})

test('a rotation that fails is said and not done: lines go on into the file, and it is tried again later', () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  mkdirSync(join(`${path}.1`, 'in the way'), { recursive: true })
  let nowMs = 0
  const sink = openSink({ path, bytesMax: 100, backupsMax: 1, archivesMax: 0, nowMs: () => nowMs })
  for (const i of upTo(30)) sink.write(`line ${i}\n`)
  sink.flush()
  expect(readLines(path)).toHaveLength(30)
  expect([...sink.drops]).toEqual([])
  expect(sink.warnings).toEqual([expect.stringContaining(`the log file ${path} cannot be rotated: `)])

  rmSync(`${path}.1`, { recursive: true })
  nowMs += 31_000
  sink.write('after\n')
  expect(readLines(path)).toEqual(['after'])
  expect(readLines(`${path}.1`)).toHaveLength(30)
})

test('while another process rotates nobody waits: lines go into the file; a lock that was left behind holds for ten seconds', () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  writeFileSync(`${path}.lock`, '')
  const sink = openSink({ path, bytesMax: 100 })
  for (const i of upTo(20)) sink.write(`line ${i}\n`)
  sink.flush()
  expect(readLines(path)).toHaveLength(20)

  sink.flush()
  const longAgo = new Date(Date.now() - 11_000)
  utimesSync(`${path}.lock`, longAgo, longAgo)
  sink.write('after\n')
  sink.flush()
  expect(readLines(path)).toEqual(['after'])
  expect(existsSync(`${path}.lock`)).toBe(false)
  expect(sink.warnings).toEqual([])
})

test('a lock that somebody else has taken over stays, also where the file system gives it the number of the old one', () => {
  const lock = join(makeFolder(), 'app.log.lock')
  withLock(lock, () => {
    rmSync(lock)
    writeFileSync(lock, '')
    utimesSync(lock, 1, 1)
  })
  expect(existsSync(lock)).toBe(true)
})
