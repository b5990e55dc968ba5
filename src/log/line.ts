import type { AnyValue } from '@opentelemetry/api'
import { EXCEPTION_STACKTRACE, LOG_RECORD_UID, SOURCE } from '../tts/semconv.ts'
import type { Level } from './levels.ts'

/** A log record as the console shows it; redacted. */
export type Line = {
  readonly time: Date
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
const NEEDS_QUOTES = /[\s"=\\]|^$/

const keyOf = createKeys()

/**
 * One JSON object and a newline: `timestamp` (ISO, UTC), `level`, `logger`, `message`, `id`, the trace's ids, then the attributes.
 * Put together by hand: building an object for JSON.stringify takes half of the time of a whole log call.
 */
export function formatJson({ time, level, logger, message, traceId, spanId, attributes }: Line): string {
  let json = `{"timestamp":"${time.toISOString()}","level":"${level}","logger":${quote(logger)},"message":${quote(message)}`
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
export function formatText({ time, level, logger, message, traceId, attributes }: Line): string {
  let text = `${showTime(time)} - ${logger} - ${level} - ${onOneLine(message)}`
  for (const name in attributes) {
    if (isShownElsewhere(name, attributes, logger) || name === EXCEPTION_STACKTRACE) continue
    text += ` ${name}=${showValue(attributes[name])}`
  }
  if (traceId !== undefined) text += ` trace_id=${traceId}`
  const stack = attributes[EXCEPTION_STACKTRACE]
  return typeof stack === 'string' ? `${text}\n${stack}\n` : `${text}\n`
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

function toJson(value: AnyValue): string {
  if (typeof value === 'string') return quote(value)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value)
}

function quote(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`
}

function showValue(value: AnyValue): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return NEEDS_QUOTES.test(value) ? JSON.stringify(value) : value
}

/** A newline in a message must not look like another record. */
function onOneLine(message: string): string {
  return message.replaceAll('\r', '\\r').replaceAll('\n', '\\n')
}

function showTime(time: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}
