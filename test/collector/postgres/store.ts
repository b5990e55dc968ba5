/** A store as the collector makes it, migrated and with partitions, on any database. */
import type { Batch } from '../../../collector/src/batch.ts'
import type { Level } from '../../../collector/src/level.ts'
import { createPartitions, type Partitions } from '../../../collector/src/postgres/partitions.ts'
import { postgresReader } from '../../../collector/src/postgres/query.ts'
import type { Database } from '../../../collector/src/postgres/queryable.ts'
import { LOGS, METRIC_POINTS, SPANS } from '../../../collector/src/postgres/rows.ts'
import { migrate } from '../../../collector/src/postgres/schema.ts'
import { postgresSink } from '../../../collector/src/postgres/sink.ts'
import type { Reader } from '../../../collector/src/reader.ts'
import type { Outcome } from '../../../src/wire/outcome.ts'

export type Store = {
  readonly database: Database
  readonly partitions: Partitions
  readonly reader: Reader
  send(batch: Batch): Promise<Outcome>
  count(table: string, instanceId: string): Promise<number>
}

export type StoreOptions = {
  readonly now?: () => number
  readonly logLevel?: Level
  readonly retentionDays?: number
  readonly warn?: (message: string) => void
  readonly stepRows?: number
}

export async function openStore(database: Database, options: StoreOptions = {}): Promise<Store> {
  await migrate(database)
  const { now = Date.now, logLevel = 'DEBUG', retentionDays = 30, warn = () => {}, ...rest } = options
  const partitions = createPartitions({ admin: database, tables: [LOGS, SPANS, METRIC_POINTS], retentionDays, now, warn, ...rest })
  await partitions.maintain(new AbortController().signal)
  const sink = postgresSink({ database, partitions, logLevel })
  return {
    database,
    partitions,
    reader: postgresReader(database),
    send: (batch) => sink(batch, new AbortController().signal),
    async count(table, instanceId) {
      const { rows } = await database.query<{ count: number }>(`SELECT count(*)::integer FROM ${table} WHERE instance_id = $1`, [
        instanceId,
      ])
      return rows[0]!.count
    },
  }
}
