import { createHash } from 'node:crypto'
import { ID_CHARACTERS_MAX } from '../log-fields.ts'
import type { Answer, Client } from './client.ts'
import { deadLetterIndex } from './dead-letters.ts'
import { field, listField, textField } from './json.ts'
import { accept } from './refusal.ts'

export type TemplateOptions = {
  readonly client: Client
  readonly prefix: string
  /** Life-cycle policy of the day indexes; without one we delete old days ourselves. */
  readonly ilmPolicy: string | undefined
  /** Told what a person should know about their templates; must not throw. */
  readonly warn: (message: string) => void
}

type Json = { readonly [key: string]: unknown }

/** Who has made a template, in its `_meta`. */
const OWNER = 'tts-otel-collector'
/** Longer values are kept and shown, but cannot be searched for. A term may have 32,766 bytes. */
const KEYWORD_CHARACTERS_MAX = 1_024
/** Our JSON is cut off at 64 levels; Elasticsearch refuses a document beyond its own limit, which is 20 unless told. */
const FLATTENED_DEPTH_MAX = 100
/** Above the templates that come with Elasticsearch (100 to 200) and those that most people write. */
const PRIORITY = 300

const id = { type: 'keyword', ignore_above: ID_CHARACTERS_MAX }
const keyword = { type: 'keyword', ignore_above: KEYWORD_CHARACTERS_MAX }
const text = { type: 'text', norms: false }

/** `dynamic: false`: whatever else comes in a document makes no field. Attributes are one field, `metadata`, whatever is in them. */
const LOG_FIELDS: Json = {
  dynamic: false,
  properties: {
    '@timestamp': { type: 'date_nanos' },
    level: keyword,
    message: text,
    request_id: id,
    user_id: id,
    source: keyword,
    metadata: { type: 'flattened', ignore_above: KEYWORD_CHARACTERS_MAX, depth_limit: FLATTENED_DEPTH_MAX },
    host: keyword,
    trace_id: keyword,
    span_id: keyword,
    service: keyword,
  },
}

const DEAD_LETTER_FIELDS: Json = {
  dynamic: false,
  properties: { '@timestamp': { type: 'date' }, signal: keyword, code: keyword, reason: text, request_id: id, user_id: id, record: text },
}

/**
 * Puts the two index templates in place: of the day indexes and of the dead letters. One that somebody else has made under
 * their name stays as it is, and this is said. Throws when the server does not answer or refuses.
 */
export async function installTemplates(options: TemplateOptions, signal: AbortSignal): Promise<void> {
  for (const { name, body } of templatesOf(options)) await install({ name, body }, options, signal)
}

function templatesOf({ prefix, ilmPolicy }: TemplateOptions): readonly { readonly name: string; readonly body: Json }[] {
  // Green on one node, a copy on more.
  const settings = { auto_expand_replicas: '0-1' }
  // Its age is that of the day in its name: an index made late, by what had waited in a queue, is not kept for longer.
  const lifecycle = ilmPolicy === undefined ? {} : { lifecycle: { name: ilmPolicy, parse_origination_date: true } }
  return [
    {
      name: prefix,
      body: {
        index_patterns: [`${prefix}-*.*.*`],
        // A longer prefix wins: `tts-api-*.*.*` is also the form of the days of a prefix `tts-api-test`.
        priority: PRIORITY + prefix.length,
        template: { settings: { index: { ...settings, ...lifecycle } }, mappings: LOG_FIELDS },
      },
    },
    {
      name: deadLetterIndex(prefix),
      body: {
        index_patterns: [deadLetterIndex(prefix)],
        priority: PRIORITY + deadLetterIndex(prefix).length,
        template: { settings: { index: settings }, mappings: DEAD_LETTER_FIELDS },
      },
    },
  ]
}

async function install(
  { name, body }: { name: string; body: Json },
  { client, warn }: Pick<TemplateOptions, 'client' | 'warn'>,
  signal: AbortSignal,
): Promise<void> {
  const fingerprint = createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16)
  const path = `/_index_template/${encodeURIComponent(name)}`
  const found = await client.ask({ method: 'GET', path, signal })
  const meta = found.status === 404 ? undefined : metaOf(accept(found, `to show the index template ${name}`))
  if (meta !== undefined && textField(meta, 'managed_by') !== OWNER) {
    warn(
      `Elasticsearch has an index template ${name} that is not ours: it stays, and new indexes are as it says. ` +
        'To have the one of the collector, remove it or give it another name; docs/elasticsearch.md shows the fields.',
    )
    return
  }
  if (textField(meta, 'fingerprint') === fingerprint) return
  const whole = { ...body, _meta: { managed_by: OWNER, fingerprint } }
  // create: one that somebody makes at this moment is not overwritten.
  const put = await client.ask({
    method: 'PUT',
    path: `${path}${meta === undefined ? '?create=true' : ''}`,
    body: JSON.stringify(whole),
    signal,
  })
  if (meta === undefined && isThere(put)) return await install({ name, body }, { client, warn }, signal)
  accept(put, `the index template ${name}`)
  if (meta !== undefined)
    warn(`The index template ${name} in Elasticsearch was of another version of the collector or of its settings; it is replaced.`)
}

/** Another collector that starts with us was faster. */
function isThere({ status, body }: Answer): boolean {
  return status === 400 && textField(field(body, 'error'), 'reason').includes('already exists')
}

/** `{}` for a template that does not say who made it. */
function metaOf(answer: unknown): unknown {
  const [template] = listField(answer, 'index_templates')
  return field(field(template, 'index_template'), '_meta') ?? {}
}
