import type { Term } from './alert-term.ts'
import { isDoneWithin } from './done-within.ts'
import type { Leadership, Rank } from './leadership.ts'
import type { RecordTable } from './record.ts'

export type TenureOptions = {
  readonly leadership: Leadership
  /** Undefined for a database that only this process can open. */
  readonly table: RecordTable | undefined
  readonly open: (table: RecordTable | undefined) => Promise<Term>
  /** Notes that another collector decides; false when that cannot be kept: it is asked again. Never rejects. */
  readonly leave: () => Promise<boolean>
  /** ms since 1970. */
  readonly now: () => number
  readonly onFault: (error: Error) => void
}

/** Whether this collector decides, and with what it remembers. */
export type Tenure = {
  /** Undefined while another collector decides, or may. */
  term(): Term | undefined
  /** Brings this collector into line with who decides; to be called again and again, one call after the other. Never rejects. */
  follow(): Promise<void>
  end(): Promise<void>
}

/** A slow database takes its time beside the looks at the lock: without a look for 15 s the server ends the lock's session. */
const MOVE_MS_MAX = 1_000

export function createTenure({ leadership, table, open, leave, now, onFault }: TenureOptions): Tenure {
  let rank: Rank = 'standby'
  let term: Term | undefined
  /** Another one each time that somebody else may have decided: what was opened for an earlier one does not count. */
  let turn = 0
  let moving: Promise<void> | undefined
  let hasLeft = false

  async function end(): Promise<void> {
    turn++
    const ended = term
    term = undefined
    await ended?.close()
  }

  async function begin(): Promise<Term | undefined> {
    const begun = turn
    hasLeft = false
    const opened = await open(rank === 'leading' ? table : undefined)
    if (turn === begun) term = opened
    else await opened.close()
    return term
  }

  async function move(): Promise<void> {
    if (term?.vault.isLost()) await end()
    const current = term ?? (await begin())
    if (current === undefined || table === undefined || rank !== 'leading') return
    if (await current.vault.join(table)) return await current.vault.catchUp()
    // Another one has decided in between: what that one remembers counts.
    await end()
    await begin()
  }

  async function stand(): Promise<void> {
    await end()
    if (!hasLeft && moving === undefined) hasLeft = await leave()
  }

  async function followLeader(): Promise<void> {
    rank = await leadership.look(now())
    if (rank === 'standby') return await stand()
    moving ??= move()
      .catch(onFault)
      .finally(() => {
        moving = undefined
      })
    await isDoneWithin(moving, MOVE_MS_MAX)
  }

  return {
    term: () => term,
    follow: () => followLeader().catch(onFault),
    async end() {
      await end()
      if (moving !== undefined) await isDoneWithin(moving, MOVE_MS_MAX)
    },
  }
}
