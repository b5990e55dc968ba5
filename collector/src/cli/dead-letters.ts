import { parseArgs } from 'node:util'
import { type Letter, type LetterBox, type StoreName, toBatch } from '../letters.ts'
import type { OpenedStores } from '../stores.ts'
import { type Command, type CommandResult, onOneLine, withReachableStores } from './command.ts'

export const DEAD_LETTERS_HELP = `tts-otel-collector dead-letters [list] [--store NAME] [--limit 50] [--json]
tts-otel-collector dead-letters show ID
tts-otel-collector dead-letters resend ID… | --all
tts-otel-collector dead-letters purge ID… | --all

Records that PostgreSQL or Elasticsearch could never take are kept there with the reason. list shows them, newest first; show prints one with
its record; resend offers them to their store again and removes those that it takes; purge removes them.

  --store NAME   only those of postgres or of elasticsearch
  --limit N      of a list, 50 by default
  --all          every one, 10,000 of each store at most
  --json         one JSON object

The stores are those of DATABASE_ADMIN_URL (or DATABASE_URL) and ELASTICSEARCH_URL. The embedded database needs the collector stopped.

Exit code: 0 done, 1 a letter was not found or not taken or a store could not be asked, 2 wrong usage.
`

/** What Elasticsearch gives in one answer. */
const LETTERS_MAX = 10_000
/** Reasons of a list; show has the whole. */
const REASON_CHARACTERS = 100

/** `tts-otel-collector dead-letters`. */
export const deadLetters: Command = async function deadLetters({ words, configure }) {
  const usage = readUsage(words)
  if (usage.kind === 'wrong') return { code: 2, stderr: `tts-otel-collector dead-letters: ${usage.message}\n\n${DEAD_LETTERS_HELP}` }
  if (usage.kind === 'help') return { code: 0, stdout: DEAD_LETTERS_HELP }
  return await withReachableStores({ config: configure(), only: usage.store }, async ({ stores, away }) => {
    const boxes = stores.map(({ letters }) => letters)
    if (boxes.length === 0)
      return { code: 1, stderr: `tts-otel-collector dead-letters: no ${usage.store} is configured (ELASTICSEARCH_URL)\n` }
    const result = await VERBS[usage.verb](boxes, usage)
    return away.length === 0 ? result : { ...result, code: 1, stderr: `${result.stderr ?? ''}${tellAway(away)}` }
  })
}

function tellAway(away: OpenedStores['away']): string {
  return away.map(({ store, error }) => `${store} could not be asked: ${onOneLine(error.message)}\n`).join('')
}

type Right = {
  readonly kind: 'right'
  readonly verb: keyof typeof VERBS
  /** undefined: all. */
  readonly ids: readonly string[] | undefined
  readonly store: StoreName | undefined
  readonly limit: number
  readonly json: boolean
}
type Usage = { readonly kind: 'wrong'; readonly message: string } | { readonly kind: 'help' } | Right

const STORES: readonly StoreName[] = ['postgres', 'elasticsearch']

function readUsage(words: readonly string[]): Usage {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        store: { type: 'string' },
        limit: { type: 'string', default: '50' },
        all: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    const [verb = 'list', ...ids] = positionals
    const { all, json } = values
    const store = STORES.find((name) => name === values.store)
    const limit = /^\d{1,5}$/.test(values.limit) ? Number(values.limit) : 0
    if (!isVerb(verb)) return wrong(`there is no "${verb}"; list, show, resend and purge are there`)
    if (values.store !== undefined && store === undefined) return wrong(`--store ${values.store} is none of ${STORES.join(', ')}`)
    if (limit < 1 || limit > LETTERS_MAX) return wrong(`--limit ${values.limit} is no whole number from 1 to ${LETTERS_MAX}`)
    if (verb === 'list')
      return ids.length > 0 ? wrong('list takes no ids; show does') : { kind: 'right', verb, ids: undefined, store, limit, json }
    if (verb === 'show' ? ids.length !== 1 || all : all === ids.length > 0)
      return wrong(`${verb} which? ${verb === 'show' ? 'One ID' : 'ID… or --all'}`)
    return { kind: 'right', verb, ids: all ? undefined : ids, store, limit: LETTERS_MAX, json }
  } catch (error) {
    // parseArgs throws for an unknown option and says which.
    return wrong(error instanceof Error ? error.message : String(error))
  }
}

function wrong(message: string): Usage {
  return { kind: 'wrong', message }
}

function isVerb(text: string): text is keyof typeof VERBS {
  return Object.hasOwn(VERBS, text)
}

type Verb = (boxes: readonly LetterBox[], usage: Right) => Promise<CommandResult>

const VERBS = { list, show, resend, purge } satisfies Readonly<Record<string, Verb>>

async function list(boxes: readonly LetterBox[], { limit, json }: Right): Promise<CommandResult> {
  const counts = await Promise.all(boxes.map(async (box) => [box.store, await box.count()] as const))
  const letters = (await readAll(boxes, { ids: undefined, limit })).slice(0, limit)
  if (json) return { code: 0, stdout: toJson({ count: Object.fromEntries(counts), letters: letters.map(readable) }) }
  const lines = letters.map(({ arrived, store, signal, code, id, reason }) => {
    const said = onOneLine(reason.length > REASON_CHARACTERS ? `${reason.slice(0, REASON_CHARACTERS)}…` : reason)
    return `${arrived}  ${store.padEnd(13)}  ${onOneLine(signal)}  ${id}  ${onOneLine(code)}: ${said}\n`
  })
  return { code: 0, stdout: `${lines.join('')}${counts.map(([store, count]) => `${count} in ${store}`).join(', ')}\n` }
}

async function show(boxes: readonly LetterBox[], usage: Right): Promise<CommandResult> {
  const [letter] = await readAll(boxes, usage)
  if (letter === undefined) return missing(usage.ids ?? [])
  if (usage.json) return { code: 0, stdout: toJson(readable(letter)) }
  const { id, store, arrived, signal, code, reason } = letter
  const head = Object.entries({ id, store, arrived, signal, code, reason }).map(
    ([name, value]) => `${name.padEnd(8)} ${onOneLine(value)}\n`,
  )
  return { code: 0, stdout: `${head.join('')}\n${JSON.stringify(readable(letter).record, undefined, 2)}\n` }
}

async function resend(boxes: readonly LetterBox[], usage: Right): Promise<CommandResult> {
  const letters = await readAll(boxes, usage)
  const outcomes = []
  for (const letter of letters) outcomes.push(await resendOne(boxes.find(({ store }) => store === letter.store)!, letter))
  const stored = outcomes.filter(({ outcome }) => outcome === 'stored').length
  const lost = missingOf(usage.ids, letters)
  const code = stored === letters.length && lost.length === 0 ? 0 : 1
  if (usage.json) return { code, stdout: toJson({ letters: outcomes, missing: lost }) }
  const lines = outcomes.map(
    ({ id, store, outcome, reason }) => `${outcome} ${store} ${id}${reason === undefined ? '' : `: ${onOneLine(reason)}`}\n`,
  )
  return { code, stdout: `${lines.join('')}${tellMissing(lost)}${stored} of ${letters.length} stored and removed from the dead letters\n` }
}

type Outcome = { readonly id: string; readonly store: string; readonly outcome: 'stored' | 'refused' | 'cut off'; readonly reason?: string }

async function resendOne(box: LetterBox, letter: Letter): Promise<Outcome> {
  const about = { id: letter.id, store: letter.store }
  const batch = toBatch(letter)
  if (batch === undefined) return { ...about, outcome: 'cut off', reason: 'only the beginning of the record was kept' }
  const resent = await box.resend(batch)
  if (resent.kind === 'refused') return { ...about, outcome: 'refused', reason: resent.reason }
  await box.remove([letter.id])
  return { ...about, outcome: 'stored' }
}

async function purge(boxes: readonly LetterBox[], usage: Right): Promise<CommandResult> {
  const letters = await readAll(boxes, usage)
  let removed = 0
  for (const box of boxes) removed += await box.remove(letters.filter(({ store }) => store === box.store).map(({ id }) => id))
  const lost = missingOf(usage.ids, letters)
  const code = lost.length === 0 ? 0 : 1
  return { code, stdout: usage.json ? toJson({ removed, missing: lost }) : `${tellMissing(lost)}${removed} removed\n` }
}

/** Newest first. */
async function readAll(boxes: readonly LetterBox[], { ids, limit }: Pick<Right, 'ids' | 'limit'>): Promise<readonly Letter[]> {
  const found: Letter[] = []
  for (const box of boxes) found.push(...(await box.list({ ids, limit })))
  return found.sort((a, b) => (a.arrived < b.arrived ? 1 : -1))
}

function missingOf(ids: readonly string[] | undefined, letters: readonly Letter[]): readonly string[] {
  return (ids ?? []).filter((id) => !letters.some((letter) => letter.id === id))
}

function missing(ids: readonly string[]): CommandResult {
  return { code: 1, stderr: tellMissing(ids) }
}

function tellMissing(ids: readonly string[]): string {
  return ids.map((id) => `there is no dead letter ${onOneLine(id)}\n`).join('')
}

/** With the record as JSON, or as the text that was kept of it. */
function readable(letter: Letter): Omit<Letter, 'record'> & { readonly record: unknown } {
  try {
    return { ...letter, record: JSON.parse(letter.record) }
  } catch {
    return letter
  }
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
