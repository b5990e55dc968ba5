/** Disks that are full, directories that may not be written, paths that are no files: the app goes on, and each lost line is counted. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createLineBuffer } from '../../../src/log/file/buffer.ts'
import { makeFolder, numbersOf, openSink, readLines, sinkScript, tally, upTo } from '../support/log-folder.ts'

/** A path that can be pointed at a full disk and back at a file, as a disk fills up and is emptied. */
function makeDisk() {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  const point = (target: string): void => {
    rmSync(path, { force: true })
    symlinkSync(target, path)
  }
  point('/dev/full')
  const clock = { nowMs: 0 }
  return { path, clock, sink: openSink({ path, nowMs: () => clock.nowMs }), recover: () => point(join(folder, 'real.log')) }
}

test('a disk that is full for a few seconds costs nothing', () => {
  const { path, clock, sink, recover } = makeDisk()
  for (const i of upTo(100)) {
    clock.nowMs += 90
    sink.write(`line ${i} ${'x'.repeat(i % 150)}\n`)
  }
  recover()
  clock.nowMs += 1_001
  sink.write(`line 100 ${'x'.repeat(100)}\n`)
  expect(numbersOf(readLines(path))).toEqual(upTo(101))
  expect([...sink.drops]).toEqual([])
  expect(sink.warnings).toEqual([
    `the log file ${path} cannot be written: ENOSPC: no space left on device, write; make room on its disk (LOG_FILE_PATH or logging.yaml). Lines wait for 10 s.`,
  ])
})

test('full for an hour: lines are lost and counted to the last, said once a minute, and it recovers by itself', () => {
  const { path, clock, sink, recover } = makeDisk()
  const count = 3_600
  for (const i of upTo(count)) {
    clock.nowMs += 1_000
    sink.write(`line ${i} ${'x'.repeat(i % 150)}\n`)
  }
  recover()
  clock.nowMs += 1_001
  sink.write(`line ${count} ${'x'.repeat(count % 150)}\n`)
  const written = numbersOf(readLines(path))
  expect(written.at(-1)).toBe(count)
  expect(sink.drops.get('ENOSPC')).toBe(count + 1 - written.length)
  // Two kinds, the first and the one that says that lines are lost.
  expect(sink.warnings.length).toBeGreaterThan(60)
  expect(sink.warnings.length).toBeLessThanOrEqual(2 * 61)
})

test('what waits is bounded: a megabyte, then lines are dropped and counted', () => {
  const { path, clock, sink, recover } = makeDisk()
  for (let i = 0; i < 3_000; i++) sink.write(`${String(i).padEnd(1_023)}\n`)
  expect(sink.drops.get('ENOSPC')).toBe(3_000 - 1_024)
  recover()
  clock.nowMs += 1_001
  sink.flush()
  expect(readLines(path).map(Number)).toEqual(upTo(1_024))
})

test('a disk that takes half a line: it comes again as a whole, after the half one', () => {
  const buffer = createLineBuffer()
  for (const line of ['first\n', 'second\n', 'third\n']) buffer.add(line)
  const bytes = buffer.bytes()
  buffer.keep(bytes, 9, false)
  expect([buffer.bytes().toString(), buffer.lines()]).toEqual(['\nsecond\nthird\n', 2])
  buffer.keep(buffer.bytes(), 0, false)
  buffer.add('fourth\n')
  expect([buffer.bytes().toString(), buffer.lines()]).toEqual(['\nsecond\nthird\nfourth\n', 3])
  buffer.keep(buffer.bytes(), 1, false)
  expect(buffer.bytes().toString()).toBe('second\nthird\nfourth\n')
  buffer.keep(buffer.bytes(), 3, false)
  expect(buffer.clear()).toBe(3)
  buffer.add('fifth\n')
  expect(buffer.bytes().toString()).toBe('\nfifth\n')
  buffer.done()
  buffer.add('sixth\n')
  expect(buffer.bytes().toString()).toBe('sixth\n')
})

test('a slow reader that takes half a line gets the other half', () => {
  const buffer = createLineBuffer()
  for (const line of ['first\n', 'sécond\n']) buffer.add(line)
  buffer.keep(buffer.bytes(), 8, true)
  buffer.add('third\n')
  buffer.keep(buffer.bytes(), 0, true)
  expect(Buffer.concat([Buffer.from('first\nsécond\n').subarray(0, 8), buffer.bytes()]).toString()).toBe('first\nsécond\nthird\n')
  expect(buffer.clear()).toBe(2)
  buffer.add('fourth\n')
  expect(buffer.bytes().toString(), 'the half line that was given up is closed').toBe('\nfourth\n')
})

test('the limit of file sizes of the process (ulimit -f): the app lives, whole lines are in the file, the rest is counted', async () => {
  const path = join(makeFolder(), 'app.log')
  const script = `let dropped = 0; process.on('exit', () => console.log(dropped))
    const small = createFileSink({ path: ${JSON.stringify(path)}, warn() {}, onDrop: (reason, lines) => { if (reason === 'EFBIG') dropped += lines } })
    for (let i = 0; i < 1_000; i++) small.write(line(i)); small.close()`
  const args = sinkScript({ path: '/dev/null' }, script)
  const child = spawn('bash', ['-c', 'ulimit -f 32; exec "$0" "$@"', process.execPath, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  expect(lines.length + Number(stdout)).toBe(1_000)
  expect(tally(numbersOf(lines), lines.length)).toBe(`${lines.length} whole lines`)
})

test.each([
  ['a directory', (path: string) => mkdirSync(path), 'EISDIR', 'it is a directory: name a file in it'],
  ['in a path through a file', (path: string) => writeFileSync(join(path, '..'), ''), 'ENOTDIR', 'a part of the path is a file'],
  ['a link to itself', (path: string) => symlinkSync(path, path), 'ELOOP', 'a symbolic link on the way'],
])('%s: said with what to do, counted, and nothing is thrown', (what, prepare, code, advice) => {
  const folder = makeFolder()
  const path = what.includes('through') ? join(folder, 'file', 'app.log') : join(folder, 'app.log')
  prepare(path)
  let nowMs = 0
  const sink = openSink({ path, nowMs: () => nowMs })
  sink.write('one\n')
  sink.write('two\n')
  nowMs += 11_000
  sink.flush()
  expect([...sink.drops]).toEqual([[code, 2]])
  expect(sink.warnings[0]).toContain(`the log file ${path} cannot be written: ${code}`)
  expect(sink.warnings[0]).toContain(advice)
})

async function runScript(script: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, sinkScript({ path: '/dev/null' }, script))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { stdout, stderr }
}

const IS_ROOT = process.getuid?.() === 0
const NOBODY = 65_534

test('permissions are lost while it runs: what is open is written on; a new file waits until it may be made', async () => {
  const folder = makeFolder()
  chmodSync(folder, 0o755)
  const dir = join(folder, 'logs')
  mkdirSync(dir)
  // Root may write everywhere.
  if (IS_ROOT) chownSync(dir, NOBODY, NOBODY)
  const path = join(dir, 'app.log')
  const { stdout, stderr } = await runScript(`
    ${IS_ROOT ? `process.setgid(${NOBODY}); process.setuid(${NOBODY})` : ''}
    const { chmodSync, renameSync } = await import('node:fs')
    const drops = []
    let now = 0
    const mine = createFileSink({ path: ${JSON.stringify(path)}, bytesMax: 1000, nowMs: () => now, onDrop: (reason, lines) => drops.push([reason, lines]) })
    const later = (ms) => { now += ms }
    mine.write('before\\n'); chmodSync(${JSON.stringify(dir)}, 0o000); later(600); mine.write('no x\\n')
    chmodSync(${JSON.stringify(dir)}, 0o700); renameSync(${JSON.stringify(path)}, ${JSON.stringify(`${path}.old`)}); chmodSync(${JSON.stringify(dir)}, 0o500)
    later(600); mine.write('no w\\n'); chmodSync(${JSON.stringify(dir)}, 0o700); later(1100); mine.write('after\\n')
    console.log(JSON.stringify(drops))`)
  expect(stdout).toBe('[]\n')
  expect(readLines(`${path}.old`)).toEqual(['before', 'no x'])
  expect(readLines(path)).toEqual(['no w', 'after'])
  expect(stderr).toContain('EACCES')
  expect(stderr).toContain('let the user of this process write there')
})
