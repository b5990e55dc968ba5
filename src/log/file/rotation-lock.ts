import { closeSync, constants, lstatSync, openSync, renameSync, type Stats, unlinkSync } from 'node:fs'

/** A rotation takes a millisecond. Who has held the lock for this long has died, or was frozen and finds out. */
const STALE_MS = 10_000

/**
 * Runs `work` while no other process that asks for `path` does, and returns what it returns; undefined, at once, when another one is at
 * it. The lock is a file, so it holds between containers that share a directory as well. Throws what `work` throws, and where the
 * directory takes no file.
 */
export function withLock<T>(path: string, work: () => T): T | undefined {
  const mine = acquire(path)
  if (mine === undefined) return undefined
  try {
    return work()
  } finally {
    // Unless somebody took us for dead.
    if (isSame(look(path), mine)) unlinkSync(path)
  }
}

function acquire(path: string): Stats | undefined {
  const lock = create(path)
  if (lock !== undefined) return lock
  const theirs = look(path)
  if (theirs !== undefined && !isStale(theirs)) return undefined
  if (theirs !== undefined && !remove(path, theirs)) return undefined
  return create(path)
}

function create(path: string): Stats | undefined {
  try {
    closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o640))
    return look(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
    throw error
  }
}

/** By renaming it first: of several who find it stale, one gets it. One who gets a new lock in its place puts that back. */
function remove(path: string, stale: Stats): boolean {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    const isTheStale = isSame(look(aside), stale)
    if (isTheStale) unlinkSync(aside)
    else renameSync(aside, path)
    return isTheStale
  } catch {
    return false
  }
}

/** A lock from the future is one from before the clock was set back. */
function isStale({ mtimeMs }: Stats): boolean {
  return Math.abs(Date.now() - mtimeMs) > STALE_MS
}

function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** By its time as well: file systems give the number of a removed file to the next one. */
function isSame(a: Stats | undefined, b: Stats): boolean {
  return a !== undefined && a.ino === b.ino && a.dev === b.dev && a.mtimeMs === b.mtimeMs
}
