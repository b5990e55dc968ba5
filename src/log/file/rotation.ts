import { lstatSync, readdirSync, renameSync, type Stats, unlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { compareTimes, readLogName, retiredPath } from './archive-name.ts'
import { withLock } from './rotation-lock.ts'

export type RotateOptions = {
  /** Of the log file, without symbolic links in it. */
  readonly path: string
  /** The file that the caller writes to; another one at `path` has been put there by somebody who rotated. */
  readonly ino: number
  readonly dev: number
  /** About to be written. */
  readonly bytesComing: number
  readonly bytesMax: number
  readonly backupsMax: number
  /** 0: what has no place among the backups any more is removed instead of retired. */
  readonly archivesMax: number
}

/** `rotated`: there is no file at the path now. `moved`: somebody else did it. `not-due`: there is room. `busy`: somebody else is at it. */
export type Rotated = 'rotated' | 'moved' | 'not-due' | 'busy'

/**
 * Makes `path` the backup `path.1`, after moving `path.1` to `path.2` and so on, as Python's RotatingFileHandler does. When all numbers are
 * taken, the last one is retired: it gets a name with its date, to be compressed. Several processes may call it at once: each step is
 * a rename, and a lock sees that only one of them rotates. Throws when a rename fails.
 */
export function rotate(options: RotateOptions): Rotated {
  return withLock(lockPath(options.path), () => rotateAlone(options)) ?? 'busy'
}

/** Held by who renames files of the log `path`. */
export function lockPath(path: string): string {
  return `${path}.lock`
}

function rotateAlone({ path, ino, dev, bytesComing, bytesMax, backupsMax, archivesMax }: RotateOptions): Rotated {
  const file = look(path)
  if (file === undefined || file.ino !== ino || file.dev !== dev) return 'moved'
  if (file.size + bytesComing <= bytesMax) return 'not-due'
  makeRoom(path, backupsMax, archivesMax)
  renameSync(path, backupPath(path, 1))
  return 'rotated'
}

/** Up to the first gap: a backup that was archived in between has left one. */
function makeRoom(path: string, backupsMax: number, archivesMax: number): void {
  let free = 1
  while (free < backupsMax && look(backupPath(path, free)) !== undefined) free++
  const last = look(backupPath(path, free))
  if (last !== undefined) retire(path, free, last, archivesMax)
  for (let number = free; number > 1; number--) renameSync(backupPath(path, number - 1), backupPath(path, number))
}

function retire(path: string, number: number, { mtimeMs }: Stats, archivesMax: number): void {
  if (archivesMax === 0) {
    unlinkSync(backupPath(path, number))
    return
  }
  renameSync(backupPath(path, number), retiredPath(path, mtimeMs))
  removeSurplus(path, archivesMax)
}

/** Here as well, because a process that ends soon, or is very busy, never comes to compress anything. */
function removeSurplus(path: string, archivesMax: number): void {
  const dir = dirname(path)
  const dated = readdirSync(dir).flatMap((name) => {
    const is = readLogName(name, basename(path))
    return is && 'time' in is && is.time ? [{ file: join(dir, name), time: is.time }] : []
  })
  const surplus = dated.sort((a, b) => compareTimes(b.time, a.time)).slice(archivesMax)
  for (const { file } of surplus) unlinkSync(file)
}

function backupPath(path: string, number: number): string {
  return `${path}.${number}`
}

function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}
