import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { makeFolder, openSink, readLines, until, upTo } from '../support/log-folder.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8)

test('what one request logs is in the file when the call returns', () => {
  const path = join(makeFolder(), 'app.log')
  const sink = openSink({ path })
  for (const i of upTo(5)) {
    sink.write(`line ${i}\n`)
    expect(readLines(path)).toHaveLength(i + 1)
  }
})

test('a burst is there in order when the code that logs it returns, without a call of flush', async () => {
  const path = join(makeFolder(), 'app.log')
  const sink = openSink({ path })
  const lines = upTo(5_000).map((i) => `line ${i} ünïcödé 🗣`)
  for (const line of lines) sink.write(`${line}\n`)
  expect(readLines(path).length, 'the last ones wait').toBeLessThan(5_000)
  await new Promise(process.nextTick)
  expect(readLines(path)).toEqual(lines)
})

test('flush writes what waits; close does, and says of later lines that they are lost', () => {
  const path = join(makeFolder(), 'app.log')
  const sink = openSink({ path })
  for (const i of upTo(50)) sink.write(`line ${i}\n`)
  sink.flush()
  expect(readLines(path)).toHaveLength(50)
  for (const i of upTo(50)) sink.write(`line ${i}\n`)
  sink.close()
  sink.close()
  sink.write('too late\n')
  expect(readLines(path)).toHaveLength(100)
  expect([...sink.drops]).toEqual([['closed', 1]])
})

test('a restart goes on with the file that is there, and with its size', () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  writeFileSync(path, `${'x'.repeat(899)}\n`)
  const sink = openSink({ path, bytesMax: 1_000 })
  sink.write(`${'y'.repeat(79)}\n`)
  expect(readdirSync(folder)).toEqual(['app.log'])
  sink.write(`${'z'.repeat(79)}\n`)
  expect(readdirSync(folder)).toEqual(['app.log', 'app.log.1'])
  expect(readLines(path)).toEqual(['z'.repeat(79)])
})

test('files are for their user and group, so are directories that had to be made; a stricter umask stays', () => {
  const folder = makeFolder()
  const path = join(folder, 'a', 'b', 'app.log')
  const sink = openSink({ path, bytesMax: 100 })
  for (const i of upTo(20)) sink.write(`line ${i}\n`)
  expect([path, `${path}.1`, join(folder, 'a'), join(folder, 'a', 'b')].map(modeOf)).toEqual(['640', '640', '750', '750'])

  const before = process.umask(0o077)
  try {
    openSink({ path: join(folder, 'strict.log') }).write('line\n')
  } finally {
    process.umask(before)
  }
  expect(modeOf(join(folder, 'strict.log'))).toBe('600')
})

test('a path that is a link: the file behind it is written and rotated, the link stays', () => {
  const folder = makeFolder()
  mkdirSync(join(folder, 'volume'))
  symlinkSync(join('volume', 'real.log'), join(folder, 'app.log'))
  const sink = openSink({ path: join(folder, 'app.log'), bytesMax: 100 })
  for (const i of upTo(20)) sink.write(`line ${i}\n`)
  expect(readlinkSync(join(folder, 'app.log'))).toBe('volume/real.log')
  expect(readdirSync(folder)).toEqual(['app.log', 'volume'])
  expect(readdirSync(join(folder, 'volume'))).toContain('real.log.1')
})

test('a link that somebody puts where the new file comes after a rotation is not written through', () => {
  const folder = makeFolder()
  const victim = join(folder, 'victim')
  writeFileSync(victim, 'precious\n')
  const path = join(folder, 'app.log')
  const sink = openSink({ path, bytesMax: 100 })
  sink.write(`${'x'.repeat(80)}\n`)
  symlinkSync(victim, `${path}.2`)
  symlinkSync(victim, `${path}.lock.${process.pid}`)
  for (const i of upTo(50)) sink.write(`line ${i}\n`)
  expect(readFileSync(victim, 'utf8')).toBe('precious\n')
})

test('/dev/null, and a FIFO with a reader, are written and never rotated', async () => {
  const folder = makeFolder()
  const toNull = openSink({ path: '/dev/null', bytesMax: 100 })
  for (const i of upTo(100)) toNull.write(`line ${i}\n`)
  expect([...toNull.drops]).toEqual([])
  expect(existsSync('/dev/null.1')).toBe(false)

  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  const { spawn } = await import('node:child_process')
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] })
  let seen = ''
  reader.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text
  })
  const sink = openSink({ path: fifo, bytesMax: 100 })
  const lines = upTo(3_000).map((i) => `line ${i} ${'x'.repeat(100)}\n`)
  try {
    // Without a reader yet the first lines wait; a full pipe takes half a line, and the rest of it later.
    for (const line of lines) sink.write(line)
    await until(() => seen.length === lines.join('').length)
    expect(seen).toBe(lines.join(''))
    expect(readdirSync(folder)).toEqual(['fifo'])
    expect([...sink.drops]).toEqual([])
  } finally {
    reader.kill()
  }
})

test('an app that changes its directory goes on in the same file', () => {
  const folder = makeFolder()
  const file = fileURLToPath(new URL('../../../src/log/file.ts', import.meta.url))
  const script = `import { createFileSink } from ${JSON.stringify(file)}
    let nowMs = 0
    const sink = createFileSink({ path: 'logs/app.log', nowMs: () => nowMs })
    sink.write('one\\n')
    process.chdir('logs')
    nowMs += 1_000
    sink.write('two\\n')`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder })
  expect(readLines(join(folder, 'logs/app.log'))).toEqual(['one', 'two'])
})
