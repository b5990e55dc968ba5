import { parseArgs, styleText } from 'node:util'
import { onOneLine } from '../log/line.ts'
import { openCollector } from '../reading/collector.ts'
import { readLogs, type StoredLog } from '../reading/get-logs.ts'
import { findTrace, type StoredTrace } from '../reading/get-trace.ts'
import { showLogs } from './log-text.ts'
import type { CommandResult } from './main.ts'
import { toBar } from './trace-bars.ts'
import { drawWaterfall } from './waterfall.ts'

export const TRACE_HELP = `npx tts-otel trace ID [--url URL] [--json]

Shows a trace that the collector has stored, its spans by time, why it failed, and its log records. ID is a trace id (32 hex digits) or a
request id, of which the newest trace is shown.

  --url URL   the collector, unless TTS_OTEL_COLLECTOR_URL or OTEL_EXPORTER_OTLP_ENDPOINT names it
  --json      one JSON object

TTS_OTEL_READ_TOKEN holds the READ_TOKEN of the collector.

Exit code: 0 found, 1 not found or the collector cannot be read, 2 wrong usage.
`

/** Of one trace. */
const LOGS_MAX = 1_000
/** A pipe has no width, and longer lines of a terminal are hard to read. */
const COLUMNS = 100

/** `npx tts-otel trace`. */
export async function runTrace(words: readonly string[]): Promise<CommandResult> {
  const usage = readUsage(words)
  if (usage.kind === 'wrong') return { code: 2, stderr: `tts-otel trace: ${usage.message}\n\n${TRACE_HELP}` }
  if (usage.kind === 'help') return { code: 0, stdout: TRACE_HELP }
  const collector = openCollector({ url: usage.url })
  const trace = await findTrace(collector, usage.id)
  if (trace === undefined) return { code: 1, stderr: `tts-otel trace: the collector has no trace and no request ${onOneLine(usage.id)}\n` }
  const logs = (await readLogs(collector, { trace_id: trace.trace_id }, LOGS_MAX)).toReversed()
  return { code: 0, stdout: usage.json ? `${JSON.stringify({ ...trace, logs }, undefined, 2)}\n` : toText(trace, logs) }
}

type Usage =
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'right'; readonly id: string; readonly url: string | undefined; readonly json: boolean }

function readUsage(words: readonly string[]): Usage {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    const [id, ...others] = positionals
    if (id === undefined || others.length > 0) return { kind: 'wrong', message: 'name one trace or request' }
    return { kind: 'right', id, url: values.url, json: values.json }
  } catch (error) {
    // parseArgs throws for an unknown option and says which.
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) }
  }
}

function toText({ trace_id, truncated, spans }: StoredTrace, logs: readonly StoredLog[]): string {
  const bars = spans.map(toBar).map((bar) => ({ ...bar, name: onOneLine(bar.name), note: onOneLine(bar.note) }))
  const width = Math.min(process.stdout.columns ?? COLUMNS, COLUMNS)
  const known = (name: 'request_id' | 'user_id') => spans.find((span) => span[name] !== null)?.[name] ?? undefined
  const facts = [
    ['trace', trace_id],
    ['request', known('request_id')],
    ['user', known('user_id')],
    ['service', [...new Set(spans.map(({ service }) => service))].join(', ')],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${paint('bold', onOneLine(value))}`]))
  const parts = [
    facts.join('  '),
    drawWaterfall(bars, width, paint).join('\n'),
    ...(truncated ? [`The trace has more than these ${spans.length} spans.`] : []),
    ...reasonOf(spans),
  ]
  return `${parts.join('\n\n')}\n${logs.length === 0 ? '' : `\n${showLogs(logs)}`}`
}

/** What the innermost span that failed has to say. */
function reasonOf(spans: StoredTrace['spans']): readonly string[] {
  const failed = spans.findLast(({ status, status_message }) => status === 'error' && status_message !== '')
  return failed === undefined ? [] : [paint('red', `${onOneLine(failed.name)}: ${onOneLine(failed.status_message)}`)]
}

function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout })
}
