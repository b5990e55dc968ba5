import { describeError } from '../describe-error.ts'
import type { Readiness } from '../readiness.ts'
import type { Database } from './queryable.ts'

export type Readability = {
  /** Whether the API can read. Bounded in time, never rejects. */
  ask(): Promise<Readiness>
  /** Asks, and tells a person when it cannot. */
  tell(): Promise<void>
}

const PING_TIMEOUT_MS = 2_000
/** The first question may wait for those of others. */
const READ_TIMEOUT_MS = 5_000

/** Watches the connection of the API: it may be of another user, or to another server, than the one that stores. */
export function createReadability(reading: Database, warn: (message: string) => void): Readability {
  let hasRead = false

  async function ask(): Promise<Readiness> {
    try {
      await reading.ping(AbortSignal.timeout(PING_TIMEOUT_MS))
      if (!hasRead) await reading.query('SELECT FROM logs LIMIT 0', [], { signal: AbortSignal.timeout(READ_TIMEOUT_MS) })
      hasRead = true
      return { ready: true }
    } catch (error) {
      return { ready: false, reason: describeError(error) }
    }
  }

  return {
    ask,
    async tell() {
      const found = await ask()
      if (!found.ready)
        warn(
          `The API cannot read the database (${found.reason}): see that DATABASE_READ_URL names this database, and a user that may connect`,
        )
    },
  }
}
