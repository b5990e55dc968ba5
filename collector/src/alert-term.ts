import { SETTLE_MS } from './alert/step.ts'
import type { LogRecord } from './batch.ts'
import { ERRORS_CHANNEL } from './error-report.ts'
import { createErrorReporting, type ErrorReporting } from './error-reporting.ts'
import { createEvaluator, type Evaluator } from './evaluator.ts'
import { PATIENCE_MS } from './notify/lane.ts'
import { type Channels, createOutbox, type Outbox, type OutboxOptions } from './notify/outbox.ts'
import { FolderInUseError } from './postgres/lock.ts'
import type { RecordTable } from './record.ts'
import type { RuleBook } from './rule-book.ts'
import { createSeldom } from './seldom.ts'
import type { Signals } from './signals/signals.ts'
import { vaultDeliveries } from './vault/deliveries.ts'
import { type OpenVault, openVault } from './vault/open-vault.ts'

export type TermOptions = {
  /** Where this collector remembers. */
  readonly file: string
  /** Keeps other processes from it, and returns how to let them. Throws when another one has it. */
  readonly takeFile: () => () => void
  readonly id: string
  readonly signals: Signals
  readonly book: () => RuleBook
  readonly channels: Channels
  readonly checkIntervalMs: number
  /** ms since 1970. */
  readonly now: () => number
  readonly random: () => number
  /** Of the outbox, between attempts; default: real time. */
  readonly sleep?: OutboxOptions['sleep']
  readonly warn: (message: string) => void
}

/** The time in which this collector is the one that decides: from what is remembered to what is told. */
export type Term = {
  readonly evaluator: Evaluator
  readonly outbox: Outbox
  readonly vault: OpenVault
  /** Looks at the rules once. Rejects when what came of it cannot be kept. */
  check(): Promise<void>
  /** Tells of errors that somebody should see at once; resolves when they will be delivered. */
  watch(records: readonly LogRecord[]): Promise<void>
  /** Other channels from now on. */
  use(channels: Channels): void
  readonly errors: Pick<ErrorReporting, 'suppressed'>
  close(): Promise<void>
}

const PRESENCE = { kind: 'presence', key: 'services' } as const
/** How often the slowest process tells its figures. */
const INTERVAL = { kind: 'presence', key: 'interval_ms' } as const
/** A service that has been heard of within it needs no new note. */
const PRESENCE_MS = 60_000

/** Opens what is remembered, and goes on with it. Rejects when the database, if there is one, does not answer, and without one when the file cannot be written. */
export async function openTerm(options: TermOptions, table: RecordTable | undefined): Promise<Term> {
  const { signals, book, now, random, warn, checkIntervalMs } = options
  const vault = await openLocked(options, table)
  const deliveries = vaultDeliveries(vault)
  let channels = options.channels
  const outbox = createOutbox({ channels, store: deliveries, now, random, warn, ...(options.sleep && { sleep: options.sleep }) })
  const evaluator = createEvaluator({
    vault,
    deliveries,
    accept: outbox.accept,
    book,
    channels: () => new Set(Object.keys(channels)),
    read: signals.read,
    now,
    intervalMs: checkIntervalMs,
    signalsSinceMs: signals.sinceMs,
    settleMs: () => Math.max(SETTLE_MS, signals.settleMs(now())),
  })
  const errors = createErrorReporting({ vault, deliveries, accept: outbox.accept, now, tell: createSeldom(warn, now) })
  let notedMs = Number.NEGATIVE_INFINITY

  const heard = vault.get(PRESENCE.kind, PRESENCE.key)
  if (heard !== undefined) signals.presence.restore(JSON.parse(heard))
  signals.expectInterval(Number(vault.get(INTERVAL.kind, INTERVAL.key) ?? 0))
  outbox.start()

  async function notePresence(): Promise<void> {
    if (now() - notedMs < PRESENCE_MS) return
    notedMs = now()
    const changes = [
      { ...PRESENCE, text: JSON.stringify(signals.presence.lastMs()) },
      { ...INTERVAL, text: JSON.stringify(signals.intervalMs(now())) },
    ]
    await vault.write(() => ({ changes, result: undefined }))
  }

  return {
    vault,
    evaluator,
    outbox,
    errors,
    use(replaced) {
      channels = replaced
      outbox.use(replaced)
    },
    async check() {
      await evaluator.check()
      await notePresence()
    },
    async watch(records) {
      if (Object.hasOwn(channels, ERRORS_CHANNEL)) await errors.report(records)
    },
    async close() {
      await errors.settle()
      await outbox.stop()
      await vault.close()
    },
  }
}

async function openLocked({ file, id, takeFile, warn, now }: TermOptions, table: RecordTable | undefined): Promise<OpenVault> {
  const tell = createSeldom(warn, now)
  const onFault = ({ message }: Error) => tell('vault', `alerts: ${message}`)
  const release = take()

  /** On a full disk the database has all that is needed, and its lock keeps others away. */
  function take(): () => void {
    try {
      return takeFile()
    } catch (error) {
      if (table === undefined || !(error instanceof Error) || error instanceof FolderInUseError) throw error
      onFault(error)
      return () => undefined
    }
  }
  try {
    const vault = await openVault({ file, id, now, orphanMsMax: PATIENCE_MS, onFault }, table)
    return {
      ...vault,
      async close() {
        await vault.close()
        release()
      },
    }
  } catch (error) {
    release()
    throw error
  }
}
