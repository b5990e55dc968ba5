/** CREATE: the whole collector as one expression; the only file that knows every folder. */
import { setTimeout as sleep } from 'node:timers/promises'
import { withTimeout } from '../../src/wire/timeout.ts'
import { createApi } from './api/api.ts'
import { serve } from './api/serve.ts'
import type { CollectorConfig } from './config.ts'
import { fanout } from './fanout.ts'
import { openDatabase } from './postgres/database.ts'
import { createPartitions } from './postgres/partitions.ts'
import { postgresReader } from './postgres/query.ts'
import type { Database } from './postgres/queryable.ts'
import { LOGS, METRIC_POINTS, SPANS } from './postgres/rows.ts'
import { postgresSink } from './postgres/sink.ts'
import { createUpkeep } from './postgres/upkeep.ts'
import { createReceiver } from './receive/http.ts'
import { createStats } from './stats.ts'

export type Collector = {
  /**
   * Listens, and makes the database ready. Rejects when it cannot listen, or when the database can never be used. A
   * server that is merely down is waited for in the background: until it is there senders are told to try again.
   */
  start(): Promise<{ readonly url: string; readonly store: Store }>
  /** Takes no more, finishes what is in hand, closes the database. Bounded in time. True when nothing was cut off. */
  stop(): Promise<boolean>
}

/** Where data goes, and why not yet. */
export type Store = { readonly kind: Database['kind']; readonly problem: string | undefined }

/** What the collector needs from outside. */
export type CollectorDeps = {
  readonly database: Database
  /** The same database as its owner; the same object when one user does both. */
  readonly admin: Database
  /** ms since 1970. */
  readonly now: () => number
  /** Told of faults of ours; the sender sees a 503. */
  readonly onFault: (error: Error) => void
}

/** Below the 30 s of the official collector's exporter, so that the sender learns what happened. */
const STORE_TIMEOUT_MS = 25_000
/** What is in hand when the stop comes; orchestrators kill after 10 to 30 s. */
const STOP_TIMEOUT_MS = 5_000

/**
 * ```
 *  receive ──► decode ──► fan out ──► postgres ◄── api
 * ```
 * Throws when the database's folder is in use or cannot be written.
 */
export function createCollector(config: CollectorConfig, deps: CollectorDeps = realDeps(config)): Collector {
  const { database, admin, now, onFault } = deps
  const { logLevel, retentionDays, readToken, ingestToken } = config
  const stats = createStats()
  const partitions = createPartitions({ admin, tables: [LOGS, SPANS, METRIC_POINTS], retentionDays, now })
  const upkeep = createUpkeep({ database, admin, partitions })
  const postgres = withTimeout(upkeep.gate(postgresSink({ database, partitions, logLevel })), STORE_TIMEOUT_MS)
  const { readiness } = upkeep

  const server = createReceiver({
    routes: { all: fanout({ postgres }), postgres },
    tokens: ingestToken === undefined ? [] : [ingestToken],
    api: serve(
      createApi({ reader: postgresReader(database), readToken, readiness, store: database.kind, metricsText: stats.prometheus, now }),
    ),
    stats,
    onFault,
  })

  async function start() {
    const { host, port } = await server.listen(config.listen.host, config.listen.port)
    await upkeep.start()
    const state = await readiness()
    return { url: urlOf(host, port), store: { kind: database.kind, problem: state.ready ? undefined : state.reason } }
  }
  async function stop() {
    const answered = await server.stop(STOP_TIMEOUT_MS)
    upkeep.stop()
    const closed = await isDoneWithin(Promise.all([database.close(), admin.close()]), STOP_TIMEOUT_MS)
    return answered && closed
  }
  return {
    async start() {
      try {
        return await start()
      } catch (error) {
        await stop()
        throw error
      }
    },
    stop,
  }
}

/** The real world for {@link createCollector}. */
function realDeps({ database: { url, adminUrl, dataDir } }: CollectorConfig): CollectorDeps {
  const database = openDatabase({ url, dataDir })
  const admin = adminUrl === undefined || adminUrl === url ? database : openDatabase({ url: adminUrl, dataDir })
  return { database, admin, now: Date.now, onFault: (error) => process.stderr.write(`tts-otel-collector: ${error.stack}\n`) }
}

async function isDoneWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const done = work.then(
    () => true,
    () => true,
  )
  const timer = new AbortController()
  const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false)
  return await Promise.race([done, late]).finally(() => timer.abort())
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
