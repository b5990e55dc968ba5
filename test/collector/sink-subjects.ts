/** The sinks of the collector as subjects of the contract. */

import type { Elasticsearch } from '../../collector/src/elasticsearch/elasticsearch.ts'
import type { Database } from '../../collector/src/postgres/queryable.ts'
import { postgresSink } from '../../collector/src/postgres/sink.ts'
import type { Elastic } from './elasticsearch/elastic.ts'
import { log } from './postgres/records.ts'
import { openStore } from './postgres/store.ts'
import type { Subject } from './sink-contract.ts'

/** On any database; it is closed with the subject. */
export async function postgresSubject(database: Database): Promise<Subject> {
  const { partitions } = await openStore(database)
  return {
    sink: postgresSink({ database, partitions, logLevel: 'DEBUG' }),
    async stored(uids) {
      const { rows } = await database.query<{ id: string }>('SELECT id FROM logs')
      return rows.map(({ id }) => id).filter((id) => uids.has(id))
    },
    async deadLetters(uids) {
      const { rows } = await database.query<{ record: string }>('SELECT record FROM dead_letters')
      return rows.map(({ record }) => uidOf(record)).filter((id) => uids.has(id))
    },
    poison: (source) => log(source, { severity: 99_999 }),
    async breakStore() {
      await database.query(`CREATE FUNCTION fill_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$`)
      await database.query('CREATE TRIGGER fill_disk BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION fill_disk()')
      return async () => void (await database.query('DROP FUNCTION fill_disk CASCADE'))
    },
    close: () => database.close(),
  }
}

export type ElasticsearchSubjectOptions = {
  /** Started, on the prefix `tts-api`. */
  readonly elasticsearch: Elasticsearch
  readonly elastic: Elastic
  readonly breakStore: Subject['breakStore']
  readonly close: () => Promise<void>
}

export function elasticsearchSubject({ elasticsearch, elastic, breakStore, close }: ElasticsearchSubjectOptions): Subject {
  const idsIn = async (indexes: string) => (await elastic.all(indexes)).map(({ id }) => id)
  return {
    sink: elasticsearch.sink,
    stored: async (uids) => (await idsIn('tts-api-2*')).filter((id) => uids.has(id)),
    deadLetters: async (uids) => (await idsIn('tts-api-dead-letters')).filter((id) => uids.has(id)),
    // Longer than a term of Lucene can be.
    poison: (source) => log(source, { attributes: { ['k'.repeat(40_000)]: 'value' } }),
    breakStore,
    close,
  }
}

function uidOf(record: string): string {
  return String(Object(JSON.parse(record)).uid)
}
