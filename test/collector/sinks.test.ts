/** The contract of all sinks, on what needs no server. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openElasticsearch } from '../../collector/src/elasticsearch/elasticsearch.ts'
import { openPglite } from '../../collector/src/postgres/pglite.ts'
import { createElastic } from './elasticsearch/elastic.ts'
import { startStandIn } from './elasticsearch/stand-in.ts'
import { sinkContract } from './sink-contract.ts'
import { elasticsearchSubject, postgresSubject } from './sink-subjects.ts'

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-sinks-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

sinkContract('PGlite', () => postgresSubject(openPglite(folder)))

sinkContract('a stand-in for Elasticsearch', async () => {
  const standIn = await startStandIn()
  standIn.itemFault = (document, index) =>
    index !== 'tts-api-dead-letters' && JSON.stringify(document).includes('kkkkkkkk')
      ? { status: 400, type: 'document_parsing_exception', reason: 'failed to parse field [metadata] of type [flattened]' }
      : undefined
  const connection = { url: standIn.url, ca: undefined, credentials: undefined }
  const elasticsearch = openElasticsearch({
    connection,
    prefix: 'tts-api',
    retentionDays: 30,
    ilmPolicy: undefined,
    now: Date.now,
    warn: () => {},
  })
  await elasticsearch.start()
  return elasticsearchSubject({
    elasticsearch,
    elastic: createElastic(connection),
    async breakStore() {
      standIn.requestFault = (line) => (line.startsWith('POST /_bulk') ? { status: 503 } : undefined)
      return async () => {
        standIn.requestFault = () => undefined
      }
    },
    async close() {
      elasticsearch.stop()
      await standIn.close()
    },
  })
})
