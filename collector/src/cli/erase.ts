import { parseArgs } from 'node:util'
import type { Erased, Eraser } from '../person.ts'
import { type Command, onOneLine, withStores } from './command.ts'

export const ERASE_HELP = `tts-otel-collector erase --user-id ID [--yes] [--json]

Removes a person from PostgreSQL and Elasticsearch: every log record, span, metric point and dead letter that carries the user id, and what
belongs to the same requests and traces and carries nobody else's. Who has read what (the table reads) stays, without the ids. Says how much.
Without --yes nothing is changed, and what would be is counted.

What is still on its way arrives later: run it again when the queues are empty. Those of services keep it for 48 hours at most, those of
collectors for Elasticsearch for 7 days at most, the official collector as long as a store is away. What alerts remember, and what the queue
for Elasticsearch in COLLECTOR_DATA_DIR holds, is told. Where user ids are hashed (TTS_OTEL_HASH_KEY), ID is the hash.

  --yes    removes
  --json   one JSON object

The stores are those of DATABASE_ADMIN_URL (or DATABASE_URL) and ELASTICSEARCH_URL. The embedded database needs the collector stopped.

Exit code: 0 done, 1 something may be left, 2 wrong usage.
`

/** `tts-otel-collector erase`. */
export const erase: Command = async function erase({ words, configure }) {
  const usage = readUsage(words)
  if (usage.kind === 'wrong') return { code: 2, stderr: `tts-otel-collector erase: ${usage.message}\n\n${ERASE_HELP}` }
  if (usage.kind === 'help') return { code: 0, stdout: ERASE_HELP }
  const { userId, dryRun, json } = usage
  const results = await withStores(
    configure(),
    async (stores) =>
      await eraseEverywhere(
        stores.map(({ eraser }) => eraser),
        { userId, dryRun },
      ),
  )
  const remains = results.flatMap((result) => (result.kind === 'erased' ? result.remains : []))
  const isLeft = results.some(({ kind }) => kind === 'failed') || (remains.length > 0 && !dryRun)
  const code = isLeft ? 1 : 0
  if (json)
    return {
      code,
      stdout: `${JSON.stringify({ user_id: userId, dry_run: dryRun, stores: Object.fromEntries(results.map(toJson)), remains }, undefined, 2)}\n`,
    }
  return { code, stdout: toText(results, { userId, dryRun, remains }) }
}

type Usage =
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'right'; readonly userId: string; readonly dryRun: boolean; readonly json: boolean }

function readUsage(words: readonly string[]): Usage {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        'user-id': { type: 'string' },
        yes: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    const userId = values['user-id'] ?? ''
    if (userId === '') return { kind: 'wrong', message: 'whom? --user-id ID' }
    if (userId.includes('\0')) return { kind: 'wrong', message: 'a user id has no NUL in it' }
    return { kind: 'right', userId, dryRun: !values.yes, json: values.json }
  } catch (error) {
    // parseArgs throws for an unknown option and says which.
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) }
  }
}

type Asked = { readonly userId: string; readonly dryRun: boolean }
type Result = { readonly name: string } & (
  | { readonly kind: 'erased'; readonly erased: Erased; readonly remains: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string }
)

/** First all trails, as one store may know requests that another does not; then each store, whatever becomes of the others. */
async function eraseEverywhere(erasers: readonly Eraser[], { userId, dryRun }: Asked): Promise<readonly Result[]> {
  const trails = []
  for (const eraser of erasers) trails.push(await eraser.findTrail(userId))
  const trail = {
    requestIds: new Set(trails.flatMap(({ requestIds }) => [...requestIds])),
    traceIds: new Set(trails.flatMap(({ traceIds }) => [...traceIds])),
  }
  const results: Result[] = []
  for (const { name, erase, remains } of erasers) {
    try {
      const erased = await erase({ userId, trail, dryRun })
      results.push({ kind: 'erased', name, erased, remains: await remains({ userId, trail }) })
    } catch (error) {
      results.push({ kind: 'failed', name, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return results
}

function toJson(result: Result): readonly [string, unknown] {
  return [result.name, result.kind === 'erased' ? result.erased : { error: result.reason }]
}

/** What is not removed but changed. */
const LABELS: Readonly<Record<string, string>> = { reads: 'reads (kept, ids erased)' }

function toText(results: readonly Result[], { userId, dryRun, remains }: Asked & { readonly remains: readonly string[] }): string {
  const lines = results.flatMap((result) => {
    if (result.kind === 'failed') return [`${result.name}: failed: ${onOneLine(result.reason)}`]
    const counts = Object.entries(result.erased).map(
      ([where, count]) => `  ${(LABELS[where] ?? where).padEnd(28)} ${String(count).padStart(10)}`,
    )
    return [`${result.name}:`, ...counts]
  })
  const failed = results.some(({ kind }) => kind === 'failed')
  const end = dryRun
    ? 'Nothing was changed; --yes removes it.'
    : failed
      ? 'Not everything is removed: run it again when that is mended.'
      : 'Removed. What is still in queues arrives later: run it again when they are empty.'
  const left = remains.length === 0 ? '' : `\nStill there:\n${remains.map((one) => `  - ${onOneLine(one)}\n`).join('')}`
  return `The user ${onOneLine(userId)}:\n\n${lines.join('\n')}\n\n${end}\n${left}`
}
