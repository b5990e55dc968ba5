import type { Client } from './client.ts'
import { field, listField, numberField, textField } from './json.ts'
import { accept, clip, RefusalError, verdict } from './refusal.ts'

/** What a bulk writes: one JSON line into one index under one id, if there is none under it yet. */
export type Entry = { readonly index: string; readonly id: string; readonly text: string }

/** An entry that was not stored, and why. */
export type Failure<E> = { readonly entry: E; readonly error: RefusalError }

/** Before compression, in characters. Elastic's advice is 5 to 15 MB; what waits for an answer is memory on both sides. */
export const BULK_CHARACTERS_MAX = 5_000_000
/** A bulk is answered as a whole, and its answer grows with each document. */
const BULK_ENTRIES_MAX = 5_000
/** Of each answer only what is needed: all of it is ten times that. */
const BULK_PATH =
  '/_bulk?filter_path=errors,items.create.status,items.create.error.type,items.create.error.reason,items.create.error.caused_by.reason'

export type WriteOptions = {
  readonly signal: AbortSignal
  /** Of one bulk, but for a single entry that is longer. Default {@link BULK_CHARACTERS_MAX}. */
  readonly charactersMax?: number
}

/**
 * Writes the entries, create only; gives those that are not stored. A bulk that is too large for the server is halved, and one that
 * it has no room for now (429) has not stored any of its entries.
 *
 * Throws when the server did not answer, or refused the whole request for another reason.
 */
export async function writeAll<E extends Entry>(
  client: Client,
  entries: readonly E[],
  { signal, charactersMax = BULK_CHARACTERS_MAX }: WriteOptions,
): Promise<readonly Failure<E>[]> {
  const failures: Failure<E>[] = []
  for (const bulk of cut(entries, charactersMax)) failures.push(...(await writeOrHalve(client, bulk, signal)))
  return failures
}

async function writeOrHalve<E extends Entry>(client: Client, entries: readonly E[], signal: AbortSignal): Promise<readonly Failure<E>[]> {
  try {
    return await write(client, entries, signal)
  } catch (error) {
    if (error instanceof RefusalError && error.status === 429) return entries.map((entry) => ({ entry, error }))
    if (!(error instanceof RefusalError) || verdict(error).kind !== 'too_large') throw error
    if (entries.length === 1) return [{ entry: entries[0]!, error }]
    const half = entries.length >> 1
    const first = await writeOrHalve(client, entries.slice(0, half), signal)
    return [...first, ...(await writeOrHalve(client, entries.slice(half), signal))]
  }
}

async function write<E extends Entry>(client: Client, entries: readonly E[], signal: AbortSignal): Promise<readonly Failure<E>[]> {
  let body = ''
  for (const { index, id, text } of entries) body += `{"create":{"_index":"${index}","_id":${JSON.stringify(id)}}}\n${text}\n`
  const answer = await client.ask({ method: 'POST', path: BULK_PATH, body, lines: true, signal })
  const result = accept(answer, 'a bulk')
  if (field(result, 'errors') === false) return []
  const items = listField(result, 'items')
  if (items.length !== entries.length)
    throw new Error(`Elasticsearch at ${client.url} answered a bulk of ${entries.length} documents with ${items.length} results`)
  return entries.flatMap((entry, index) => {
    const error = failureOf(field(items[index], 'create'))
    return verdict(error).kind === 'stored' ? [] : [{ entry, error }]
  })
}

function failureOf(item: unknown): RefusalError {
  const [status, error] = [numberField(item, 'status'), field(item, 'error')]
  const type = textField(error, 'type')
  // The sender hears which field it was; the value is for the dead letter only.
  const reason = textField(error, 'reason').replace(/\.? Preview of field's value: .*$/s, '')
  const detail = clip(textField(field(error, 'caused_by'), 'reason'))
  return new RefusalError({ status, type, message: `${clip(reason)} (${type || status})`, detail })
}

function* cut<E extends Entry>(entries: readonly E[], charactersMax: number): Generator<readonly E[]> {
  let bulk: E[] = []
  let characters = 0
  for (const entry of entries) {
    if (bulk.length === BULK_ENTRIES_MAX || (bulk.length > 0 && characters + entry.text.length > charactersMax)) {
      yield bulk
      bulk = []
      characters = 0
    }
    bulk.push(entry)
    characters += entry.text.length
  }
  if (bulk.length > 0) yield bulk
}
