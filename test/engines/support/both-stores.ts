import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createElasticsearch, type ElasticsearchServer } from './elasticsearch.ts'
import { createPostgres, type PostgresServer } from './postgres.ts'

/** Both stores, running, and a folder for collectors. */
export type BothStores = {
  readonly postgres: PostgresServer
  readonly elasticsearch: ElasticsearchServer
  readonly folder: string
  /** Ends both and removes everything. */
  remove(): Promise<void>
}

export async function startBothStores(): Promise<BothStores> {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-both-stores-'))
  const [postgres, elasticsearch] = await Promise.all([createPostgres(), createElasticsearch()])
  async function remove(): Promise<void> {
    await Promise.all([postgres.remove(), elasticsearch.remove()])
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all([postgres.start(), elasticsearch.start()])
  } catch (error) {
    await remove()
    throw error
  }
  return { postgres, elasticsearch, folder, remove }
}
