import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AlertDesk } from './alert-desk.ts'
import { createAlertDesk, problemsOf } from './alert-status.ts'
import { createTenure, type Tenure } from './alert-tenure.ts'
import { openTerm } from './alert-term.ts'
import { type AlertsConfig, judgeChannels } from './alerts-config.ts'
import type { Batch, Sink } from './batch.ts'
import { isDoneWithin } from './done-within.ts'
import type { FollowedFiles } from './follow-files.ts'
import { type Leadership, LOOK_INTERVAL_MS } from './leadership.ts'
import { createChannels } from './notify/channels.ts'
import { environmentChannels, type NotifyConfig } from './notify-config.ts'
import { FolderInUseError } from './postgres/lock.ts'
import type { RecordTable } from './record.ts'
import { type RuleBook, readRuleBook } from './rule-book.ts'
import { createSeldom, type Seldom } from './seldom.ts'
import { createSignals, type Signals, type SignalsStats } from './signals/signals.ts'
import { hasEvaluated, leaveVault } from './vault/open-vault.ts'

export type AlertingOptions = {
  readonly config: AlertsConfig
  readonly notify: NotifyConfig
  /** Where this collector remembers; a file of its own. */
  readonly file: string
  /** Keeps other processes from the file, and returns how to let them. Throws when another one has it. */
  readonly takeFile: () => () => void
  readonly leadership: Leadership
  /** Beside the file; undefined for a database that only this process can open. */
  readonly table: RecordTable | undefined
  /** ms since 1970. */
  readonly now: () => number
  readonly random: () => number
  readonly warn: (message: string) => void
}

/** From telemetry to whom it may concern. */
export type Alerting = {
  /** Takes a batch when this collector decides; otherwise `retry`, so that a sender with a queue goes to the one that does. */
  readonly sink: Sink
  /** The same beside other sinks: never holds them up. A collector that stands by fills its windows with it. */
  readonly beside: Sink
  start(): Promise<void>
  stop(): Promise<void>
  readonly desk: AlertDesk
  /** The file of rules, for `followFiles`. */
  readonly files: readonly FollowedFiles[]
  readonly stats: () => AlertingStats
}

export type AlertingStats = SignalsStats & {
  readonly isLeading: boolean
  readonly checks: number
  readonly failedChecks: number
  readonly errorsSuppressed: number
}

/** A sender with a queue finds the collector that decides within it. */
const STANDBY_AFTER_MS = 5_000
/** A memory that is well has kept the report of an error within it, so that it is durable when the sender is answered. */
const BESIDE_MS_MAX = 250

/**
 * ```
 * telemetry ──► signals ──► rules ──► outbox ──► channels
 *                             ▲          ▲
 *                             └── vault ─┘   a file, and the database beside it
 * ```
 * Of several collectors on one database one decides, and goes on alone while the database is away.
 */
export function openAlerting(options: AlertingOptions): Alerting {
  const { config, now, warn, leadership } = options
  const { checkIntervalMs } = config
  const tell = createSeldom(warn, now)
  const signals = createSignals({ sinceMs: now() })
  const books = openBooks(options, signals)
  const id = randomUUID()
  const tenure = createTenure({
    ...options,
    open(table) {
      // Until now senders were told to go to another collector.
      if (hasStarted) signals.listenFrom(now())
      return openTerm({ ...options, id, signals, book: books.current, channels: books.channels(), checkIntervalMs }, table)
    },
    leave: () => leave(options, tell),
    onFault: ({ message }) => tell('open', `this collector cannot decide about alerts yet: ${message}`),
  })
  const checking = createChecking({ tenure, signals, now, tell })
  const stopping = new AbortController()
  let hasStarted = false
  let running: Promise<unknown> = Promise.resolve()

  async function take(batch: Batch): Promise<void> {
    signals.take(batch, now())
    if (batch.signal === 'logs') await tenure.term()?.watch(batch.records)
  }

  return {
    async sink(batch) {
      if (tenure.term() === undefined)
        return { kind: 'retry', afterMs: STANDBY_AFTER_MS, error: new Error('this collector stands by: another one decides about alerts') }
      await take(batch)
      return { kind: 'ok' }
    },
    async beside(batch) {
      const taken = take(batch).catch((error: Error) => tell('errors', `an error was not reported: ${error.message}`))
      await isDoneWithin(taken, BESIDE_MS_MAX)
      return { kind: 'ok' }
    },
    async start() {
      await tenure.follow()
      hasStarted = true
      const { signal } = stopping
      running = Promise.all([repeat(tenure.follow, LOOK_INTERVAL_MS, signal), repeat(checking.check, checkIntervalMs, signal)])
    },
    async stop() {
      stopping.abort()
      await running
      await tenure.end()
      await leadership.close()
    },
    desk: createAlertDesk({
      term: tenure.term,
      rank: leadership.rank,
      book: books.current,
      signals,
      now,
      checkedAtMs: checking.checkedAtMs,
    }),
    files: books.files((channels) => tenure.term()?.use(channels)),
    stats: () => {
      const term = tenure.term()
      return { ...signals.stats(), ...checking.counts(), isLeading: term !== undefined, errorsSuppressed: term?.errors.suppressed() ?? 0 }
    },
  }
}

/** Notes that another collector decides now, so that this one does not begin to after a restart while the database is away. */
async function leave({ file, takeFile }: AlertingOptions, tell: Seldom): Promise<boolean> {
  if (!hasEvaluated(file)) return true
  try {
    const release = takeFile()
    try {
      await leaveVault({ file, onFault: ({ message }) => tell('vault', `alerts: ${message}`) })
    } finally {
      release()
    }
    return true
  } catch (error) {
    // A file that another process has is that one's to write.
    if (error instanceof FolderInUseError) return true
    tell('leave', `alerts: that another collector decides now cannot be kept: ${error instanceof Error ? error.message : error}`)
    return false
  }
}

type ChannelsOf = ReturnType<typeof createChannels>

/** The rules that hold, and the channels that they name. */
function openBooks({ config, notify, now }: AlertingOptions, signals: Signals) {
  const channelNames = environmentChannels(notify)
  let { book } = readRuleBook(config.rules, { channelNames })
  watch()
  function watch(): void {
    signals.watch({ windowMsMax: book.windowMsMax, logCounts: book.rules.logCounts })
  }
  const channels = () => createChannels({ ...notify, named: book.channels }, { now })
  return {
    current: (): RuleBook => book,
    channels,
    files(use: (channels: ChannelsOf) => void): readonly FollowedFiles[] {
      const { file } = config.rules
      if (!config.inFile) return []
      return [
        {
          name: 'ALERT_RULES',
          paths: [file],
          apply([text = '']) {
            const { book: next, problems } = readRuleBook({ file, text }, { channelNames })
            const all = [...problems, ...judgeChannels(next, notify)]
            if (all.length > 0) throw new Error(all.join('; '))
            if (JSON.stringify(next) === JSON.stringify(book)) return undefined
            book = next
            watch()
            use(channels())
            return `it has ${next.rules.rules.length} rules now`
          },
        },
      ]
    },
  }
}

type CheckingOptions = {
  readonly tenure: Tenure
  readonly signals: Signals
  readonly now: () => number
  readonly tell: (matter: string, message: string) => void
}

/** Looks at the rules, and at what is not as it should be. */
function createChecking({ tenure, signals, now, tell }: CheckingOptions) {
  const counts = { checks: 0, failedChecks: 0 }
  let checkedAtMs: number | undefined
  let lasting: readonly string[] = []
  return {
    counts: () => counts,
    checkedAtMs: () => checkedAtMs,
    async check(): Promise<void> {
      signals.forget(now())
      const term = tenure.term()
      if (term === undefined) return
      try {
        await term.check()
        counts.checks++
        checkedAtMs = now()
      } catch (error) {
        counts.failedChecks++
        tell('check', `the rules of alerts could not be looked at: ${error instanceof Error ? error.message : error}`)
      }
      const problems = problemsOf(term, signals)
      for (const { matter, message } of problems) if (!lasting.includes(matter)) tell(matter, message)
      lasting = problems.flatMap(({ matter, lasts }) => (lasts ? [matter] : []))
    },
  }
}

/** Until `signal` aborts; what takes longer than the interval is begun anew at once. */
async function repeat(work: () => Promise<void>, intervalMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const startMs = performance.now()
    await work()
    const restMs = Math.max(1, intervalMs - (performance.now() - startMs))
    await sleep(restMs, undefined, { signal, ref: false }).catch(() => undefined)
  }
}
