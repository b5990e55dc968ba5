import type { Erased, EraseOptions, Trail } from '../person.ts'
import type { Client } from './client.ts'
import { dayOfIndex } from './days.ts'
import { deadLetterIndex } from './dead-letters.ts'
import { field, listField, numberField, textField } from './json.ts'
import { accept } from './refusal.ts'

export type StoreOptions = { readonly client: Client; readonly prefix: string; readonly signal: AbortSignal }

/** Documents of a page. */
const PAGE = 1_000
/** Names in one path: HTTP servers take some kilobytes. */
const INDEXES_PER_PATH = 50
/** Of one query; Elasticsearch takes 65,536. */
const IDS_PER_QUERY = 10_000
/** A search that finds again what was removed would go on for ever; this is ten million documents. */
const PAGES_MAX = 10_000

/** The requests and traces that carry the id. */
export async function findTrail(options: StoreOptions, userId: string): Promise<Trail> {
  const requestIds = new Set<string>()
  const traceIds = new Set<string>()
  const query = { term: { user_id: userId } }
  for (const indexes of await listDays(options)) {
    await refresh(options, indexes)
    for await (const hit of walk(options, { indexes, query })) {
      const source = field(hit, '_source')
      const [requestId, traceId] = [textField(source, 'request_id'), textField(source, 'trace_id')]
      if (requestId !== '') requestIds.add(requestId)
      if (traceId !== '') traceIds.add(traceId)
    }
  }
  return { requestIds, traceIds }
}

/** By search and bulk delete, as a delete by query is a task that goes on when we are gone. What carries the id goes last: until then it can be found again. */
export async function erase(options: StoreOptions, { userId, trail, dryRun }: EraseOptions): Promise<Erased> {
  const remove = dryRun ? countMatches : removeMatches
  const queries = [...trailQueries(trail), { term: { user_id: userId } }]
  let documents = 0
  for (const indexes of await listDays(options)) for (const query of queries) documents += await remove(options, { indexes, query })
  const letterIndex = deadLetterIndex(options.prefix)
  await refresh(options, [letterIndex])
  const letters = { indexes: [letterIndex], query: { term: { user_id: userId } } }
  return { [`${options.prefix}-*`]: documents, [letterIndex]: await remove(options, letters) }
}

type Matches = { readonly indexes: readonly string[]; readonly query: object }

function trailQueries({ traceIds, requestIds }: Trail): readonly object[] {
  const ofNobody = { must_not: { exists: { field: 'user_id' } } }
  const [traces, requests] = [cut([...traceIds]), cut([...requestIds])]
  return Array.from({ length: Math.max(traces.length, requests.length) }, (_, index) => {
    const should = [{ terms: { trace_id: traces[index] ?? [] } }, { terms: { request_id: requests[index] ?? [] } }]
    return { bool: { ...ofNobody, should, minimum_should_match: 1 } }
  })
}

/** Names of the day indexes, in groups. */
export async function listDays({ client, prefix, signal }: StoreOptions): Promise<readonly (readonly string[])[]> {
  const path = `/${prefix}-*/_settings/index.creation_date?expand_wildcards=open&ignore_unavailable=true`
  const found = await client.ask({ method: 'GET', path, signal })
  const names = found.status === 404 ? [] : Object.keys(Object(accept(found, 'a list of its indexes')))
  const days = names.filter((name) => dayOfIndex(name, prefix) !== undefined).sort()
  return Array.from({ length: Math.ceil(days.length / INDEXES_PER_PATH) }, (_, group) =>
    days.slice(group * INDEXES_PER_PATH, (group + 1) * INDEXES_PER_PATH),
  )
}

/** Makes everything that was written be found; otherwise it takes up to a second. Without the right to it (`maintenance`) it does. */
export async function refresh({ client, signal }: Pick<StoreOptions, 'client' | 'signal'>, indexes: readonly string[]): Promise<void> {
  const answer = await client.ask({ method: 'POST', path: `/${indexes.join(',')}/_refresh?ignore_unavailable=true`, signal })
  if (answer.status !== 403) accept(answer, 'a refresh')
}

function cut<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / IDS_PER_QUERY) }, (_, part) =>
    items.slice(part * IDS_PER_QUERY, (part + 1) * IDS_PER_QUERY),
  )
}

async function countMatches({ client, signal }: StoreOptions, { indexes, query }: Matches): Promise<number> {
  const path = `/${indexes.join(',')}/_count?ignore_unavailable=true`
  return numberField(accept(await client.ask({ method: 'POST', path, body: JSON.stringify({ query }), signal }), 'to count'), 'count')
}

async function removeMatches(options: StoreOptions, { indexes, query }: Matches): Promise<number> {
  let removed = 0
  for (let page = 0; page < PAGES_MAX; page++) {
    const hits = await search(options, indexes, { size: PAGE, _source: false, query })
    if (hits.length === 0) return removed
    removed += await removeDocuments(
      options,
      hits.map((hit) => ({ index: textField(hit, '_index'), id: textField(hit, '_id') })),
    )
  }
  throw new Error(`Elasticsearch still finds documents of this person after ${PAGES_MAX} pages; run it again`)
}

/** Throws when one of them is left. */
export async function removeDocuments(
  { client, signal }: Pick<StoreOptions, 'client' | 'signal'>,
  documents: readonly { readonly index: string; readonly id: string }[],
): Promise<number> {
  if (documents.length === 0) return 0
  const body = documents.map(({ index, id }) => `${JSON.stringify({ delete: { _index: index, _id: id } })}\n`).join('')
  // Otherwise the next search finds them again.
  const path = '/_bulk?refresh=true&filter_path=items.delete.status,items.delete.error.reason'
  const answer = accept(await client.ask({ method: 'POST', path, body, lines: true, signal }), 'to remove documents')
  const items = listField(answer, 'items').map((item) => field(item, 'delete'))
  const failed = items.find((item) => ![200, 404].includes(numberField(item, 'status')))
  if (failed !== undefined || items.length !== documents.length)
    throw new Error(
      `Elasticsearch did not remove a document (${numberField(failed, 'status')}): ${textField(field(failed, 'error'), 'reason')}`,
    )
  return items.filter((item) => numberField(item, 'status') === 200).length
}

/** All documents of a query as they are now, in pages. */
async function* walk({ client, signal }: StoreOptions, { indexes, query }: Matches): AsyncGenerator<unknown> {
  const opened = await client.ask({ method: 'POST', path: `/${indexes.join(',')}/_pit?keep_alive=1m`, signal })
  let id = textField(accept(opened, 'a point in time'), 'id')
  try {
    let after: unknown
    for (;;) {
      const body = {
        size: PAGE,
        _source: ['request_id', 'trace_id'],
        query,
        pit: { id, keep_alive: '1m' },
        sort: ['_shard_doc'],
        ...(after === undefined ? {} : { search_after: after }),
      }
      const found = accept(await client.ask({ method: 'POST', path: '/_search', body: JSON.stringify(body), signal }), 'a search')
      const hits = listField(field(found, 'hits'), 'hits')
      yield* hits
      if (hits.length < PAGE) return
      id = textField(found, 'pit_id') || id
      after = field(hits.at(-1), 'sort')
    }
  } finally {
    // It would end by itself in a minute.
    await client.ask({ method: 'DELETE', path: '/_pit', body: JSON.stringify({ id }), signal }).catch(() => {})
  }
}

async function search({ client, signal }: StoreOptions, indexes: readonly string[], body: object): Promise<readonly unknown[]> {
  const path = `/${indexes.join(',')}/_search?ignore_unavailable=true`
  const answer = await client.ask({ method: 'POST', path, body: JSON.stringify(body), signal })
  return listField(field(accept(answer, 'a search'), 'hits'), 'hits')
}
