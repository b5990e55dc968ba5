/** Asks an Elasticsearch, or what stands in for it, what is in it. */
import { type Answer, type Connection, createClient, type Question } from '../../../collector/src/elasticsearch/client.ts'
import { field, listField, numberField } from '../../../collector/src/elasticsearch/json.ts'

export type Found = { readonly index: string; readonly id: string; readonly source: Readonly<Record<string, unknown>> }

export type Elastic = {
  ask(method: Question['method'], path: string, body?: object): Promise<Answer>
  /** Everything in the indexes of this name or pattern; none when there is no such index. */
  all(indexes: string): Promise<readonly Found[]>
  /** Documents in the indexes of this name or pattern. */
  count(indexes: string): Promise<number>
  /** Names of the indexes of this pattern. */
  indexes(pattern: string): Promise<readonly string[]>
}

const ASK_MS_MAX = 30_000
/** The largest page that Elasticsearch gives without being told otherwise. */
const PAGE = 10_000

export function createElastic(connection: Connection): Elastic {
  const client = createClient(connection)

  async function ask(method: Question['method'], path: string, body?: object): Promise<Answer> {
    const question = { method, path, signal: AbortSignal.timeout(ASK_MS_MAX) }
    return await client.ask(body === undefined ? question : { ...question, body: JSON.stringify(body) })
  }
  async function askRefreshed(indexes: string, path: string, body?: object): Promise<unknown> {
    await ask('POST', `/${indexes}/_refresh`)
    const { status, body: found } = await ask('POST', `/${indexes}/${path}`, body)
    return status === 404 ? undefined : found
  }
  return {
    ask,
    async all(indexes) {
      const hits = listField(field(await askRefreshed(indexes, '_search', { size: PAGE }), 'hits'), 'hits')
      return hits.map((hit) => ({
        index: String(field(hit, '_index')),
        id: String(field(hit, '_id')),
        source: { ...Object(field(hit, '_source')) },
      }))
    },
    count: async (indexes) => numberField(await askRefreshed(indexes, '_count'), 'count'),
    async indexes(pattern) {
      const { status, body } = await ask('GET', `/${pattern}/_settings/index.creation_date?expand_wildcards=open,closed`)
      return status === 404 ? [] : Object.keys(Object(body)).sort()
    },
  }
}
