import type { LogRecord } from './batch.ts'
import { deliveryIdOf } from './delivery.ts'
import { ERRORS_CHANNEL, errorIdOf, toErrorNotification } from './error-report.ts'
import { createErrorWatch, isWorthReporting, REPORTS_PER_MINUTE } from './errors/error-watch.ts'
import type { Notification } from './notification.ts'
import type { RecordChange } from './record.ts'
import type { Seldom } from './seldom.ts'
import type { VaultDeliveries } from './vault/deliveries.ts'
import type { Vault } from './vault/vault.ts'

export type ErrorReportingOptions = {
  readonly vault: Vault
  readonly deliveries: Pick<VaultDeliveries, 'together' | 'isKnown'>
  /** Resolves when they will be delivered. */
  readonly accept: (notifications: readonly Notification[]) => Promise<void>
  /** ms since 1970. */
  readonly now: () => number
  readonly tell: Seldom
}

/** Log records that somebody should see at once, on their way to the channel {@link ERRORS_CHANNEL}. */
export type ErrorReporting = {
  /** Resolves when what is to be told of the records will be delivered; rejects when that cannot be kept. */
  report(records: readonly LogRecord[]): Promise<void>
  /** Resolves when nothing waits any more. */
  settle(): Promise<void>
  /** Records that were not reported, as there were too many. */
  suppressed(): number
}

const KIND = 'error_kind'
/** More kinds of errors has nobody; the oldest are forgotten, and told of when they come again. */
const KINDS_MAX = 5_000
/** Records that wait while a slow memory takes those before them; many times what can be reported in a minute. */
const WAITING_MAX = 1_000

/** One report after the other, so that each knows the kinds of those before it; what comes meanwhile goes together. */
export function createErrorReporting({ vault, deliveries, accept, now, tell }: ErrorReportingOptions): ErrorReporting {
  const watch = createErrorWatch(now)
  let waiting: LogRecord[] = []
  let reporting: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | undefined

  async function reportWaiting(): Promise<void> {
    const records = waiting
    waiting = []
    next = undefined
    const known = vault.all(KIND)
    const reports = watch.find(records, {
      isKnown: (kind) => known.has(kind),
      isReported: (uid) => deliveries.isKnown(deliveryIdOf(errorIdOf(uid), ERRORS_CHANNEL)),
    })
    const [first, ...others] = reports.map(toErrorNotification)
    if (first === undefined) return
    deliveries.together(first.id, kindChanges(known, new Set(reports.map(({ kind }) => kind)), now()))
    await accept([first, ...others])
  }

  function tellSuppressed(before: number): void {
    const total = watch.suppressed()
    if (total > before)
      tell(
        'suppressed',
        `there are more errors than can be reported (${REPORTS_PER_MINUTE} a minute): ${total} log records were left out so far`,
      )
  }

  return {
    async report(records) {
      const worth = records.filter(isWorthReporting)
      if (worth.length === 0) return
      const before = watch.suppressed()
      if (waiting.length < WAITING_MAX) waiting.push(...worth)
      else watch.leaveOut(worth.length)
      next ??= reporting.then(reportWaiting)
      reporting = next.catch(() => undefined)
      await next.finally(() => tellSuppressed(before))
    },
    async settle() {
      await reporting
    },
    suppressed: watch.suppressed,
  }
}

function kindChanges(known: ReadonlyMap<string, string>, found: ReadonlySet<string>, nowMs: number): readonly RecordChange[] {
  const fresh = [...found].filter((kind) => !known.has(kind))
  const gone = [...known.keys()].slice(0, Math.max(0, known.size + fresh.length - KINDS_MAX))
  return [
    ...gone.map((key) => ({ kind: KIND, key, text: undefined })),
    ...fresh.map((key) => ({ kind: KIND, key, text: JSON.stringify(nowMs) })),
  ]
}
