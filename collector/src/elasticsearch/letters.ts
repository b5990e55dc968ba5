import type { Letter, LetterFilter } from '../letters.ts'
import { deadLetterIndex } from './dead-letters.ts'
import { refresh, removeDocuments, type StoreOptions } from './erase.ts'
import { field, listField, numberField, textField } from './json.ts'
import { accept } from './refusal.ts'

/** Newest first. A page of Elasticsearch has 10,000 at most. */
export async function listLetters({ client, prefix, signal }: StoreOptions, { ids, limit }: LetterFilter): Promise<readonly Letter[]> {
  await refresh({ client, signal }, [deadLetterIndex(prefix)])
  const query = ids === undefined ? { match_all: {} } : { ids: { values: ids } }
  const body = JSON.stringify({ size: limit, query, sort: [{ '@timestamp': { order: 'desc', unmapped_type: 'date' } }] })
  const path = `/${deadLetterIndex(prefix)}/_search?ignore_unavailable=true`
  const found = accept(await client.ask({ method: 'POST', path, body, signal }), 'a search for dead letters')
  return listField(field(found, 'hits'), 'hits').map((hit) => {
    const source = field(hit, '_source')
    const text = (name: string) => textField(source, name)
    const letter = { signal: text('signal'), code: text('code'), reason: text('reason'), record: text('record') }
    return { id: textField(hit, '_id'), store: 'elasticsearch', arrived: text('@timestamp'), ...letter }
  })
}

export async function countLetters({ client, prefix, signal }: StoreOptions): Promise<number> {
  await refresh({ client, signal }, [deadLetterIndex(prefix)])
  const path = `/${deadLetterIndex(prefix)}/_count?ignore_unavailable=true`
  return numberField(accept(await client.ask({ method: 'GET', path, signal }), 'to count its dead letters'), 'count')
}

/** Says how many there were. */
export async function removeLetters(options: StoreOptions, ids: readonly string[]): Promise<number> {
  const index = deadLetterIndex(options.prefix)
  return await removeDocuments(
    options,
    ids.map((id) => ({ index, id })),
  )
}
