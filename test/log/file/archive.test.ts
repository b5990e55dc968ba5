import { createHash } from 'node:crypto'
import fs, {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { listLog } from '../../../src/log/file/archive-files.ts'
import { type Archived, carryOut, planArchives } from '../../../src/log/file/archive-sweep.ts'
import { runNode } from '../../support/run-node.ts'
import { makeFolder, numbersOf, openSink, readAll, readLines, sinkScript, tally, until, upTo } from '../support/log-folder.ts'

const DAY_MS = 86_400_000
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** A file whose last line is `days` old. */
function writeOld(path: string, days: number, text = `${days} days\n`): void {
  writeFileSync(path, text)
  const time = new Date(Date.now() - days * DAY_MS)
  utimesSync(path, time, time)
}

/** One pass over a log, without its pauses. */
async function sweep(path: string, options: { archivesMax?: number; onPause?: () => void } = {}): Promise<Archived[]> {
  const files = await listLog(dirname(path), basename(path))
  const plan = planArchives(files, { olderThanMs: DAY_MS, archivesMax: options.archivesMax ?? 30, nowMs: Date.now() })
  const done: Archived[] = []
  for await (const archived of carryOut(plan, { sleep: async () => options.onPause?.(), pauseMs: 0 })) done.push(archived)
  return done
}

const archivesIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.gz'))

test('backups older than a day become archives that any gunzip reads, with their time and at most their mode', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  const text = Array.from({ length: 30_000 }, (_, i) => `line ${i} ${createHash('sha256').update(String(i)).digest('hex')}\n`).join('')
  writeOld(path, 9)
  writeOld(`${path}.1`, 0.9)
  writeOld(`${path}.2`, 1.1, text)
  writeOld(`${path}.3`, 2)
  chmodSync(`${path}.3`, 0o600)
  const before = statSync(`${path}.2`).mtimeMs

  expect((await sweep(path)).map(({ kind, path }) => `${kind} ${basename(path)}`)).toEqual(['compressed app.log.3', 'compressed app.log.2'])

  expect(readdirSync(folder).filter((name) => !name.endsWith('.gz'))).toEqual(['app.log', 'app.log.1'])
  const [older, newer] = archivesIn(folder).map((name) => join(folder, name))
  expect(gunzipSync(readFileSync(newer!)).toString() === text).toBe(true)
  expect(Math.abs(statSync(newer!).mtimeMs - before)).toBeLessThan(2)
  expect([older!, newer!].map((file) => (statSync(file).mode & 0o777).toString(8))).toEqual(['600', '640'])
  expect(basename(newer!)).toBe(`app.log.${new Date(before).toISOString().replace(/[:.]/g, '-')}.gz`)
})

test('the newest archives are kept, by the time in their names; files of others are not touched', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  for (const day of [11, 12, 13, 14]) writeOld(`${path}.2026-11-${day}T00-00-00-000Z.gz`, 1 + day / 100)
  writeOld(`${path}.1`, 2)
  for (const name of ['app.log.gz', 'app.log.bak', 'other.log.1', 'app.log.1.old', 'app.log.2026-11-01.gz', 'my-app.log.1'])
    writeOld(join(folder, name), 99)

  await sweep(path, { archivesMax: 3 })

  const own = archivesIn(folder).filter((name) => /T\d/.test(name))
  expect(own).toHaveLength(3)
  expect(own.filter((name) => /-1[1-4]T/.test(name))).toEqual(expect.arrayContaining(['app.log.2026-11-14T00-00-00-000Z.gz']))
  expect(readdirSync(folder)).toEqual(
    expect.arrayContaining(['app.log.1.old', 'app.log.2026-11-01.gz', 'app.log.bak', 'app.log.gz', 'my-app.log.1', 'other.log.1']),
  )
})

test('two files of the same millisecond are two archives', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  const time = new Date(Date.now() - 2 * DAY_MS)
  for (const number of [1, 2]) {
    writeFileSync(`${path}.${number}`, `${number}\n`)
    utimesSync(`${path}.${number}`, time, time)
  }
  await sweep(path)
  expect(archivesIn(folder)).toHaveLength(2)
  expect(readAll(folder).sort()).toEqual(['1', '2'])
})

test('a file that is written to while it is compressed is left as it is', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  writeOld(`${path}.1`, 2)
  const append = (): void => {
    const retired = readdirSync(folder).find((name) => name.endsWith('Z'))
    if (retired !== undefined) appendFileSync(join(folder, retired), 'a late line\n')
  }
  expect(await sweep(path, { onPause: append })).toMatchObject([{ kind: 'left', reason: 'it is still written to' }])
  expect(archivesIn(folder)).toEqual([])
  expect(readAll(folder).slice(0, 2)).toEqual(['2 days', 'a late line'])
  expect(await sweep(path)).toMatchObject([{ kind: 'compressed' }])
})

test('a file that another process has compressed meanwhile is gone, not changed', async () => {
  const folder = makeFolder()
  const retired = join(folder, 'app.log.2026-11-11T00-00-00-000Z')
  writeOld(retired, 2, 'line\n')
  const removeUnderWay = () => existsSync(`${retired}.gz.${process.pid}`) && rmSync(retired, { force: true })
  const done = await sweep(join(folder, 'app.log'), { onPause: removeUnderWay })
  expect(done).toEqual([{ kind: 'left', path: retired, reason: 'it has been renamed or removed in the meantime' }])
  expect(readdirSync(folder)).toEqual([])
})

test('a link in the place of a backup is not followed', async () => {
  const folder = makeFolder()
  const secret = join(makeFolder(), 'secret')
  writeOld(secret, 9)
  symlinkSync(secret, join(folder, 'app.log.1'))
  symlinkSync(secret, join(folder, 'app.log.2026-11-11T00-00-00-000Z'))
  expect(await sweep(join(folder, 'app.log'))).toEqual([])
  expect(readdirSync(folder)).toHaveLength(2)
  expect(existsSync(secret)).toBe(true)
})

test('what another process is compressing is left to it', async () => {
  const folder = makeFolder()
  const retired = join(folder, 'app.log.2026-11-11T00-00-00-000Z')
  writeOld(retired, 2, 'line\n')
  const theirs = `${retired}.gz.${process.pid}`
  writeFileSync(theirs, '')
  expect(await sweep(join(folder, 'app.log'))).toEqual([{ kind: 'left', path: retired, reason: 'another process is at it' }])
  expect(readAll(folder)).toEqual(['line'])

  writeOld(theirs, 1)
  await sweep(join(folder, 'app.log'))
  expect(readdirSync(folder), 'untouched for more than a minute').toEqual([`${basename(retired)}.gz`])
})

test('killed at any moment of it: no line is lost, no half archive has the name of one, and the next pass cleans up', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  const text = Array.from({ length: 60_000 }, (_, i) => `line ${i} ${createHash('sha256').update(String(i)).digest('hex')}\n`).join('')
  const script = `import { listLog } from '${ROOT}src/log/file/archive-files.ts'
    import { carryOut, planArchives } from '${ROOT}src/log/file/archive-sweep.ts'
    const plan = planArchives(await listLog(${JSON.stringify(folder)}, 'app.log'), { olderThanMs: 1, archivesMax: 30, nowMs: Date.now() })
    let pauses = 0
    const sleep = async () => { if (pauses++ === Number(process.env.KILL_AT)) process.kill(process.pid, 'SIGKILL') }
    for await (const _ of carryOut(plan, { sleep, pauseMs: 0 }));`
  for (const killAt of [0, 1, 5]) {
    writeOld(`${path}.1`, 2 + killAt, text)
    const ended = await runNode(['--input-type=module', '--eval', script], { env: { KILL_AT: String(killAt) } })
    expect(ended).toMatchObject({ signal: 'SIGKILL', stderr: '' })
    for (const name of archivesIn(folder)) expect(readLines(join(folder, name))).toHaveLength(60_000)
    expect((await sweep(path)).filter(({ kind }) => kind === 'failed' || kind === 'left')).toEqual([])
  }
  expect(archivesIn(folder)).toHaveLength(3)
  expect(readdirSync(folder)).toHaveLength(3)
})

test('an archive is on the disk before it gets its name, and has its name there before the original goes', async () => {
  const folder = makeFolder()
  const retired = join(folder, 'app.log.2026-11-11T00-00-00-000Z')
  writeOld(retired, 2, 'line\n')
  const steps: string[] = []
  const note = (step: string, path: unknown) => steps.push(`${step} ${relative(folder, String(path)).replace(String(process.pid), 'PID')}`)
  const folderHandle = await open(folder)
  const handles: { sync(this: FileHandle): Promise<void> } = Object.getPrototypeOf(folderHandle)
  await folderHandle.close()
  const { renameSync, rmSync: remove } = fs
  const { sync } = handles
  vi.spyOn(handles, 'sync').mockImplementation(async function (this: FileHandle) {
    await sync.call(this)
    note('sync', readlinkSync(`/proc/self/fd/${this.fd}`))
  })
  fs.renameSync = (from, to) => {
    renameSync(from, to)
    note('rename to', to)
  }
  fs.rmSync = (path, options) => {
    remove(path, options)
    note('remove', path)
  }
  syncBuiltinESMExports()
  onTestFinished(() => {
    vi.restoreAllMocks()
    Object.assign(fs, { renameSync, rmSync: remove })
    syncBuiltinESMExports()
  })
  await sweep(join(folder, 'app.log'))
  const name = basename(retired)
  expect(steps.filter((step) => !step.includes('.lock'))).toEqual([
    `sync ${name}.gz.PID`,
    `rename to ${name}.gz`,
    'sync ',
    `remove ${name}`,
  ])
})

test('two processes that make the same archive: the later one finds the source removed at the last moment, which is no fault', async () => {
  const folder = makeFolder()
  const retired = join(folder, 'app.log.2026-11-11T00-00-00-000Z')
  const surplus = join(folder, 'app.log.2026-11-10T00-00-00-000Z.gz')
  for (const path of [retired, surplus]) writeOld(path, 2, 'line\n')
  const { rmSync: remove } = fs
  fs.rmSync = (path, options) => {
    remove(path)
    remove(path, options)
  }
  syncBuiltinESMExports()
  onTestFinished(() => {
    fs.rmSync = remove
    syncBuiltinESMExports()
  })
  expect(await sweep(join(folder, 'app.log'), { archivesMax: 1 })).toMatchObject([{ kind: 'removed' }, { kind: 'compressed' }])
  expect(readdirSync(folder)).toEqual([`${basename(retired)}.gz`])
})

test('killed between the archive and the removal of its source: the next pass makes one of two', async () => {
  const folder = makeFolder()
  const retired = join(folder, 'app.log.2026-11-11T00-00-00-000Z')
  writeOld(retired, 2, 'line\n')
  writeFileSync(`${retired}.gz`, 'as whole as it may be')
  await sweep(join(folder, 'app.log'))
  expect(readdirSync(folder)).toEqual([`${basename(retired)}.gz`])
  expect(readAll(folder)).toEqual(['line'])
})

test('a sink does it by itself, after its start and after a rotation, and goes on where an earlier process ended', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  writeFileSync(`${path}.2026-11-11T00-00-00-000Z`, 'line 0 \n')
  const sink = openSink({ path, bytesMax: 2_000, backupsMax: 2 })
  for (const i of upTo(150)) sink.write(`line ${i + 1} ${'x'.repeat((i + 1) % 150)}\n`)
  sink.flush()
  await until(() => !readdirSync(folder).some((name) => name.endsWith('Z')))
  expect(readdirSync(folder).filter((name) => !name.endsWith('.gz'))).toEqual(['app.log', 'app.log.1', 'app.log.2'])
  expect(tally(numbersOf(readAll(folder)), 151)).toBe('151 whole lines')
  expect(sink.warnings).toEqual([])
})

test('compressing does not hold the process: it ends in the middle, and what there was is still there', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  const bytes = 50_000_000
  writeOld(`${path}.2026-11-11T00-00-00-000Z`, 2, `${createHash('sha256').update('x').digest('hex')}\n`.repeat(bytes / 65))
  const script = `const { readdirSync } = await import('node:fs'); sink.write(line(0));
    const isAtIt = () => readdirSync(${JSON.stringify(folder)}).some((name) => /gz\\.\\d+$/.test(name));
    const timer = setInterval(() => { if (isAtIt()) clearInterval(timer) }, 5)`
  const ended = await runNode(sinkScript({ path }, script))
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(archivesIn(folder), 'ended before it was done').toEqual([])
  expect(statSync(`${path}.2026-11-11T00-00-00-000Z`).size).toBe(Math.floor(bytes / 65) * 65)
  await sweep(path)
  expect(readdirSync(folder)).toEqual(['app.log', 'app.log.2026-11-11T00-00-00-000Z.gz'])
})

test('compressing 20 MB leaves the event loop free', async () => {
  const folder = makeFolder()
  const path = join(folder, 'app.log')
  writeOld(`${path}.1`, 2, `${createHash('sha256').update('x').digest('hex')}\n`.repeat(300_000))
  let turns = 0
  let isOver = false
  const turn = () => {
    turns += 1
    if (!isOver) setImmediate(turn)
  }
  turn()
  await sweep(path)
  isOver = true
  expect(archivesIn(folder)).toHaveLength(1)
  expect(turns, 'a turn for others after each of 75 chunks').toBeGreaterThan(75)
})
