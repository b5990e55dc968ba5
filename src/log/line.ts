import type { AnyValue } from '@opentelemetry/api'
import { EXCEPTION_STACKTRACE, LOG_RECORD_UID, SOURCE } from '../tts/semconv.ts'
import type { Level } from './levels.ts'

/** A log record as lines show it; redacted. */
export type Line = {
  /** Unix milliseconds. */
  readonly timeMs: number
  readonly level: Level
  readonly logger: string
  readonly message: string
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  /** With the record's id, `request_id` and `user_id`. */
  readonly attributes: Readonly<Record<string, AnyValue>>
}

/** Names that the line itself uses; a field that has one is shown as `fields.<name>`. */
const OWN_NAMES = new Set(['timestamp', 'level', 'logger', 'message', 'id', 'trace_id', 'span_id'])
/** Names remembered in their JSON form, and how long they may be. */
const KEYS_MAX = 2_000
const KEY_CHARS_MAX = 128
/** What JSON escapes; half of a surrogate pair is among it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const NEEDS_ESCAPES = /["\\\u0000-\u001f\ud800-\udfff]/
/** A value without these needs no quotes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const NEEDS_QUOTES = /[\s"=\\\u0000-\u001f\u007f-\u009f]|^$/
/** What would end a line, or tell a terminal to do something. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g
/** The same, without the ends of the lines of a stack. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL_IN_LINES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

const keyOf = createKeys()
const isoOf = createIsoClock()

/**
 * One JSON object and a newline: `timestamp` (ISO, UTC), `level`, `logger`, `message`, `id`, the trace's ids, then the attributes.
 * Put together by hand: building an object for JSON.stringify takes half of the time of a whole log call.
 */
export function formatJson({ timeMs, level, logger, message, traceId, spanId, attributes }: Line): string {
  let json = `{"timestamp":"${isoOf(timeMs)}","level":"${level}","logger":${quote(logger)},"message":${quote(message)}`
  json += `,"id":${toJson(attributes[LOG_RECORD_UID])}`
  if (traceId !== undefined) json += `,"trace_id":"${traceId}"`
  if (spanId !== undefined) json += `,"span_id":"${spanId}"`
  for (const name in attributes) {
    if (isShownElsewhere(name, attributes, logger)) continue
    json += keyOf(name) + toJson(attributes[name])
  }
  return `${json}}\n`
}

/** `2026-11-22 10:00:00 - app.tts - INFO - message key=value` in local time; a stack trace follows on lines of its own. */
export function formatText(line: Line): string {
  const { timeMs, level, logger, message, traceId } = line
  const fields = describeFields(line)
  if (traceId !== undefined) fields.push(['trace_id', traceId])
  const shown = fields.map(([name, value]) => ` ${name}=${value}`).join('')
  return `${showTime(new Date(timeMs))} - ${onOneLine(logger)} - ${level} - ${onOneLine(message)}${shown}\n${stackOf(line)}`
}

/** The attributes a reader wants to see behind the message, their values quoted where they need it. */
export function describeFields({ attributes, logger }: Line): [name: string, value: string][] {
  const names = Object.keys(attributes).filter((name) => !isShownElsewhere(name, attributes, logger) && name !== EXCEPTION_STACKTRACE)
  return names.map((name) => [showName(name), showValue(attributes[name])])
}

/** The stack trace, a newline at its end; empty without one. */
export function stackOf({ attributes }: Line): string {
  const stack = attributes[EXCEPTION_STACKTRACE]
  return typeof stack === 'string' && stack !== '' ? `${stack.replace(CONTROL_IN_LINES, escapeControl)}\n` : ''
}

/** A newline in a message must not look like another record, nor an escape sequence reach a terminal. */
export function onOneLine(message: string): string {
  return message.replace(CONTROL, escapeControl)
}

function escapeControl(character: string): string {
  if (character === '\n') return '\\n'
  return character === '\r' ? '\\r' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** The id has a place of its own, and the source is the logger unless the caller named another. */
function isShownElsewhere(name: string, attributes: Line['attributes'], logger: string): boolean {
  return name === LOG_RECORD_UID || (name === SOURCE && attributes[name] === logger)
}

/** `,"name":` for each name, made once: an app logs the same few hundred again and again. */
function createKeys(): (name: string) => string {
  const known = new Map<string, string>()
  return function keyOf(name) {
    const cached = known.get(name)
    if (cached !== undefined) return cached
    const key = `,${quote(OWN_NAMES.has(name) ? `fields.${name}` : name)}:`
    if (known.size < KEYS_MAX && name.length <= KEY_CHARS_MAX) known.set(name, key)
    return key
  }
}

/** ISO 8601 in UTC. `toISOString` takes a sixth of a log call; only its milliseconds change from line to line. */
function createIsoClock(): (ms: number) => string {
  let second = Number.NaN
  let prefix = ''
  return function isoOf(ms) {
    const now = Math.floor(ms / 1_000)
    if (now !== second) {
      prefix = new Date(ms).toISOString().slice(0, -4)
      second = now
    }
    const rest = ms - now * 1_000
    return `${prefix}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`
  }
}

function toJson(value: AnyValue): string {
  if (typeof value === 'string') return quote(value)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value)
}

function quote(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`
}

function showName(name: string): string {
  return NEEDS_QUOTES.test(name) ? JSON.stringify(name) : name
}

function showValue(value: AnyValue): string {
  if (typeof value !== 'string') return onOneLine(JSON.stringify(value) ?? '')
  return NEEDS_QUOTES.test(value) ? onOneLine(JSON.stringify(value)) : value
}

function showTime(time: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}
