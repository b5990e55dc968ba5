import type { LogRecord } from '../batch.ts'
import { idOf } from '../log-fields.ts'
import { createPages } from '../pages.ts'
import { storableJson } from '../storable.ts'
import { addEntry, writeAll } from './bulk.ts'
import type { Client } from './client.ts'
import { field, listField, textField } from './json.ts'
import { accept } from './refusal.ts'

/** A record that Elasticsearch can never store as it is. */
export type Hopeless = {
  readonly record: LogRecord
  readonly code: string
  /** For the sender as well. */
  readonly reason: string
  /** For the dead letter only: it may quote the record. */
  readonly detail: string
}

type BuryOptions = {
  readonly client: Client
  readonly prefix: string
  /** ms since 1970. */
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Kept whole up to here; of a longer one the beginning tells what it was. */
const RECORD_CHARACTERS_MAX = 1 << 20
/** The same for one that was refused for its size: proxies begin to refuse at 1 MB. */
const TOO_LARGE_CHARACTERS_MAX = 1 << 16
/** Dead letters are few; this is what one round of retention looks at. */
const PAGE = 1_000
const PAGES_MAX = 100

/** `tts-api-dead-letters`. */
export function deadLetterIndex(prefix: string): string {
  return `${prefix}-dead-letters`
}

/** Keeps the records with the reason, each under its id: sent again, it is the same dead letter. Throws when one is not kept. */
export async function bury(hopeless: readonly Hopeless[], { client, prefix, now, signal }: BuryOptions): Promise<void> {
  if (hopeless.length === 0) return
  const arrived = new Date(now()).toISOString()
  const pages = createPages()
  const entries = hopeless.map((letter) =>
    addEntry(pages, { index: deadLetterIndex(prefix), id: letter.record.uid, text: toText(letter, arrived) }),
  )
  const [failure] = await writeAll(client, entries, { signal })
  if (failure !== undefined) throw failure.error
}

/** Removes what arrived before `beforeMs` (since 1970). By search and bulk delete, as a delete by query is a task that goes on when we are gone. */
export async function removeDeadLetters(beforeMs: number, { client, prefix, signal }: Omit<BuryOptions, 'now'>): Promise<void> {
  const query = { range: { '@timestamp': { lt: new Date(beforeMs).toISOString() } } }
  const index = deadLetterIndex(prefix)
  for (let page = 0; page < PAGES_MAX; page++) {
    const search = { size: PAGE, _source: false, query }
    const path = `/${index}/_search?ignore_unavailable=true`
    const answer = await client.ask({ method: 'POST', path, body: JSON.stringify(search), signal })
    const ids = listField(field(accept(answer, 'a search for old dead letters'), 'hits'), 'hits').map((hit) => textField(hit, '_id'))
    if (ids.length === 0) return
    const lines = ids.map((id) => `{"delete":{"_index":"${index}","_id":${JSON.stringify(id)}}}\n`).join('')
    // Otherwise the next search finds them again.
    const removed = await client.ask({ method: 'POST', path: '/_bulk?refresh=true&filter_path=errors', body: lines, lines: true, signal })
    accept(removed, 'to remove old dead letters')
  }
}

function toText({ record, code, reason, detail }: Hopeless, arrived: string): string {
  const { scope, resource, ...rest } = record
  const whole = storableJson({ resource, scope, ...rest })
  return JSON.stringify({
    '@timestamp': arrived,
    signal: 'logs',
    code,
    reason: detail === '' ? reason : `${reason}: ${detail}`,
    request_id: idOf(record.attributes.request_id) ?? undefined,
    user_id: idOf(record.attributes.user_id) ?? undefined,
    record: cutAt(whole, code === '413' ? TOO_LARGE_CHARACTERS_MAX : RECORD_CHARACTERS_MAX),
  })
}

function cutAt(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax).toWellFormed()}…` : text
}
