/** CREATE: the whole collector as one expression; the only file that knows every folder. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { withTimeout } from '../../src/wire/timeout.ts'
import { createAccess } from './access.ts'
import { alertMetrics } from './alert-metrics.ts'
import { type Alerting, openAlerting } from './alerting.ts'
import type { AlertsConfig } from './alerts-config.ts'
import { createApi } from './api/api.ts'
import { serve } from './api/serve.ts'
import type { Sink } from './batch.ts'
import type { CollectorConfig, ElasticsearchConfig } from './config.ts'
import { isDoneWithin } from './done-within.ts'
import { credentialsOf } from './elasticsearch/credentials.ts'
import { type Elasticsearch, openElasticsearch } from './elasticsearch/elasticsearch.ts'
import { fanout } from './fanout.ts'
import { followFiles } from './follow-files.ts'
import { createLeadership, createSoleLeadership } from './leadership.ts'
import { isLoopback } from './loopback.ts'
import { alertRecords } from './postgres/alert-records.ts'
import { createAudit } from './postgres/audit.ts'
import { openDatabase } from './postgres/database.ts'
import { FolderInUseError, lockFolder } from './postgres/lock.ts'
import { createPartitions } from './postgres/partitions.ts'
import { postgresReader } from './postgres/query.ts'
import type { Database } from './postgres/queryable.ts'
import { LOGS, METRIC_POINTS, SPANS } from './postgres/rows.ts'
import { createSessionLock } from './postgres/session-lock.ts'
import { postgresSink } from './postgres/sink.ts'
import { createUpkeep } from './postgres/upkeep.ts'
import { createQueue, type Queue, queueFolder } from './queue.ts'
import { openBatch } from './receive/decode.ts'
import { createReceiver } from './receive/http.ts'
import { createRefusalStats } from './refusal-stats.ts'
import type { Address } from './settings.ts'
import { createSinkStats } from './sink-stats.ts'
import { createStats } from './stats.ts'
import { createTls } from './tls.ts'
import { hasEvaluated } from './vault/open-vault.ts'
import { readPage } from './viewer/page.ts'

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
  /** The same database for the API; the same object when there is one connection. */
  readonly reading: Database
  /** ms since 1970. */
  readonly now: () => number
  /** Told of faults of ours; the sender sees a 503. */
  readonly onFault: (error: Error) => void
  /** Gets what a person should know while the collector runs. */
  readonly warn: (message: string) => void
}

/** Below the 30 s of the official collector's exporter, so that the sender learns what happened. */
const STORE_TIMEOUT_MS = 25_000
/** For each of what has to end: requests in hand, the queue, alerts, notes of reads, connections of the database. */
const STOP_TIMEOUT_MS = 5_000
/** The longest stop. Whoever kills a collector that does not end (Docker, Kubernetes, systemd) has to wait longer than that. */
export const STOP_MS_MAX = 5 * STOP_TIMEOUT_MS

/**
 * ```
 *  receive ──► decode ──► fan out ──► postgres ◄── api
 *                           │            └──► queue on disk ──► elasticsearch
 *                           └───────► alerts ──► channels
 * ```
 * Throws when the database's folder is in use or cannot be written.
 */
export function createCollector(config: CollectorConfig, deps: CollectorDeps = realDeps(config)): Collector {
  const { database, admin, reading, now, onFault, warn } = deps
  const access = createAccess(config.access, { reachable: !isLoopback(config.listen.host), mutualTls: config.tls?.clientCa !== undefined })
  const stats = createStats()
  const refusals = createRefusalStats()
  const sinkStats = createSinkStats()
  const partitions = createPartitions({ admin, tables: [LOGS, SPANS, METRIC_POINTS], retentionDays: config.retentionDays, now, warn })
  const upkeep = createUpkeep({ database, admin, reading, partitions, warn })
  const audit = createAudit({ database, warn })
  const postgres = sinkStats.counted(
    'postgres',
    withTimeout(upkeep.gate(postgresSink({ database, partitions, logLevel: config.logLevel })), STORE_TIMEOUT_MS),
  )
  const parts = { ...deps, counted: sinkStats.counted }
  const second = config.stores && config.elasticsearch ? openSecond(config, config.elasticsearch, parts) : undefined
  const alerts = config.alerts && openAlerts(config, config.alerts, parts)

  function metricsText(): string {
    const counted = [stats, refusals, partitions, audit, ...(tls ? [tls] : [])].map((each) => each.prometheus())
    const queued = sinkStats.prometheus(second ? { elasticsearch: second.queue.stats() } : {})
    return [...counted, queued, alerts ? alertMetrics(alerts) : ''].join('')
  }

  const server = createReceiver({
    routes: toRoutes(config, { postgres, second, alerts }),
    absent: whyAbsent(config),
    checkSender: access.checkSender,
    tls: config.tls,
    api: serve(
      createApi({
        reader: postgresReader(reading),
        recordRead: audit.record,
        page: readPage,
        checkReader: access.checkReader,
        readiness: upkeep.readiness,
        ...(config.database.readUrl !== undefined && { readability: upkeep.readability }),
        store: database.kind,
        alerts: alerts?.desk,
        ...(second && { others: second.health }),
        metricsText,
        now,
      }),
      { refusals },
    ),
    stats,
    refusals,
    warn,
    onFault,
  })

  const tls = config.tls && createTls(config.tls, { renew: server.renewTls, now })
  const follower = followFiles([...access.files, ...(tls?.files ?? []), ...(alerts?.files ?? [])], { warn })

  async function start() {
    const { host, port } = await server.listen(config.listen.host, config.listen.port)
    second?.queue.start()
    follower.start()
    await Promise.all([upkeep.start(), second?.elasticsearch.start()])
    await alerts?.start()
    const state = await upkeep.readiness()
    return {
      url: urlOf({ host, port }, config.tls !== undefined),
      store: { kind: database.kind, problem: state.ready ? undefined : state.reason },
    }
  }
  async function stop() {
    follower.stop()
    const answered = await server.stop(STOP_TIMEOUT_MS)
    upkeep.stop()
    const left = await isDoneWithin(Promise.resolve(second?.queue.stop()), STOP_TIMEOUT_MS)
    second?.elasticsearch.stop()
    const told = await isDoneWithin(Promise.resolve(alerts?.stop()), STOP_TIMEOUT_MS)
    await isDoneWithin(audit.stop(), STOP_TIMEOUT_MS)
    const closed = await isDoneWithin(Promise.all([database.close(), admin.close(), reading.close()]), STOP_TIMEOUT_MS)
    return answered && left && told && closed
  }
  return { start: () => orElse(start, stop), stop }
}

/** What `begin` gives; when it fails, `end` first. */
async function orElse<T>(begin: () => Promise<T>, end: () => Promise<unknown>): Promise<T> {
  try {
    return await begin()
  } catch (error) {
    await end()
    throw error
  }
}

type Parts = { readonly postgres: Sink; readonly second: Second | undefined; readonly alerts: Alerting | undefined }

/** All of them behind one path, and each behind its own, for a sender with a queue for each. */
function toRoutes({ stores }: CollectorConfig, { postgres, second, alerts }: Parts): Readonly<Record<string, Sink>> {
  const first = { ...(stores && { postgres }), ...(alerts && { alerts: alerts.beside }) }
  return {
    all: fanout(first, second && { elasticsearch: second.queue.sink }),
    ...(stores && { postgres }),
    ...(second && { elasticsearch: second.sink }),
    ...(alerts && { alerts: alerts.sink }),
  }
}

/** Why paths are not there that another collector has. */
function whyAbsent({ stores, alerts, elasticsearch }: CollectorConfig): Readonly<Record<string, string>> {
  return {
    ...(!stores && { postgres: NO_STORES, elasticsearch: NO_STORES }),
    ...(stores && elasticsearch === undefined && { elasticsearch: 'ELASTICSEARCH_URL is not set here' }),
    ...(alerts === undefined && { alerts: 'COLLECTOR_ROLES is without alerts here' }),
  }
}

const NO_STORES = 'COLLECTOR_ROLES is without store here'

/** The role that decides, with what it remembers under the data folder and, on a server, in the database. */
function openAlerts(
  config: CollectorConfig,
  role: AlertsConfig,
  { database, now, warn, counted }: SecondDeps & Pick<CollectorDeps, 'database'>,
): Alerting {
  const { url, dataDir } = config.database
  const folder = join(dataDir, 'alerts')
  const file = join(folder, 'memory.jsonl')
  const leadership =
    url === undefined ? createSoleLeadership() : createLeadership({ lock: createSessionLock(url), wasLeader: hasEvaluated(file) })
  function takeFile(): () => void {
    try {
      mkdirSync(folder, { recursive: true })
      return lockFolder(folder)
    } catch (error) {
      if (error instanceof FolderInUseError) throw error
      throw new Error(
        `The folder ${folder} cannot hold what alerts remember: ${error instanceof Error ? error.message : error}. ` +
          'Set COLLECTOR_DATA_DIR to a folder that this user can write',
        { cause: error },
      )
    }
  }
  const table = url === undefined ? undefined : alertRecords(database)
  const alerting = openAlerting({ config: role, notify: config.notify, file, takeFile, leadership, table, now, random: Math.random, warn })
  return { ...alerting, sink: counted('alerts', alerting.sink) }
}

type Second = {
  readonly elasticsearch: Elasticsearch
  /** Answers when Elasticsearch has the records; for a sender with a queue of its own. */
  readonly sink: Sink
  readonly queue: Queue
  readonly health: NonNullable<Parameters<typeof createApi>[0]['others']>
}

type SecondDeps = Pick<CollectorDeps, 'now' | 'warn'> & { readonly counted: (name: string, sink: Sink) => Sink }

/** Elasticsearch, and the queue that keeps it from holding up PostgreSQL. */
function openSecond(config: CollectorConfig, { url, ca, indexPrefix, ...rest }: ElasticsearchConfig, deps: SecondDeps): Second {
  const { now, warn, counted } = deps
  const connection = { url, ca, credentials: credentialsOf(rest) }
  const { retentionDays, queueBytesMax, database } = config
  const elasticsearch = openElasticsearch({ connection, prefix: indexPrefix, retentionDays, ilmPolicy: rest.ilmPolicy, now, warn })
  const sink = counted('elasticsearch', withTimeout(elasticsearch.sink, STORE_TIMEOUT_MS))
  const queue = createQueue({
    name: 'elasticsearch',
    sink,
    dir: queueFolder(database.dataDir, 'elasticsearch'),
    bytesMax: queueBytesMax,
    open: (chunk) => openBatch('logs', chunk),
    now,
    warn,
  })
  async function health() {
    const { waiting, waitingBytes } = queue.stats()
    return { elasticsearch: { readiness: await elasticsearch.readiness(), waiting, waitingBytes } }
  }
  return { elasticsearch, sink, queue, health }
}

/** The real world for {@link createCollector}. */
function realDeps({ database: { url, adminUrl, readUrl, dataDir } }: CollectorConfig): CollectorDeps {
  const database = openDatabase({ url, dataDir })
  const admin = adminUrl === undefined || adminUrl === url ? database : openDatabase({ url: adminUrl, dataDir })
  const reading = url === undefined ? database : openDatabase({ url: readUrl ?? url, dataDir, purpose: 'read' })
  const say = (text: string | undefined) => void process.stderr.write(`tts-otel-collector: ${text}\n`)
  return { database, admin, reading, now: Date.now, onFault: (error) => say(error.stack), warn: say }
}

function urlOf({ host, port }: Address, secure: boolean): string {
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
