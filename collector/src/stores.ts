/** CREATE: what a command needs of the stores; {@link createCollector} is the same for the service. */
import { join } from 'node:path'
import { countWaiting } from '../../src/wire/spool-look.ts'
import { describeRemains } from './alert-remains.ts'
import { asError } from './as-error.ts'
import type { Sink } from './batch.ts'
import type { CollectorConfig, ElasticsearchConfig } from './config.ts'
import { createClient } from './elasticsearch/client.ts'
import { credentialsOf } from './elasticsearch/credentials.ts'
import { openElasticsearch } from './elasticsearch/elasticsearch.ts'
import * as elasticErase from './elasticsearch/erase.ts'
import * as elasticLetters from './elasticsearch/letters.ts'
import { requireRights } from './elasticsearch/rights.ts'
import type { LetterBox, Resent, StoreName } from './letters.ts'
import type { Eraser } from './person.ts'
import { alertRecords } from './postgres/alert-records.ts'
import { openDatabase } from './postgres/database.ts'
import * as postgresErase from './postgres/erase.ts'
import * as postgresLetters from './postgres/letters.ts'
import { FolderInUseError } from './postgres/lock.ts'
import { createPartitions } from './postgres/partitions.ts'
import { hasPglite } from './postgres/pglite.ts'
import type { Database } from './postgres/queryable.ts'
import { reasonOf } from './postgres/reason.ts'
import { LOGS, METRIC_POINTS, SPANS } from './postgres/rows.ts'
import { requireSchema } from './postgres/schema.ts'
import { postgresSink } from './postgres/sink.ts'
import { queueFolder } from './queue.ts'
import { readJournal } from './vault/journal.ts'

export type Store = { readonly eraser: Eraser; readonly letters: LetterBox; readonly close: () => Promise<void> }

/** A person is waiting; what takes longer than this hangs. */
const ELASTICSEARCH_TIMEOUT_MS = 600_000

/** Stores, and those that could not be opened. */
export type OpenedStores = {
  readonly stores: readonly Store[]
  readonly away: readonly { readonly store: StoreName; readonly error: Error }[]
}

/**
 * The stores that the config names, or of them the one with a name. One cannot be opened when it does not answer, the database
 * also when another process has it or when it holds no telemetry.
 */
export async function openStores(config: CollectorConfig, only?: StoreName): Promise<OpenedStores> {
  const { elasticsearch } = config
  const openers: readonly (readonly [store: StoreName, open: () => Promise<Store>])[] = [
    ['postgres', () => openPostgres(config)],
    ...(elasticsearch === undefined ? [] : [['elasticsearch', () => openElastic(config, elasticsearch)] as const]),
  ]
  const stores: Store[] = []
  const away: OpenedStores['away'][number][] = []
  for (const [store, open] of openers.filter(([name]) => only === undefined || name === only))
    try {
      stores.push(await open())
    } catch (error) {
      away.push({ store, error: asError(error) })
    }
  return { stores, away }
}

async function openPostgres({ database: { url, adminUrl, dataDir }, retentionDays }: CollectorConfig): Promise<Store> {
  const database = openOwner({ url: adminUrl ?? url, dataDir })
  try {
    await requireSchema(database)
  } catch (error) {
    await database.close()
    throw new Error(
      url === undefined ? `${reasonOf(error)}. This is the one embedded in ${dataDir}; DATABASE_URL names a server` : reasonOf(error),
      {
        cause: error,
      },
    )
  }
  const partitions = createPartitions({
    admin: database,
    tables: [LOGS, SPANS, METRIC_POINTS],
    retentionDays,
    now: Date.now,
    warn: () => {},
  })
  const sink = postgresSink({ database, partitions, logLevel: 'DEBUG' })
  const remembered = async () =>
    url === undefined ? readJournal(join(dataDir, 'alerts', 'memory.jsonl')) : await alertRecords(database).load()
  return {
    eraser: {
      name: url === undefined ? `the embedded database in ${dataDir}` : 'PostgreSQL',
      findTrail: (userId) => asOwner(postgresErase.findTrail(database, userId)),
      erase: (options) => asOwner(postgresErase.erase(database, options)),
      remains: async (options) => describeRemains(await remembered(), options),
    },
    letters: {
      store: 'postgres',
      count: () => asOwner(postgresLetters.countLetters(database)),
      list: (filter) => asOwner(postgresLetters.listLetters(database, filter)),
      remove: (ids) => asOwner(postgresLetters.removeLetters(database, ids)),
      resend: (batch) => asOwner(offer(sink, batch)),
    },
    close: () => database.close(),
  }
}

/** What a user who is not the owner may not do says whom to name. */
async function asOwner<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error })
  }
}

function openOwner(options: { readonly url: string | undefined; readonly dataDir: string }): Database {
  if (options.url === undefined && !hasPglite(options.dataDir))
    throw new Error(
      `DATABASE_URL is not set, and ${options.dataDir} holds no embedded database. ` +
        'Set DATABASE_ADMIN_URL and DATABASE_URL as the collector has them, or COLLECTOR_DATA_DIR to the folder of one without',
    )
  try {
    return openDatabase({ ...options, purpose: 'maintain' })
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw error
    throw new Error(`The embedded database in ${options.dataDir} is for one process at a time: stop the collector for this`, {
      cause: error,
    })
  }
}

async function openElastic(
  { retentionDays, database }: CollectorConfig,
  { url, ca, indexPrefix, ...rest }: ElasticsearchConfig,
): Promise<Store> {
  const connection = { url, ca, credentials: credentialsOf(rest) }
  const prefix = indexPrefix
  const client = createClient(connection)
  const warn = () => {}
  const options = () => ({ client, prefix, signal: AbortSignal.timeout(ELASTICSEARCH_TIMEOUT_MS) })
  try {
    await requireRights(options())
  } catch (error) {
    client.close()
    throw error
  }
  const elasticsearch = openElasticsearch({ connection, prefix, retentionDays, ilmPolicy: rest.ilmPolicy, now: Date.now, warn })
  return {
    eraser: {
      name: 'Elasticsearch',
      findTrail: (userId) => elasticErase.findTrail(options(), userId),
      erase: (erasing) => elasticErase.erase(options(), erasing),
      async remains() {
        const folder = queueFolder(database.dataDir, 'elasticsearch')
        const { logs } = await countWaiting(folder)
        return logs === 0
          ? []
          : [`${logs} log records wait for Elasticsearch in ${folder}, of whomever: run it again when Elasticsearch has them`]
      },
    },
    letters: {
      store: 'elasticsearch',
      count: () => elasticLetters.countLetters(options()),
      list: (filter) => elasticLetters.listLetters(options(), filter),
      remove: (ids) => elasticLetters.removeLetters(options(), ids),
      async resend(batch) {
        await elasticsearch.start()
        return await offer(elasticsearch.sink, batch)
      },
    },
    async close() {
      elasticsearch.stop()
      client.close()
    },
  }
}

const OFFER_TIMEOUT_MS = 30_000

/** Throws when the store does not take it now. */
async function offer(sink: Sink, batch: Parameters<Sink>[0]): Promise<Resent> {
  const outcome = await sink(batch, AbortSignal.timeout(OFFER_TIMEOUT_MS))
  if (outcome.kind === 'retry') throw outcome.error
  if (outcome.kind === 'drop') return { kind: 'refused', reason: outcome.error.message }
  return outcome.rejected === undefined ? { kind: 'stored' } : { kind: 'refused', reason: outcome.rejected.message }
}
