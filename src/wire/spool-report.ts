import type { Ledger } from './spool-ledger.ts'
import type { SpoolDropReason } from './spool-segment.ts'

export type LossReportOptions = {
  readonly dir: string
  readonly now: () => number
  readonly warn: (message: string) => void
}

const REMEDIES: Readonly<Record<SpoolDropReason, string>> = {
  spool_full: 'no room for more; see why the destination does not take them, or give the spool more',
  expired: 'older than the spool keeps them; see why the destination did not take them',
  corrupt: 'damaged on disk, or cut off when a process was killed; see whether the disk is sound',
  io: 'could not be written or read; free disk space or choose another directory',
}
const REASONS = ['spool_full', 'expired', 'corrupt', 'io'] as const
const INTERVAL_MS = 60_000

/** Makes the function that says what has been dropped since it last said so, once a minute at most. Never throws. */
export function createLossReport(ledger: Ledger, { dir, now, warn }: LossReportOptions): (error?: unknown) => void {
  const said = { spool_full: 0, expired: 0, corrupt: 0, io: 0 }
  let saidMs = Number.NEGATIVE_INFINITY
  let lastError: unknown
  return function reportLoss(error) {
    lastError = error ?? lastError
    const lines = REASONS.flatMap((reason) => {
      const items = totalOf(ledger, reason) - said[reason]
      return items > 0 ? [`${items} ${REMEDIES[reason]}`] : []
    })
    // A clock that was set back must not silence us.
    if (lines.length === 0 || Math.abs(now() - saidMs) < INTERVAL_MS) return
    saidMs = now()
    for (const reason of REASONS) said[reason] = totalOf(ledger, reason)
    const cause = lastError instanceof Error ? ` Last error: ${lastError.message}.` : ''
    lastError = undefined
    try {
      warn(`The telemetry spool in ${dir} dropped items: ${lines.join('; ')}.${cause}`)
    } catch {
      // Whoever writes our messages must not stop the queue.
    }
  }
}

function totalOf(ledger: Ledger, reason: SpoolDropReason): number {
  return Object.values(ledger.dropped[reason]).reduce((sum, items) => sum + items, 0)
}
