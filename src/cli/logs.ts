import { parseArgs } from 'node:util'
import { LEVELS, type Level, parseLevel } from '../log/levels.ts'
import { openCollector } from '../reading/collector.ts'
import { type LogQuery, readLogs } from '../reading/get-logs.ts'
import { readAgeMs } from './age.ts'
import { showLogs } from './log-text.ts'
import type { CommandResult } from './main.ts'

export const LOGS_HELP = `npx tts-otel logs [--request-id ID] [--user-id ID] [--level LEVEL] … [--limit 100] [--json]

Shows log records that the collector has stored, the newest of those that match, in the order of their time.

  --request-id ID   of this request
  --user-id ID      of this user
  --trace-id ID     of this trace
  --service NAME    of this service
  --level LEVEL     of this level: ${LEVELS.join(', ')}
  --text TEXT       with this in the message
  --since TIME      from then on: 2026-11-22T10:00:00Z, or an age: 90s, 15m, 2h, 1d
  --until TIME      before then
  --limit N         at most so many, 100 by default
  --url URL         the collector, unless TTS_OTEL_COLLECTOR_URL or OTEL_EXPORTER_OTLP_ENDPOINT names it
  --json            one JSON object, newest first

TTS_OTEL_READ_TOKEN holds the READ_TOKEN of the collector.
npx tts-otel logs rotate DIR compresses old log files.

Exit code: 0 done, 1 the collector cannot be read, 2 wrong usage.
`

/** `npx tts-otel logs`. */
export async function runLogs(words: readonly string[]): Promise<CommandResult> {
  const usage = readUsage(words)
  if (usage.kind === 'wrong') return { code: 2, stderr: `tts-otel logs: ${usage.message}\n\n${LOGS_HELP}` }
  if (usage.kind === 'help') return { code: 0, stdout: LOGS_HELP }
  const { query, limit, url, json } = usage
  const logs = await readLogs(openCollector({ url }), query, limit)
  if (json) return { code: 0, stdout: `${JSON.stringify({ logs }, undefined, 2)}\n` }
  if (logs.length === 0) return { code: 0, stderr: 'tts-otel logs: no log record matches\n' }
  const more = logs.length === limit ? `tts-otel logs: the newest ${limit}; there may be more, see --limit\n` : ''
  return { code: 0, stdout: showLogs(logs.toReversed()), stderr: more }
}

type Usage =
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'right'; readonly query: LogQuery; readonly limit: number; readonly url: string | undefined; readonly json: boolean }

const LIMIT_MAX = 10_000

function readUsage(words: readonly string[]): Usage {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        'request-id': { type: 'string' },
        'user-id': { type: 'string' },
        'trace-id': { type: 'string' },
        service: { type: 'string' },
        level: { type: 'string' },
        text: { type: 'string' },
        since: { type: 'string' },
        until: { type: 'string' },
        limit: { type: 'string', default: '100' },
        url: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    const limit = /^\d{1,5}$/.test(values.limit) ? Number(values.limit) : 0
    if (limit < 1 || limit > LIMIT_MAX) return wrong(`--limit ${values.limit} is no whole number from 1 to ${LIMIT_MAX}`)
    const query = {
      request_id: values['request-id'],
      user_id: values['user-id'],
      trace_id: values['trace-id'],
      service: values.service,
      level: values.level === undefined ? undefined : readLevel(values.level),
      q: values.text,
      since: readTime('--since', values.since),
      until: readTime('--until', values.until),
    }
    return { kind: 'right', query, limit, url: values.url, json: values.json }
  } catch (error) {
    // parseArgs throws for an unknown option and says which.
    return wrong(error instanceof Error ? error.message : String(error))
  }
}

function wrong(message: string): Usage {
  return { kind: 'wrong', message }
}

function readLevel(text: string): Level {
  const level = parseLevel(text)
  if (level === undefined) throw new Error(`--level ${text} is none of ${LEVELS.join(', ')}`)
  return level
}

/** The time itself, or that of an age. What else a time may look like the collector knows. */
function readTime(option: string, text: string | undefined): string | Date | undefined {
  if (text === undefined) return undefined
  const ageMs = readAgeMs(text)
  if (ageMs !== undefined) return new Date(Date.now() - ageMs)
  if (!/^\d{4}-\d\d-\d\d/.test(text)) throw new Error(`${option} ${text} is no time like 2026-11-22T10:00:00Z and no age like 15m`)
  return text
}
