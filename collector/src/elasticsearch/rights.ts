import type { StoreOptions } from './erase.ts'
import { field } from './json.ts'

/** What erasing and dead letters need on every index of ours. */
const NEEDED = ['read', 'delete', 'view_index_metadata']

/**
 * Rejects when we may not read and delete: Elasticsearch answers a search as if what one may not see were not there, and a
 * person would be taken for erased. A server without users knows no such question, and lets everybody.
 */
export async function requireRights({ client, prefix, signal }: StoreOptions): Promise<void> {
  const body = JSON.stringify({ index: [{ names: [`${prefix}-*`], privileges: NEEDED }] })
  const answer = await client.ask({ method: 'POST', path: '/_security/user/_has_privileges', body, signal })
  if (answer.status === 401)
    throw new Error('Elasticsearch does not know us. Check ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and _PASSWORD')
  if (answer.status !== 200 || field(answer.body, 'has_all_requested') === true) return
  const rights = field(field(answer.body, 'index'), `${prefix}-*`)
  const missing = NEEDED.filter((right) => field(rights, right) !== true)
  throw new Error(
    `This user or API key of Elasticsearch lacks ${missing.join(', ')} on ${prefix}-*; give this command one with the rights that docs/elasticsearch.md lists for it`,
  )
}
