/** The contract of all sinks, on the real servers. */
import { openElasticsearch } from '../../collector/src/elasticsearch/elasticsearch.ts'
import { openDatabase } from '../../collector/src/postgres/database.ts'
import { sinkContract } from '../collector/sink-contract.ts'
import { elasticsearchSubject, postgresSubject } from '../collector/sink-subjects.ts'
import { createElasticsearch } from './support/elasticsearch.ts'
import { createPostgres } from './support/postgres.ts'

sinkContract('PostgreSQL', async () => {
  const server = await createPostgres()
  await server.start()
  const subject = await postgresSubject(openDatabase({ url: server.url, dataDir: '' }))
  return {
    ...subject,
    async close() {
      await subject.close()
      await server.remove()
    },
  }
})

sinkContract('Elasticsearch', async () => {
  const server = await createElasticsearch()
  await server.start()
  const connection = { url: server.url, ca: undefined, credentials: undefined }
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
    elastic: server.elastic,
    async breakStore() {
      const block = (isOn: true | null) =>
        server.elastic.ask('PUT', '/_cluster/settings', { persistent: { 'cluster.blocks.read_only': isOn } })
      await block(true)
      return async () => void (await block(null))
    },
    async close() {
      elasticsearch.stop()
      await server.remove()
    },
  })
})
