import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { makeFolder, openSink, readLines } from '../log/support/log-folder.ts'
import { runCli } from './support/doctor.ts'

const DAY_MS = 86_400_000

function writeOld(path: string, days: number): void {
  writeFileSync(path, `${days} days\n`)
  const time = new Date(Date.now() - days * DAY_MS)
  utimesSync(path, time, time)
}

/** Logs of several programs, old and young, and what is none. */
function makeLogs(): string {
  const folder = makeFolder()
  writeOld(join(folder, 'app.log'), 0.5)
  writeOld(join(folder, 'app.log.1'), 1.5)
  writeOld(join(folder, 'app.log.2'), 2.5)
  writeOld(join(folder, 'batch.log'), 3)
  writeOld(join(folder, 'batch.log.gz'), 40)
  writeOld(join(folder, 'notes.txt'), 50)
  mkdirSync(join(folder, 'below.log'))
  writeOld(join(folder, 'below.log', 'inner.log'), 9)
  return folder
}

/** `app.log.*.gz` where the time stands. */
const shape = (names: readonly string[]): string[] => names.map((name) => name.replace(/\d{4}-\d\d-\d\dT[\d-]+Z/, '*')).sort()

test.concurrent('old logs become archives, young ones and other files stay', async () => {
  const folder = makeLogs()
  const { code, stdout, stderr } = await runCli(['logs', 'rotate', folder])

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(shape(readdirSync(folder))).toEqual([
    'app.log',
    'app.log.*.gz',
    'app.log.*.gz',
    'batch.log.*.gz',
    'batch.log.gz',
    'below.log',
    'notes.txt',
  ])
  const archive = readdirSync(folder).find((name) => /^batch\.log\.\d/.test(name))!
  expect(gunzipSync(readFileSync(join(folder, archive))).toString()).toBe('3 days\n')
  expect(readdirSync(join(folder, 'below.log'))).toEqual(['inner.log'])
  expect(stdout).toContain(`compressed batch.log to ${archive}: 7 bytes, now `)
  expect(stdout).toContain('left below.log: it is no regular file\n')
  expect(stdout.endsWith(`${folder}: compressed 3, removed 0\n`)).toBe(true)
  expect((await runCli(['logs', 'rotate', folder])).stdout).toContain('compressed 0, removed 0\n')
})

test.concurrent('the newest archives of the folder are kept, those of other programs counted by their time', async () => {
  const folder = makeLogs()
  const { stdout } = await runCli(['logs', 'rotate', folder, '--keep', '2'])
  expect(shape(readdirSync(folder))).toEqual(['app.log', 'app.log.*.gz', 'app.log.*.gz', 'below.log', 'notes.txt'])
  expect(stdout).toContain('removed batch.log.gz\n')
  expect(stdout).toContain('compressed 2, removed 2\n')
})

test.concurrent('--older-than, --json', async () => {
  const folder = makeLogs()
  const { code, stdout } = await runCli(['logs', 'rotate', folder, '--older-than', '48h', '--json'])
  expect(code).toBe(0)
  const report = JSON.parse(stdout)
  expect(report).toMatchObject({ dir: folder, dryRun: false })
  expect(report.files.map(({ action, file }: { action: string; file: string }) => `${action} ${file}`)).toEqual([
    'left below.log',
    'compressed batch.log',
    'compressed app.log.2',
  ])
  expect(report.files[1]).toMatchObject({
    bytesBefore: 7,
    bytesAfter: expect.any(Number),
    archive: expect.stringMatching(/^batch\.log\..*\.gz$/),
  })
})

test.concurrent('--dry-run says the same and touches nothing', async () => {
  const folder = makeLogs()
  const before = readdirSync(folder)
  const { code, stdout } = await runCli(['logs', 'rotate', folder, '--dry-run', '--keep', '3'])
  expect(code).toBe(0)
  expect(stdout).toContain('would remove batch.log.gz\nwould compress batch.log\nwould compress app.log.2\nwould compress app.log.1\n')
  expect(stdout).toContain('would compress 3, remove 1\n')
  expect(readdirSync(folder)).toEqual(before)
})

test.concurrent('a link is not followed, not out of the folder and not within', async () => {
  const folder = makeFolder()
  const outside = makeFolder()
  writeOld(join(outside, 'secret.log'), 9)
  symlinkSync(join(outside, 'secret.log'), join(folder, 'link.log'))
  symlinkSync(outside, join(folder, 'dir.log'))
  const { code, stdout } = await runCli(['logs', 'rotate', folder])
  expect(code).toBe(0)
  expect(stdout).toContain('left link.log: it is no regular file\n')
  expect(readdirSync(outside)).toEqual(['secret.log'])
  expect(readdirSync(folder)).toEqual(['dir.log', 'link.log'])
})

test.concurrent('a service that has logged nothing for days goes on in a new file', async ({ expect }) => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  let nowMs = 0
  const sink = openSink({ path, nowMs: () => nowMs })
  sink.write('before\n')
  const time = new Date(Date.now() - 2 * DAY_MS)
  utimesSync(path, time, time)
  await runCli(['logs', 'rotate', folder])
  nowMs += 500
  sink.write('after\n')
  expect(readLines(path)).toEqual(['after'])
  // The service compresses what is old as well, and may have been at the same file.
  await expect.poll(() => shape(readdirSync(folder))).toEqual(['app.log', 'app.log.*.gz'])
})

test.concurrent('a disk that takes no more: exit code 1, which file and why; it is still there, no half archive is, and the next run does it', async () => {
  const folder = makeFolder()
  writeOld(join(folder, 'a.log'), 2)
  writeFileSync(join(folder, 'b.log'), `${randomBytes(50_000).toString('hex')}\n`)
  const time = new Date(Date.now() - 3 * DAY_MS)
  utimesSync(join(folder, 'b.log'), time, time)
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const child = spawn('bash', ['-c', 'ulimit -f 8; exec "$0" "$@"', process.execPath, main, 'logs', 'rotate', folder])
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])

  expect(code).toBe(1)
  expect(stdout).toMatch(/^failed b\.log\.\S+Z: EFBIG: file too large, write$/m)
  expect(stdout).toContain('compressed 1, removed 0, failed 1\n')
  expect(shape(readdirSync(folder))).toEqual(['a.log.*.gz', 'b.log.*'])
  expect(await runCli(['logs', 'rotate', folder])).toMatchObject({ code: 0 })
  expect(shape(readdirSync(folder))).toEqual(['a.log.*.gz', 'b.log.*.gz'])
})

test.concurrent.each([
  [['rotate'], 'name one folder'],
  [['rotate', '/nowhere/at/all'], '/nowhere/at/all is no folder'],
  [['rotate', '.', '--keep', '0'], '--keep 0'],
  [['rotate', '.', '--older-than', 'soon'], '--older-than soon'],
  [['rotate', '.', '--kep', '3'], "Unknown option '--kep'"],
])('wrong usage %j: exit code 2, what is wrong and the help', async (words, message) => {
  const { code, stdout, stderr } = await runCli(['logs', ...words])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr.split('\n')[0]).toContain(message)
  expect(stderr).toContain('npx tts-otel logs rotate DIR')
})

test.concurrent('--help', async () => {
  expect((await runCli(['logs', 'rotate', '--help'])).stdout).toContain('--older-than AGE')
  expect((await runCli(['--help'])).stdout).toContain('logs rotate DIR')
})
