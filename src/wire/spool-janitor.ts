import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { DONE_MARK, DONE_OFFSET } from './spool-frame.ts'

/**
 * Marks and removes files behind the caller's back, one file at a time and in any order.
 *
 * Each task may be done twice, and one that fails costs a second delivery at most (the store takes a record once): nothing is reported.
 */
export type Janitor = {
  /** Marks the frame at `offset` of a file as done. */
  mark(path: string, offset: number): void
  /** Removes a file; marks that it still waits for are not needed any more. */
  remove(path: string): void
  /** Resolves when nothing is left to do. Never rejects. */
  flush(): Promise<void>
  /** Does at once what is left. Never throws. */
  flushSync(): void
}

export function createJanitor(): Janitor {
  const marks = new Map<string, Set<number>>()
  const removals = new Set<string>()
  let running = Promise.resolve()

  function start(): Promise<void> {
    running = running.then(work)
    return running
  }

  async function work(): Promise<void> {
    for (;;) {
      const [path] = removals.size > 0 ? removals : marks.keys()
      if (path === undefined) return
      if (removals.has(path)) {
        await unlink(path).catch(() => {})
        removals.delete(path)
      } else await writeMarks(path)
    }
  }

  async function writeMarks(path: string): Promise<void> {
    const offsets = [...(marks.get(path) ?? [])]
    const file = await open(path, 'r+').catch(() => undefined)
    for (const offset of offsets) await file?.write(DONE_MARK, 0, 1, offset + DONE_OFFSET).catch(() => {})
    await file?.close().catch(() => {})
    const left = marks.get(path)
    for (const offset of offsets) left?.delete(offset)
    if (left?.size === 0) marks.delete(path)
  }

  return {
    mark(path, offset) {
      const offsets = marks.get(path) ?? new Set()
      marks.set(path, offsets.add(offset))
      start()
    },
    remove(path) {
      marks.delete(path)
      removals.add(path)
      start()
    },
    flush: start,
    flushSync() {
      for (const path of removals) attempt(() => unlinkSync(path))
      for (const [path, offsets] of marks) attempt(() => writeMarksSync(path, offsets))
      removals.clear()
      marks.clear()
    },
  }
}

function writeMarksSync(path: string, offsets: ReadonlySet<number>): void {
  const fd = openSync(path, 'r+')
  try {
    for (const offset of offsets) writeSync(fd, DONE_MARK, 0, 1, offset + DONE_OFFSET)
  } finally {
    closeSync(fd)
  }
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // Removed, taken by a neighbour or not writable.
  }
}
