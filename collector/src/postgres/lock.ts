import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Another process uses the folder. */
export class FolderInUseError extends Error {
  constructor(folder: string, pid: number, file: string) {
    super(
      `The folder ${folder} is in use by another collector (process ${pid}). ` +
        `Stop that one, or give this one a folder of its own with COLLECTOR_DATA_DIR. (If process ${pid} is no collector, remove ${file}.)`,
    )
    this.name = 'FolderInUseError'
  }
}

/** Who holds a folder: `start` tells a process from a later one that was given the same id; '' where the system does not say. */
type Holder = { readonly pid: number; readonly start: string }

/**
 * Takes the folder for this process and returns how to give it back. An embedded database that is opened twice is a broken one.
 *
 * A lock of a process that is gone (killed, power cut) is taken over. Processes in containers that share a volume but no
 * process ids do not see one another: give each its own folder. Throws {@link FolderInUseError}.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'collector.lock')
  const mine = JSON.stringify({ pid: process.pid, start: processStart(process.pid) } satisfies Holder)
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, mine)
  try {
    while (!link(draft, file)) {
      const found = read(file)
      const holder = parseHolder(found)
      if (holder !== undefined && isRunning(holder)) throw new FolderInUseError(folder, holder.pid, file)
      removeStale(file, found)
    }
  } finally {
    rmSync(draft, { force: true })
  }
  return function unlock() {
    if (read(file) === mine) rmSync(file, { force: true })
  }
}

/** Creates `file` with the content of `draft` in one step; false when it exists. */
function link(draft: string, file: string): boolean {
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, start } = JSON.parse(text)
    return Number.isInteger(pid) && pid > 0 ? { pid, start: String(start) } : undefined
  } catch {
    return undefined
  }
}

function isRunning({ pid, start }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return start === '' || start === processStart(pid)
}

/** Moves the stale lock away first: two processes may find it at once, and the second must not remove the lock of the first. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.stale.${process.pid}`
  try {
    renameSync(file, aside)
    if (read(aside) !== stale) link(aside, file)
    rmSync(aside, { force: true })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

/** Start of a process in clock ticks since boot (Linux), '' elsewhere. Field 22; the name in field 2 may hold spaces. */
function processStart(pid: number): string {
  const stat = read(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
