import { asError } from '../as-error.ts'
import type { RecordChange, RecordTable } from '../record.ts'

/** A database that gets what was written, at once while it answers and later when it does not. */
export type Mirror = {
  /** Resolves with whether the database has it; false after {@link WRITE_MS_MAX} at the latest. It then gets it with one of the next calls. */
  write(changes: readonly RecordChange[]): Promise<boolean>
  /** Writes what it is behind with, when that is much or the database was away. Resolves with whether it is level now. */
  catchUp(): Promise<boolean>
  /** Changes that it does not have. */
  behind(): number
  /** Whether somebody else writes there now: this one then never writes again. */
  isLost(): boolean
}

export type MirrorOptions = {
  readonly table: RecordTable
  /** The text as it is now, or undefined. */
  readonly current: (kind: string, key: string) => string | undefined
  readonly mayWrite: (owner: string | undefined) => boolean
  readonly onFault: (error: Error) => void
}

/** A page must not wait longer for a database that is about to fail. */
const WRITE_MS_MAX = 2_000

/** Begins behind with `changes`. */
export function createMirror({ table, current, mayWrite, onFault }: MirrorOptions, changes: readonly RecordChange[]): Mirror {
  const behind = new Map<string, Pick<RecordChange, 'kind' | 'key'>>()
  note(changes)
  let isUp = true
  let isLost = false
  let isFlushing = false
  let flushed: Promise<boolean> = Promise.resolve(true)

  function note(changed: readonly RecordChange[]): void {
    for (const { kind, key } of changed) behind.set(`${kind} ${key}`, { kind, key })
  }

  async function flush(): Promise<boolean> {
    while (behind.size > 0 && !isLost) {
      const batch = [...behind]
      behind.clear()
      const texts = batch.map(([, { kind, key }]) => ({ kind, key, text: current(kind, key) }))
      const fault = await attempt(texts)
      if (fault === undefined && !isLost) continue
      // What has changed meanwhile keeps its later place.
      const later = [...behind]
      behind.clear()
      for (const [id, change] of [...batch, ...later]) behind.set(id, change)
      if (fault !== undefined) onFault(fault)
      break
    }
    isFlushing = false
    return behind.size === 0
  }

  async function attempt(changes: readonly RecordChange[]): Promise<Error | undefined> {
    try {
      isLost = !(await table.apply(changes, mayWrite))
      isUp = true
      return undefined
    } catch (error) {
      isUp = false
      return asError(error)
    }
  }

  function flushOnce(): Promise<boolean> {
    if (!isFlushing) {
      isFlushing = true
      flushed = flush()
    }
    return flushed
  }

  return {
    async write(changes) {
      note(changes)
      if (!isUp || isLost) return false
      const { promise: late, resolve } = Promise.withResolvers<boolean>()
      const timer = setTimeout(resolve, WRITE_MS_MAX, false)
      return await Promise.race([flushOnce(), late]).finally(() => clearTimeout(timer))
    },
    catchUp: flushOnce,
    behind: () => behind.size,
    isLost: () => isLost,
  }
}
