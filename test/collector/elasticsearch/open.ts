/** Elasticsearch as the collector opens it, with what a test does not care about filled in. */
import { onTestFinished } from 'vitest'
import type { Batch } from '../../../collector/src/batch.ts'
import { type ElasticsearchOptions, openElasticsearch } from '../../../collector/src/elasticsearch/elasticsearch.ts'
import type { Outcome } from '../../../src/wire/outcome.ts'
import { type StandIn, startStandIn } from './stand-in.ts'

export type Opened = {
  readonly warnings: string[]
  send(batch: Batch, signal?: AbortSignal): Promise<Outcome>
} & ReturnType<typeof openElasticsearch>

/** Closed when the test is over. Not started yet. */
export function open(url: string, options: Partial<ElasticsearchOptions> = {}): Opened {
  const warnings: string[] = []
  const elasticsearch = openElasticsearch({
    connection: { url, ca: undefined, credentials: undefined },
    prefix: 'tts-api',
    retentionDays: 30,
    ilmPolicy: undefined,
    now: Date.now,
    warn: (message) => void warnings.push(message),
    ...options,
  })
  onTestFinished(() => elasticsearch.stop())
  return { ...elasticsearch, warnings, send: (batch, signal = new AbortController().signal) => elasticsearch.sink(batch, signal) }
}

/** A stand-in, and Elasticsearch opened on it and started. */
export async function openStandIn(options: Partial<ElasticsearchOptions> = {}): Promise<{ standIn: StandIn; opened: Opened }> {
  const standIn = await startStandIn()
  onTestFinished(() => standIn.close())
  const opened = open(standIn.url, options)
  await opened.start()
  return { standIn, opened }
}
