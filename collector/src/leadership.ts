/** A lock that one collector has at a time; each call rejects when the database does not answer. */
export type LeaderLock = {
  acquire(): Promise<boolean>
  isFree(): Promise<boolean>
  /** Never rejects. */
  isHeld(): Promise<boolean>
  close(): Promise<void>
}

/** `leading`: has the lock. `alone`: had it, and the database is away, so that nobody can have it. `standby`: all else. */
export type Rank = 'leading' | 'alone' | 'standby'

export type Leadership = {
  rank(): Rank
  /** Looks once, and says what came of it; to be called every {@link LOOK_INTERVAL_MS}. Never rejects. */
  look(nowMs: number): Promise<Rank>
  /** Gives the lock back. */
  close(): Promise<void>
}

export type LeadershipOptions = {
  readonly lock: LeaderLock
  /** That this collector had the lock last: then it goes on when the database is away. */
  readonly wasLeader: boolean
}

export const LOOK_INTERVAL_MS = 1_000
/**
 * A lock has to be free for so long before a standby takes it: whoever had it when the database went away comes back to it
 * first, with what it remembers of the meantime.
 */
export const FREE_MS_MIN = 5_000

/** Decides who evaluates: without the lock nobody begins to. */
export function createLeadership({ lock, wasLeader }: LeadershipOptions): Leadership {
  let rank: Rank = wasLeader ? 'alone' : 'standby'
  let freeSinceMs: number | undefined

  async function next(nowMs: number): Promise<Rank> {
    if (rank === 'leading' && (await lock.isHeld())) return 'leading'
    try {
      if (rank !== 'standby') return (await lock.acquire()) ? 'leading' : 'standby'
      return await stand(nowMs)
    } catch {
      freeSinceMs = undefined
      return rank === 'standby' ? 'standby' : 'alone'
    }
  }

  async function stand(nowMs: number): Promise<Rank> {
    if (!(await lock.isFree())) {
      freeSinceMs = undefined
      return 'standby'
    }
    freeSinceMs ??= nowMs
    if (nowMs - freeSinceMs < FREE_MS_MIN) return 'standby'
    freeSinceMs = undefined
    return (await lock.acquire()) ? 'leading' : 'standby'
  }

  return {
    rank: () => rank,
    async look(nowMs) {
      rank = await next(nowMs)
      return rank
    },
    close: () => lock.close(),
  }
}

/** For a database that one process alone can open. */
export function createSoleLeadership(): Leadership {
  return { rank: () => 'leading', look: async () => 'leading', close: async () => undefined }
}
