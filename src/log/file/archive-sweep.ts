import { lstatSync, renameSync, rmSync } from 'node:fs'
import { compress } from './archive.ts'
import type { LogFile } from './archive-files.ts'
import { archivePath, compareTimes, retiredPath } from './archive-name.ts'
import { lockPath } from './rotation.ts'
import { withLock } from './rotation-lock.ts'

export type PlanOptions = {
  /** Logs and backups whose last line is older are compressed. What is retired waits for nothing. */
  readonly olderThanMs: number
  readonly archivesMax: number
  /** The wall clock. */
  readonly nowMs: number
}

/** What is to be done, oldest first. */
export type ArchivePlan = {
  readonly compress: readonly LogFile[]
  /** More than may be kept: the oldest. */
  readonly remove: readonly LogFile[]
  /** Of attempts that died. */
  readonly clean: readonly LogFile[]
}

export type CarryOutOptions = {
  readonly sleep: (ms: number) => Promise<void>
  /** After each chunk of a file that is compressed. */
  readonly pauseMs: number
}

/** What was done with a file of the plan. `left`: not now, with the reason. */
export type Archived =
  | {
      readonly kind: 'compressed'
      readonly path: string
      readonly archive: string
      readonly bytesBefore: number
      readonly bytesAfter: number
    }
  | { readonly kind: 'removed'; readonly path: string }
  | { readonly kind: 'left'; readonly path: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly path: string; readonly error: unknown }

/** An archive in the making is written to all the time. Untouched for so long, it is a leftover, whoever has its process number now. */
const UNFINISHED_MS_MAX = 60_000
/** A process that writes to a log sees within half a second that the file has been renamed. Until then it writes to the renamed one. */
const SETTLED_MS = 2_000

/** Decides what becomes of `files`: pure, for a dry run. */
export function planArchives(files: readonly LogFile[], { olderThanMs, archivesMax, nowMs }: PlanOptions): ArchivePlan {
  const isDue = ({ is, stats }: LogFile): boolean =>
    is.kind === 'retired' || ((is.kind === 'current' || is.kind === 'backup') && nowMs - stats.mtimeMs >= olderThanMs)
  const due = files.filter((file) => file.is.kind === 'archive' || isDue(file)).sort((a, b) => compareTimes(a.time, b.time))
  const surplus = Math.max(0, due.length - archivesMax)
  return {
    compress: due.slice(surplus).filter(({ is }) => is.kind !== 'archive'),
    remove: due.slice(0, surplus),
    clean: files.filter((file) => isLeftover(file, nowMs)),
  }
}

function isLeftover({ is, stats }: LogFile, nowMs: number): boolean {
  if (is.kind !== 'unfinished') return false
  return Math.abs(nowMs - stats.mtimeMs) > UNFINISHED_MS_MAX || !isRunning(is.pid)
}

/** On this machine and in this container: who works elsewhere finds its work gone and begins anew. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Does what is planned, one file after the other, and tells of each what became of it. Never rejects; several processes may do it at once. */
export async function* carryOut({ compress, remove, clean }: ArchivePlan, options: CarryOutOptions): AsyncGenerator<Archived> {
  for (const file of [...clean, ...remove]) yield removeFile(file)
  const retired = compress.map(retire)
  await options.sleep(Math.max(0, ...compress.map(unsettledMs)))
  for (const file of retired) yield file.kind === 'retired' ? await archive(file, options) : file
}

const MOVED = 'it has been renamed or removed in the meantime'
const BUSY = 'another process is at it'
/** Why `compress` did not. */
const REASONS = { gone: MOVED, busy: BUSY, changed: 'it is still written to' } as const

function removeFile(file: LogFile): Archived {
  return underLock(file, () => rmSync(file.path, { force: true })) ?? { kind: 'removed', path: file.path }
}

type Retired = { readonly kind: 'retired'; readonly path: string; readonly source: string }

/** Gives a file the name that it keeps while it is compressed. */
function retire(file: LogFile): Retired | Archived {
  const { path, log, stats } = file
  let source = path
  if (file.is.kind === 'retired') return { kind: 'retired', path, source }
  const left = underLock(file, () => {
    source = retiredPath(log, stats.mtimeMs)
    renameSync(path, source)
  })
  return left ?? { kind: 'retired', path, source }
}

/** A rename sets `ctime`. The current log has been renamed by us just now. */
function unsettledMs({ is, stats }: LogFile): number {
  if (is.kind === 'current') return SETTLED_MS
  const quietMs = Date.now() - Math.max(stats.mtimeMs, stats.ctimeMs)
  return Math.min(Math.max(SETTLED_MS - quietMs, 0), SETTLED_MS)
}

async function archive({ path, source }: Retired, { sleep, pauseMs }: CarryOutOptions): Promise<Archived> {
  try {
    const target = archivePath(source)
    const compressed = await compress({ source, archive: target, pause: () => sleep(pauseMs) })
    if (compressed.kind === 'done') return { ...compressed, kind: 'compressed', path, archive: target }
    return { kind: 'left', path: source, reason: REASONS[compressed.kind] }
  } catch (error) {
    return { kind: 'failed', path: source, error }
  }
}

/** A rotation gives the names of backups to other files. Gives what became of it when the step was not done. */
function underLock({ path, log, stats }: LogFile, step: () => void): Archived | undefined {
  try {
    const outcome = withLock(lockPath(log), () => {
      const now = lstatSync(path, { throwIfNoEntry: false })
      if (now === undefined || now.ino !== stats.ino || now.dev !== stats.dev) return MOVED
      step()
      return 'done'
    })
    return outcome === 'done' ? undefined : { kind: 'left', path, reason: outcome ?? BUSY }
  } catch (error) {
    return { kind: 'failed', path, error }
  }
}
