import { type Pages, type Place, piecesOf } from '../pages.ts'
import type { Client } from './client.ts'
import { field, listField, numberField, textField } from './json.ts'
import { accept, clip, RefusalError, verdict } from './refusal.ts'

/** What a bulk writes: one JSON line into one index under one id, if there is none under it yet. */
export type Entry = { readonly index: string; readonly id: string; readonly text: string }

/** An entry that was not stored, and why. */
export type Failure = { readonly lines: Place; readonly error: RefusalError }

/** Before compression. Elastic's advice is 5 to 15 MB; what waits for an answer is memory on both sides. */
export const BULK_BYTES_MAX = 5_000_000
/** A bulk is answered as a whole, and its answer grows with each document. */
const BULK_ENTRIES_MAX = 5_000
/** Of each answer only what is needed: all of it is ten times that. */
const BULK_PATH =
  '/_bulk?filter_path=errors,items.create.status,items.create.error.type,items.create.error.reason,items.create.error.caused_by.reason'

export type WriteOptions = {
  readonly signal: AbortSignal
  /** Of one bulk, but for a single entry that is longer. Default {@link BULK_BYTES_MAX}. */
  readonly bytesMax?: number
}

/** Gives the two lines of an entry: where to, and what. The index is written as it is, the text has to be one line. */
export function addEntry(pages: Pages, { index, id, text }: Entry): Place {
  return pages.add(`{"create":{"_index":"${index}","_id":${JSON.stringify(id)}}}\n${text}\n`)
}

/** The id in the lines of an entry. Kept beside them it would keep its record's text. */
export function idOfLines({ page, start }: Place): string {
  const first: unknown = JSON.parse(page.toString('utf8', start, page.indexOf('\n', start)))
  return textField(field(first, 'create'), '_id')
}

/**
 * Writes the entries, create only; gives those that are not stored. A bulk that is too large for the server is halved, and one that
 * it has no room for now (429) has not stored any of its entries.
 *
 * Throws when the server did not answer, or refused the whole request for another reason.
 */
export async function writeAll(
  client: Client,
  entries: readonly Place[],
  { signal, bytesMax = BULK_BYTES_MAX }: WriteOptions,
): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  for (const bulk of cut(entries, bytesMax)) failures.push(...(await writeOrHalve(client, bulk, signal)))
  return failures
}

async function writeOrHalve(client: Client, entries: readonly Place[], signal: AbortSignal): Promise<readonly Failure[]> {
  try {
    return await write(client, entries, signal)
  } catch (error) {
    if (error instanceof RefusalError && error.status === 429) return entries.map((lines) => ({ lines, error }))
    if (!(error instanceof RefusalError) || verdict(error).kind !== 'too_large') throw error
    if (entries.length === 1) return [{ lines: entries[0]!, error }]
    const half = entries.length >> 1
    const first = await writeOrHalve(client, entries.slice(0, half), signal)
    return [...first, ...(await writeOrHalve(client, entries.slice(half), signal))]
  }
}

async function write(client: Client, entries: readonly Place[], signal: AbortSignal): Promise<readonly Failure[]> {
  const answer = await client.ask({ method: 'POST', path: BULK_PATH, body: piecesOf(entries), lines: true, signal })
  const result = accept(answer, 'a bulk')
  if (field(result, 'errors') === false) return []
  const items = listField(result, 'items')
  if (items.length !== entries.length)
    throw new Error(`Elasticsearch at ${client.url} answered a bulk of ${entries.length} documents with ${items.length} results`)
  return entries.flatMap((lines, index) => {
    const error = failureOf(field(items[index], 'create'))
    return verdict(error).kind === 'stored' ? [] : [{ lines, error }]
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

function* cut(entries: readonly Place[], bytesMax: number): Generator<readonly Place[]> {
  let bulk: Place[] = []
  let bytes = 0
  for (const entry of entries) {
    const length = entry.end - entry.start
    if (bulk.length === BULK_ENTRIES_MAX || (bulk.length > 0 && bytes + length > bytesMax)) {
      yield bulk
      bulk = []
      bytes = 0
    }
    bulk.push(entry)
    bytes += length
  }
  if (bulk.length > 0) yield bulk
}
