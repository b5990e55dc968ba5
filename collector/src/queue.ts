import { join } from 'node:path'
import type { Outcome } from '../../src/wire/outcome.ts'
import type { Chunk } from '../../src/wire/signal.ts'
import { openSpool } from '../../src/wire/spool.ts'
import type { Batch, Logs, Sink } from './batch.ts'
import { createBell } from './bell.ts'
import { runLanes } from './queue-lanes.ts'
import { safely } from './safely.ts'

export type QueueOptions = {
  /** Of the sink behind it, for people and for the files' destination. */
  readonly name: string
  /** Takes what waits; asked again as long as it says `retry`. */
  readonly sink: Sink
  readonly dir: string
  readonly bytesMax: number
  readonly open: (chunk: Chunk) => Logs
  /** ms since 1970. */
  readonly now: () => number
  /** Gets what a person should know; must not throw. */
  readonly warn: (message: string) => void
}

/** Log records; `dropped` by reason. */
export type QueueStats = {
  readonly waiting: number
  readonly waitingBytes: number
  readonly dropped: Readonly<Record<QueueDropReason, number>>
}

export const QUEUE_DROP_REASONS = ['spool_full', 'expired', 'corrupt', 'io', 'undecodable'] as const
export type QueueDropReason = (typeof QUEUE_DROP_REASONS)[number]

export type Queue = {
  /** `ok` when the records are on disk. Signals other than logs are none of its business and `ok` as well. */
  readonly sink: Sink
  /** Begins to deliver, what earlier processes left included. Throws when the folder cannot be used. */
  start(): void
  /** Ends what is under way, bounded by what the sink makes of its signal; the rest stays on disk. */
  stop(): Promise<void>
  stats(): QueueStats
}

/** Longer than the outage of anything that somebody looks after; the size is the limit that counts. */
const AGE_MS_MAX = 7 * 86_400_000
const CLAIM_INTERVAL_MS = 60_000
/** When the disk takes nothing the sink gets it at once, or not at all: it must not hold up the other sinks. */
const DIRECT_MS_MAX = 2_000

/** Where the queue for a sink is. */
export function queueFolder(dataDir: string, sink: string): string {
  return join(dataDir, 'queue', sink)
}

/**
 * A durable queue in front of a sink that may be slow or away.
 *
 * ```
 * request ──► on disk ──► 200            on disk ──► lanes ──► sink, until it is done
 * ```
 * The bytes of the request are kept as they came. A crash between the sink's answer and its mark on disk sends records
 * twice, and the sink takes each once.
 */
export function createQueue(options: QueueOptions): Queue {
  const { name, dir, bytesMax, open, now, warn } = options
  // One destination whatever its address: a wrong URL is repaired, and then what waited for it is delivered.
  const spool = openSpool({ dir, bytesMax, ageMsMax: AGE_MS_MAX, destination: name, fsync: false, now, warn })
  const stopping = new AbortController()
  const bell = createBell()
  const lost = { undecodable: 0 }
  const rescued = { spool_full: 0, expired: 0, corrupt: 0, io: 0 }
  let lanes: Promise<unknown> = Promise.resolve()

  async function enqueue(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    if (batch.signal !== 'logs') return { kind: 'ok' }
    if (batch.source === undefined) return await options.sink(batch, signal)
    const appended = await spool.append({ signal: 'logs', ...batch.source })
    if (appended.kind === 'stored') {
      spool.release(appended.entry)
      bell.ring()
      return { kind: 'ok' }
    }
    const brief = AbortSignal.any([signal, AbortSignal.timeout(DIRECT_MS_MAX)])
    const outcome = await safely(options.sink)(batch, brief)
    if (outcome.kind !== 'retry') rescued[appended.reason] += batch.source.items
    return outcome.kind === 'retry' ? { kind: 'ok' } : outcome
  }

  function onUndecodable(records: number, reason: string): void {
    lost.undecodable += records
    warn(`${records} log records of the queue for ${name} cannot be read and are dropped: ${reason}`)
  }

  async function claim(): Promise<void> {
    if ((await spool.claimOrphans()) > 0) bell.ring()
  }
  const claiming = setInterval(() => void claim(), CLAIM_INTERVAL_MS).unref()

  return {
    sink: enqueue,
    start() {
      if (spool.problem !== undefined)
        throw new Error(
          `The folder ${dir} cannot hold the queue for ${name}: ${spool.problem}. Set COLLECTOR_DATA_DIR to a folder that this user can write`,
        )
      void claim()
      lanes = runLanes({ spool, bell, open, sink: options.sink, onUndecodable, signal: stopping.signal })
    },
    async stop() {
      clearInterval(claiming)
      stopping.abort(new Error('the collector is stopping'))
      await lanes
      await spool.close()
    },
    stats() {
      const { waiting, waitingBytes, dropped } = spool.stats()
      const left = (reason: keyof typeof rescued) => dropped[reason].logs - rescued[reason]
      const losses = { spool_full: left('spool_full'), expired: left('expired'), corrupt: left('corrupt'), io: left('io'), ...lost }
      return { waiting: waiting.logs, waitingBytes, dropped: losses }
    },
  }
}
