import type { Sink } from '../batch.ts'
import type { Readiness } from '../readiness.ts'
import { type Connection, createClient } from './client.ts'
import { elasticsearchSink } from './sink.ts'
import { createUpkeep } from './upkeep.ts'

export type ElasticsearchOptions = {
  readonly connection: Connection
  /** Of the names of the indexes. */
  readonly prefix: string
  readonly retentionDays: number
  readonly ilmPolicy: string | undefined
  /** ms since 1970. */
  readonly now: () => number
  /** Gets what a person should know; must not throw. */
  readonly warn: (message: string) => void
}

export type Elasticsearch = {
  readonly sink: Sink
  /** Looks at the server, once in the foreground. Never rejects: one that is down or wrong is waited for. */
  start(): Promise<void>
  /** Asks the server. Bounded in time, never rejects. */
  readiness(): Promise<Readiness>
  stop(): void
}

/** Log records into daily indexes of an Elasticsearch 8 or 9. */
export function openElasticsearch({ connection, ...options }: ElasticsearchOptions): Elasticsearch {
  const client = createClient(connection)
  const upkeep = createUpkeep({ ...options, client })
  const { beforeIndex, gate, start, readiness } = upkeep
  return {
    sink: gate(elasticsearchSink({ ...options, client, beforeIndex })),
    start,
    readiness,
    stop() {
      upkeep.stop()
      client.close()
    },
  }
}
