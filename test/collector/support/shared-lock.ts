import type { LeaderLock } from '../../../collector/src/leadership.ts'

/** A lock in a database that several collectors share, and that can be away. */
export type SharedLock = {
  isAway: boolean
  /** Whoever has it. */
  holder: string | undefined
  /** Looks by all. */
  looks: number
  /** As one collector sees it. */
  of(id: string): LeaderLock
}

export function createSharedLock(): SharedLock {
  const shared: SharedLock = {
    isAway: false,
    holder: undefined,
    looks: 0,
    of: (id) => ({
      async acquire() {
        ask()
        shared.holder ??= id
        return shared.holder === id
      },
      async isFree() {
        ask()
        return shared.holder === undefined
      },
      async isHeld() {
        shared.looks++
        return !shared.isAway && shared.holder === id
      },
      async close() {
        if (shared.holder === id) shared.holder = undefined
      },
    }),
  }
  function ask(): void {
    shared.looks++
    if (shared.isAway) throw new Error('connect ECONNREFUSED')
  }
  return shared
}
