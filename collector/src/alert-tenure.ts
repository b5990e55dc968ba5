import type { Term } from './alert-term.ts'
import type { Leadership } from './leadership.ts'
import type { RecordTable } from './record.ts'

export type TenureOptions = {
  readonly leadership: Leadership
  /** Undefined for a database that only this process can open. */
  readonly table: RecordTable | undefined
  readonly open: (table: RecordTable | undefined) => Promise<Term>
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

export function createTenure({ leadership, table, open, now, onFault }: TenureOptions): Tenure {
  let term: Term | undefined

  async function end(): Promise<void> {
    const ended = term
    term = undefined
    await ended?.close()
  }

  async function followLeader(): Promise<void> {
    const rank = await leadership.look(now())
    if (rank === 'standby' || term?.vault.isLost()) await end()
    if (rank === 'standby') return
    const beside = rank === 'leading' ? table : undefined
    term ??= await open(beside)
    if (beside === undefined) return
    if (await term.vault.join(beside)) return await term.vault.catchUp()
    // Another one has decided in between: what that one remembers counts.
    await end()
    term = await open(beside)
  }

  return {
    term: () => term,
    follow: () => followLeader().catch(onFault),
    end,
  }
}
