import { styleText } from 'node:util'
import type { AnyValue } from '@opentelemetry/api'
import type { Level } from '../log/levels.ts'
import { describeFields, type Line, onOneLine, stackOf } from '../log/line.ts'
import type { StoredLog } from '../reading/get-logs.ts'

const COLORS = { DEBUG: 'gray', INFO: 'green', WARNING: 'yellow', ERROR: 'red', CRITICAL: 'magenta' } as const satisfies Record<
  Level,
  string
>
/** The longest level. */
const LEVEL_CHARS = 8

/**
 * `2026-11-22 10:00:00.123456Z INFO     app.tts  message key=value`, a line for each, a stack below it. Coloured on a terminal
 * only; what a record holds cannot move its cursor.
 */
export function showLogs(logs: readonly StoredLog[]): string {
  const sourceChars = Math.max(0, ...logs.map(({ source }) => onOneLine(source).length))
  return logs.map((log) => showLog(log, sourceChars)).join('')
}

function showLog(log: StoredLog, sourceChars: number): string {
  const { timestamp, level, message, source } = log
  const line = toLine(log)
  const fields = describeFields(line).map(([name, value]) => ` ${paint('gray', `${name}=`)}${value}`)
  const head = `${paint('gray', timestamp.replace('T', ' '))} ${paint(COLORS[level] ?? 'gray', level.padEnd(LEVEL_CHARS))}`
  return `${head} ${paint('cyan', onOneLine(source).padEnd(sourceChars))}  ${paint('bold', onOneLine(message))}${fields.join('')}\n${stackOf(line)}`
}

function toLine({ id, level, message, source, metadata, request_id, user_id, trace_id }: StoredLog): Line {
  const ids = Object.entries({ request_id, user_id, trace_id }).filter(([, value]) => value !== null)
  return {
    timeMs: 0,
    level,
    id,
    logger: source,
    message,
    traceId: undefined,
    spanId: undefined,
    // Parsed JSON is what attributes are made of.
    attributes: { ...Object.fromEntries(ids), ...(metadata as Readonly<Record<string, AnyValue>>) },
  }
}

function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout })
}
