import { redactText } from './log/redact/secret-text.ts'

/** One kind of value that a variable can hold. */
export type ValueType<T> = {
  /** What is allowed, as the end of the sentence "… is not …". */
  readonly expects: string
  /** The value of a trimmed, non-empty text; undefined when it is wrong. */
  readonly read: (text: string) => T | undefined
  /** What to do instead, for wrong values with a known reason. */
  readonly advice?: (text: string) => string | undefined
  /** The text is never shown in a message. */
  readonly secret?: true
}

/** Longest delay of a Node timer, 24.8 days: a longer one would fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1

/** Any text. */
export const text: ValueType<string> = { expects: 'a text', read: (value) => value }

/** Fixed spellings, any case, each with its value. */
export function spellings<T>(values: Readonly<Record<string, T>>): ValueType<T> {
  const names = Object.keys(values)
  const bySpelling = new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]))
  return { expects: `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`, read: (value) => bySpelling.get(value.toLowerCase()) }
}

/** Nothing but `true` means true. https://opentelemetry.io/docs/specs/otel/configuration/common/#boolean */
export const trueOrFalse: ValueType<boolean> = spellings({ true: true, false: false })

/** A switch of ours. */
export const onOrOff: ValueType<boolean> = spellings<boolean>({ '1': true, true: true, '0': false, false: false })

/** A whole number in a range. */
export function whole(min: number, max: number): ValueType<number> {
  return {
    expects: `a whole number from ${min} to ${max}`,
    read(value) {
      const number = Number(value)
      return /^\d+$/.test(value) && number >= min && number <= max ? number : undefined
    },
  }
}

/** Milliseconds to wait at most; 0 means no limit, as the OpenTelemetry specification asks. */
export const timeoutMs: ValueType<number> = {
  expects: `a whole number from 0 (no limit) to ${TIMER_MS_MAX}`,
  read: (value) => whole(0, TIMER_MS_MAX).read(value) || (/^0+$/.test(value) ? TIMER_MS_MAX : undefined),
}

/** A number in a range, fractions allowed. */
export function decimal(min: number, max: number): ValueType<number> {
  return {
    expects: `a number from ${min} to ${max}`,
    read(value) {
      const number = Number(value)
      return number >= min && number <= max ? number : undefined
    },
  }
}

/** One of some names, any case. */
export function oneOf<const T extends string>(names: readonly T[]): ValueType<T> {
  return spellings<T>(Object.fromEntries(names.map((name) => [name, name])))
}

/** Some names, separated by commas; `none` stands for an empty list. */
export function listOf<const T extends string>(names: readonly T[]): ValueType<readonly T[]> {
  const one = oneOf(names)
  return {
    expects: `none or a list of ${names.join(', ')}`,
    read(value) {
      if (value.toLowerCase() === 'none') return []
      const items = value.split(',').map((item) => one.read(item.trim()))
      return items.every((item) => item !== undefined) ? [...new Set(items)] : undefined
    },
  }
}

/** Any names, separated by commas; for variables that others give values to as well. */
export const names: ValueType<readonly string[]> = {
  expects: 'a list of names',
  read: (value) => value.split(',').map((name) => name.trim()),
}

/** An http or https address. */
export const httpUrl: ValueType<string> = {
  expects: 'an address that starts with http:// or https://',
  read(value) {
    const url = URL.canParse(value) ? new URL(value) : undefined
    return url && (url.protocol === 'http:' || url.protocol === 'https:') && isDecodable(url) ? value : undefined
  },
  advice: (value) => (/^[\w.-]+:\d+(?:\/[\w./-]*)?$/.test(value) ? `write http://${value}` : undefined),
}

/** A user and password with a stray `%` could not be sent as a header. */
function isDecodable({ username, password }: URL): boolean {
  try {
    return decodeURIComponent(username + password) !== undefined
  } catch {
    return false
  }
}

/** A token for `Authorization: Bearer …`. */
export const token: ValueType<string> = {
  expects: 'a token of visible ASCII characters without spaces',
  secret: true,
  read: (value) => (/^[\x21-\x7e]+$/.test(value) ? value : undefined),
}

/** An http or https address, or host:port of an http one, as other programs take it. */
export const proxyUrl: ValueType<string> = {
  expects: 'the http:// or https:// address of a proxy',
  read: (value) => httpUrl.read(value.includes('://') ? value : `http://${value}`) && value,
}

/** Attributes as `key=value,key=value` in the format of W3C baggage: percent-encoded, spaces around the parts ignored. */
export const keyValues: ValueType<Readonly<Record<string, string>>> = {
  expects: 'a list like key=value,key2=value2 with percent-encoded values',
  read: (value) => readPairs(value, (name) => name !== ''),
}

/** HTTP headers in the same format; a baggage property after `;` is part of the value, because tokens may hold one. */
export const headers: ValueType<Readonly<Record<string, string>>> = {
  expects: 'a list of HTTP headers like api-key=secret,name=value with percent-encoded values',
  secret: true,
  read: (value) => readPairs(value, (name, content) => HEADER_NAME.test(name) && !HEADER_VALUE_UNSAFE.test(content)),
}
/** Tokens of RFC 9110. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** What Node refuses to send: control characters but tab, and code units above Latin-1. */
const HEADER_VALUE_UNSAFE = /[^\t\x20-\x7e\x80-\xff]/

function readPairs(value: string, isAllowed: (name: string, content: string) => boolean): Record<string, string> | undefined {
  const pairs: [string, string][] = []
  for (const part of value.split(',')) {
    if (part.trim() === '') continue
    const at = part.indexOf('=')
    const name = decodePercent(part.slice(0, Math.max(at, 0)).trim())
    const content = decodePercent(part.slice(at + 1).trim())
    if (at < 1 || name === undefined || content === undefined || !isAllowed(name, content)) return undefined
    pairs.push([name, content])
  }
  return Object.fromEntries(pairs)
}

function decodePercent(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/** Longest part of a wrong value that a message repeats. */
const SHOWN_CHARACTERS_MAX = 80

/** A wrong value for a message: control characters escaped, shortened, secrets and the credentials and queries of addresses removed. */
export function showValue(value: string, type: Pick<ValueType<unknown>, 'secret'>): string {
  if (type.secret) return '"…"'
  // Up to the last @: an address is often wrong just because of what its password holds.
  const shown = redactText(value.replace(/^(\w+:\/\/)?[\s\S]*@/, '$1[REDACTED]@').replace(/\?[\s\S]*$/, '?…'))
  return JSON.stringify(shown.length > SHOWN_CHARACTERS_MAX ? `${shown.slice(0, SHOWN_CHARACTERS_MAX)}…` : shown)
}
