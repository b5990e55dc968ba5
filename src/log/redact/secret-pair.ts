/** Pairs of a name and a value inside a text: `password=…`, `"token": "…"`, `?key=…`, `--api-key=…`. */
import { REDACTED } from './redacted.ts'
import { kindOfName, type NameKind } from './secret-name.ts'

/** What becomes of the value of `user_id=…`; undefined lets it be. */
export type MaskIdentity = ((identity: string) => string) | undefined

type Pair = { readonly name: string; readonly kind: NameKind; readonly valueStart: number }

const EQUALS = 61
const COLON = 58
const SLASH = 47
const DOT = 46
const LETTER_S = 115
const LETTER_M = 109
const ESCAPE = 27
const SEPARATORS = [':', '='] as const
/** A text with no such word in it has no pair with a secret name. */
const SECRET_HINT = /pass|pw|kennwort|secret|token|key|auth|cookie|cred|bearer|sig|jwt|otp|cvv|cvc|ssn|accessid/i
const SECRET_OR_USER_HINT = new RegExp(`user|${SECRET_HINT.source}`, 'i')
/** Longest name and how many blanks may stand around the separator. */
const NAME_CHARS_MAX = 64
const BLANKS_MAX = 3
/** JSON in JSON in JSON. */
const BACKSLASHES_MAX = 7
/** Names whose kind is remembered; a flood of new ones only makes it forget. */
const NAMES_MAX = 1_000

const SCHEME = '(?:bearer|basic|digest|token|api-?key|key|negotiate|ntlm|dpop|hawk|bot|googlelogin|aws4-hmac-sha256)[ \\t]+'
/** One that was redacted before is let be, and so is what says that there is none, or the JSON around it would be none any more. */
const NOT_REDACTED = `(?!["'\\\\]{0,2}(?:${SCHEME})?\\[REDACTED\\]|(?:null|undefined|none|true|false)(?![^\\s,;&"'<>)\\]}]))`
/** Up to the next delimiter, which the colours of a terminal are as well. */
const BARE = String.raw`(?:(?!\\[nrt])[^\s,;&"'<>)\]}\u001b])+`
/** Quoted with escapes, quoted inside quotes, a list, an object, or up to the next delimiter. */
const VALUE = new RegExp(
  `${NOT_REDACTED}(?:${[
    String.raw`"(?:[^"\\]|\\.)+"?`,
    String.raw`'(?:[^'\\]|\\.)+'?`,
    String.raw`\\{1,7}"[^"\\]+(?:\\{1,7}")?`,
    String.raw`\[[^\]]{1,4096}\]?`,
    String.raw`\{[^}]{1,4096}\}?`,
    `(?:${SCHEME})?${BARE}`,
  ].join('|')})`,
  'iy',
)
const COOKIE_NAME = /cookie$/i
const COOKIE_VALUE = /(?!\[REDACTED\])[^\r\n"']+/y
/** Of any scheme, also one that nobody has heard of: its name, and parameters or one word. */
const AUTHORIZATION_NAME = /authorization$/i
const AUTHORIZATION_VALUE = new RegExp(
  String.raw`(?!(?:[\w-]{1,40}[ \t]+)?\[REDACTED\])(?:[\w-]{1,40}[ \t]+)?(?:(?:[\w-]{1,40}=(?:"[^"\r\n]{0,1024}"|[^\s,"']{0,1024})(?:,[ \t]*)?)+|${BARE})`,
  'y',
)
/** What a terminal colours by, as it is or as JSON writes it: `util.inspect` and loggers put it around names and values. */
const COLOR = String.raw`(?:\u001b|\\{1,7}(?:u001[bB]|x1[bB]))\[[\d;]{0,16}m`
const COLORS = new RegExp(`(?:${COLOR})+`, 'y')
const COLOR_AT_END = new RegExp(`${COLOR}$`)
const COLOR_CHARS_MAX = 30

const kinds = new Map<string, NameKind>()

/** `text` with the values of secret names replaced. Other names are stepped over one by one, as their value may hold a pair itself. Linear. */
export function redactPairs(text: string, mask: MaskIdentity): string {
  if (!(mask === undefined ? SECRET_HINT : SECRET_OR_USER_HINT).test(text)) return text
  let clean = ''
  let copied = 0
  const next = createSeparatorSearch(text)
  for (let at = next(0); at < text.length; at = next(at + 1)) {
    const pair = pairAt(text, at)
    if (pair === undefined || !(pair.kind === 'secret' || (pair.kind === 'identity' && mask !== undefined))) continue
    const end = valueEnd(text, pair)
    if (end === undefined) continue
    const value = text.slice(pair.valueStart, end)
    clean += text.slice(copied, pair.valueStart) + requote(value, pair.kind === 'identity' ? mask : undefined)
    copied = end
    at = end - 1
  }
  return copied === 0 ? text : clean + text.slice(copied)
}

/**
 * Finds the next separator, or the end of the text. Steps over `://` and over the line number of a place in a file, of which stacks are full.
 * By `indexOf`: looking at each character takes ten times as long.
 */
function createSeparatorSearch(text: string): (from: number) => number {
  const positions = [-1, -1]
  const isHarmlessColon = (at: number): boolean => {
    const next = text.charCodeAt(at + 1)
    return next === SLASH ? text.charCodeAt(at + 2) === SLASH : isDigit(next) && endsLikeFile(text, at)
  }
  function find(character: number, from: number): number {
    const known = positions[character]!
    if (known >= from) return known
    let at = text.indexOf(SEPARATORS[character]!, from)
    while (at >= 0 && character === 0 && isHarmlessColon(at)) at = text.indexOf(':', at + 1)
    positions[character] = at < 0 ? text.length : at
    return positions[character]
  }
  return (from) => Math.min(find(0, from), find(1, from))
}

/** `.ts`, `.js`, `.mjs`, `.cjs` and the like. */
function endsLikeFile(text: string, end: number): boolean {
  if (text.charCodeAt(end - 1) !== LETTER_S) return false
  return text.charCodeAt(end - 3) === DOT || text.charCodeAt(end - 4) === DOT
}

/** The pair whose separator is at `at`. */
function pairAt(text: string, at: number): Pair | undefined {
  const code = text.charCodeAt(at)
  if (code === EQUALS && text.charCodeAt(at + 1) === EQUALS) return undefined // a comparison, of which sources are full
  const end = nameEnd(text, at)
  const start = nameStart(text, end)
  if (start >= end || (code === COLON && isPath(text, start, end, at))) return undefined
  const isQuoted = end < at && text.charCodeAt(at - 1) > 32
  const isArrow = code === EQUALS && text[at + 1] === '>'
  if (isArrow && !/["']/.test(text.slice(end, at))) return undefined
  const name = text.slice(start, end)
  const isQueryKey = name.toLowerCase() === 'key' && (text[start - 1] === '?' || text[start - 1] === '&')
  const valueStart = skipColors(text, skipBlanks(text, isArrow ? at + 2 : at + 1))
  return { name, kind: isQueryKey && !isQuoted ? 'secret' : kindOf(name), valueStart }
}

/** Blanks, a quote and its escapes may stand between the name and the separator. */
function nameEnd(text: string, at: number): number {
  let end = at
  while (at - end < BLANKS_MAX && isBlank(text.charCodeAt(end - 1))) end--
  if (text.charCodeAt(end - 1) === LETTER_M) end -= COLOR_AT_END.exec(text.slice(Math.max(0, end - COLOR_CHARS_MAX), end))?.[0].length ?? 0
  if (text[end - 1] === '"' || text[end - 1] === "'") {
    const quote = --end
    while (quote - end < BACKSLASHES_MAX && text[end - 1] === '\\') end--
  }
  return end
}

function nameStart(text: string, end: number): number {
  let start = end
  while (start > 0 && end - start < NAME_CHARS_MAX && isNameCharacter(text.charCodeAt(start - 1))) start--
  // The rest of `\n` is no part of the name.
  if (text[start - 1] === '\\' && /[nrt]/.test(text[start] ?? '')) start++
  while (start < end && !isLetter(text.charCodeAt(start))) start++
  return start
}

/** `/src/token.ts:10` is a place in a file. */
function isPath(text: string, start: number, end: number, at: number): boolean {
  return end === at && !isBlank(text.charCodeAt(at + 1)) && (text[start - 1] === '/' || text[start - 1] === '\\')
}

function valueEnd(text: string, { name, valueStart }: Pair): number | undefined {
  const isBare = !/["'\\[{]/.test(text[valueStart] ?? '')
  const value = isBare && AUTHORIZATION_NAME.test(name) ? AUTHORIZATION_VALUE : isCookie(name, text[valueStart]) ? COOKIE_VALUE : VALUE
  value.lastIndex = valueStart
  return value.test(text) ? value.lastIndex : undefined
}

function isCookie(name: string, first: string | undefined): boolean {
  return COOKIE_NAME.test(name) && first !== '[' && first !== '{'
}

/** Keeps the quotes, so that JSON inside a text stays JSON. */
function requote(value: string, mask: MaskIdentity): string {
  const open = /^\\{0,7}["']/.exec(value)?.[0] ?? ''
  const isClosed = value.length > open.length && value.endsWith(open)
  const inner = value.slice(open.length, isClosed ? -open.length || undefined : undefined)
  return open + (mask === undefined ? REDACTED : mask(inner)) + (isClosed ? open : '')
}

function kindOf(name: string): NameKind {
  const known = kinds.get(name)
  if (known !== undefined) return known
  const kind = kindOfName(name)
  if (kinds.size >= NAMES_MAX) kinds.clear()
  kinds.set(name, kind)
  return kind
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (at - from < BLANKS_MAX && isBlank(text.charCodeAt(at))) at++
  return at
}

function skipColors(text: string, from: number): number {
  if (text.charCodeAt(from) !== ESCAPE && text[from] !== '\\') return from
  COLORS.lastIndex = from
  return COLORS.test(text) ? COLORS.lastIndex : from
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95
}

/** Letters, digits, `_`, `.` and `-`. */
function isNameCharacter(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === DOT || code === 45
}
