import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { lockFolder } from '../../../collector/src/postgres/lock.ts'

const root = mkdtempSync(join(tmpdir(), 'tts-otel-lock-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const folder = () => mkdtempSync(join(root, 'folder-'))
const fileIn = (path: string) => join(path, 'collector.lock')

test('a folder is given to one at a time, and back', () => {
  const path = folder()
  const unlock = lockFolder(path)
  expect(() => lockFolder(path)).toThrow(
    `The folder ${path} is in use by another collector (process ${process.pid}). Stop that one, or give this one`,
  )
  unlock()
  expect(readdirSync(path)).toEqual([])
  lockFolder(path)()
})

test('the lock of a process that was killed is taken over', async () => {
  const path = folder()
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  await once(child, 'spawn')
  const lock = { pid: child.pid, start: '' }
  writeFileSync(fileIn(path), JSON.stringify(lock))
  expect(() => lockFolder(path)).toThrow(`process ${child.pid}`)

  child.kill('SIGKILL')
  await once(child, 'exit')
  const unlock = lockFolder(path)
  expect(JSON.parse(readFileSync(fileIn(path), 'utf8'))).toMatchObject({ pid: process.pid })
  unlock()
})

test('a process that was given the id of a dead one does not hold its lock, where the system tells them apart', () => {
  const path = folder()
  writeFileSync(fileIn(path), JSON.stringify({ pid: process.pid, start: '1' }))
  const take = () => lockFolder(path)()
  if (existsSync('/proc/self/stat')) expect(take).not.toThrow()
  else expect(take).toThrow(`process ${process.pid}`)
})

test.each(['', '{', '{"pid":"x"}', '{"pid":-1}', 'null'])('a lock that says nothing (%j) is taken over', (content) => {
  const path = folder()
  writeFileSync(fileIn(path), content)
  lockFolder(path)()
  expect(readdirSync(path)).toEqual([])
})

test('a lock that was taken over is not removed by the one who had it', () => {
  const path = folder()
  const unlock = lockFolder(path)
  writeFileSync(fileIn(path), JSON.stringify({ pid: 1, start: '' }))
  unlock()
  expect(existsSync(fileIn(path))).toBe(true)
})
