import { inspect } from 'node:util'
import { EXCEPTION_MESSAGE, EXCEPTION_TYPE } from '../tts/semconv.ts'
import type { Level } from './levels.ts'
import { describeFields, type Line, onOneLine, stackOf } from './line.ts'

/** Colours of `util.inspect`, which every terminal has. */
const COLORS = { DEBUG: 'gray', INFO: 'green', WARNING: 'yellow', ERROR: 'red', CRITICAL: 'magenta' } as const satisfies Record<
  Level,
  string
>
/** The longest level. */
const LEVEL_CHARS = 8
/** What the first line of a stack says. */
const IN_STACK: ReadonlySet<string> = new Set([EXCEPTION_TYPE, EXCEPTION_MESSAGE])

/**
 * The form for a person at a terminal: `10:00:00.123 INFO     app.tts  message  key=value` in local time, a stack below it. Not
 * for programs: it has no date and may change.
 */
export function createPrettyFormat({ colors }: { readonly colors: boolean }): (line: Line) => string {
  const paint = (color: keyof typeof inspect.colors, text: string): string => {
    const [open, close] = inspect.colors[color] ?? [0, 0]
    return colors ? `\u001b[${open}m${text}\u001b[${close}m` : text
  }
  return function formatPretty(line) {
    const { timeMs, level, logger, message, traceId } = line
    const stack = stackOf(line)
    const fields = describeFields(line).filter(([name]) => stack === '' || !IN_STACK.has(name))
    if (traceId !== undefined) fields.push(['trace_id', traceId])
    const shown = fields.map(([name, value]) => ` ${paint('gray', `${name}=`)}${value}`).join('')
    const head = `${paint('gray', showTime(timeMs))} ${paint(COLORS[level], level.padEnd(LEVEL_CHARS))} ${paint('cyan', onOneLine(logger))}`
    return `${head} ${paint('bold', onOneLine(message))}${shown}\n${stack === '' ? '' : `${paint('gray', stack.trimEnd())}\n`}`
  }
}

function showTime(timeMs: number): string {
  const time = new Date(timeMs)
  const pad = (part: number, digits: number): string => String(part).padStart(digits, '0')
  return `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}.${pad(time.getMilliseconds(), 3)}`
}
