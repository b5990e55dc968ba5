import { isCardNumber } from './card.ts'
import { isSecretName } from './secret-name.ts'

/** Stands where a secret was. */
export const REDACTED = '[REDACTED]'

/** Longer texts are cut: what was not looked at does not leave. A stack trace has about 5,000 characters. */
export const TEXT_CHARS_MAX = 65_536
/** Room for the note about the cut, so that a second pass finds nothing to cut. */
const NOTE_CHARS_MAX = 64

// A first look tells which of the patterns below can match at all: one table look-up for each character.
const DIGIT = 1
const AT = 2
const SEPARATOR = 4
const RARE = 8
const SPACE = 16
const LETTER_B = 32
const GAP = 64
const SUSPICIOUS = AT | SEPARATOR | RARE | LETTER_B
const CLASSES = classify({ '0123456789': DIGIT, '@': AT, '=:': SEPARATOR, JzXKx: RARE, ' ': SPACE | GAP, '-': GAP, bB: LETTER_B })
/** Digits of the shortest card number. */
const CARD_DIGITS_MIN = 13

/** A text with no such word in it has no pair with a secret name. */
const SECRET_HINT = /pass|pwd|secret|token|key|auth|cookie|cred|bearer|sig|jwt|otp|cvv|cvc|ssn/i
/** `name=`, `name: `, `"name":`, `\"name\":`. Not behind a slash: `/src/token.ts:10` is a place in a file; behind `\n` of JSON inside a text. */
const PAIR = /(?:(?<![\w./\\-])|(?<=\\[nrt]))([A-Za-z_][\w.-]{0,63})\\?["']?[ \t]{0,3}[=:][ \t]{0,3}/g
/** What stands behind it: quoted with escapes, quoted inside quotes, or up to the next delimiter; one that was redacted before is let be. */
const PAIR_VALUE =
  /(?!["'\\]{0,2}(?:(?:bearer|basic|digest)[ \t]+)?\[REDACTED\])(?:"(?:[^"\\]|\\.)+"?|'(?:[^'\\]|\\.)+'?|\\"[^"\\]+(?:\\")?|(?:(?:bearer|basic|digest)[ \t]+)?(?:(?!\\[nrt])[^\s,;&"'<>)\]}])+)/iy
const COOKIE_NAME = /cookie$/i
const COOKIE_VALUE = /(?!\[REDACTED\])[^\r\n"']+/y
/** Harmless as a name in general, but the Gemini API takes its key as `?key=`. */
const QUERY_KEY = /[?&]key=$/i

const URL_CREDENTIALS = /(:\/\/)[^\s/?#]+@/g
const SCHEME_TOKEN = /\b(bearer|basic)([ \t]+)([A-Za-z0-9._~+/=:-]{6,})/gi
/** A JWT, a Google API key, a Google client secret, an AWS key id, a Slack token. Each starts at the edge of a word, so a long word is read once. */
const WELL_KNOWN =
  /(?<![\w-])(?:eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?|AIza[\w-]{30,}|GOCSPX-[\w-]{10,}|A(?:KIA|SIA)[A-Z0-9]{16}|xox[abeprs]-[\w-]{10,})/g
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g
const EMAIL = /(?<![\w.%+-])[\w.%+-]+@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b/g
const CARD = /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])/g

/**
 * `text` without credentials, e-mail addresses and card numbers; the same string when it has none. Linear in its length, which
 * is capped. Doing it twice changes nothing more.
 */
export function redactText(text: string): string {
  if (text.length > TEXT_CHARS_MAX) {
    const kept = TEXT_CHARS_MAX - NOTE_CHARS_MAX
    return `${redactText(text.slice(0, kept))}… [${text.length - kept} more characters cut]`
  }
  let seen = 0
  let run = 0
  let digits = 0
  for (let index = 0; index < text.length; index++) {
    const kind = CLASSES[text.charCodeAt(index) & 127]!
    seen |= kind
    if (kind === DIGIT) digits = Math.max(digits, ++run)
    else if ((kind & GAP) === 0) run = 0
  }
  return (seen & SUSPICIOUS) === 0 && digits < CARD_DIGITS_MIN ? text : replaceSeen(text, seen, digits)
}

/** `digits` is the longest row of them, gaps not counted. */
function replaceSeen(text: string, seen: number, digits: number): string {
  let clean = text
  if (seen & SEPARATOR && SECRET_HINT.test(clean)) clean = redactPairs(clean)
  if (seen & AT && clean.includes('://')) clean = clean.replace(URL_CREDENTIALS, `$1${REDACTED}@`)
  if (seen & LETTER_B && seen & SPACE) clean = clean.replace(SCHEME_TOKEN, redactToken)
  if (seen & RARE) clean = clean.replace(WELL_KNOWN, REDACTED)
  if (seen & RARE && clean.includes('-----BEGIN')) clean = clean.replace(PRIVATE_KEY, REDACTED)
  if (seen & AT) clean = clean.replace(EMAIL, REDACTED)
  if (digits >= CARD_DIGITS_MIN) clean = clean.replace(CARD, (number) => (isCardNumber(number) ? REDACTED : number))
  return clean
}

/** Replaces the values behind secret names; other names are stepped over one by one, as their value may hold a pair itself. */
function redactPairs(text: string): string {
  let clean = ''
  let copied = 0
  PAIR.lastIndex = 0
  for (let pair = PAIR.exec(text); pair; pair = PAIR.exec(text)) {
    const start = PAIR.lastIndex
    const isSecret = SECRET_HINT.test(pair[1]!) && (isSecretName(pair[1]!) || isQueryKey(text, pair))
    if (!isSecret) continue
    const value = COOKIE_NAME.test(pair[1]!) ? COOKIE_VALUE : PAIR_VALUE
    value.lastIndex = start
    if (!value.test(text)) continue
    clean += text.slice(copied, start) + requote(text.slice(start, value.lastIndex))
    copied = value.lastIndex
    PAIR.lastIndex = copied
  }
  return copied === 0 ? text : clean + text.slice(copied)
}

function isQueryKey(text: string, pair: RegExpExecArray): boolean {
  return pair[1]!.length === 3 && QUERY_KEY.test(text.slice(Math.max(0, pair.index - 1), pair.index + pair[0].length))
}

/** Keeps the quotes, so that JSON inside a text stays JSON. */
function requote(value: string): string {
  const open = /^\\?["']/.exec(value)?.[0] ?? ''
  const isClosed = value.length > open.length && value.endsWith(open)
  return open + REDACTED + (isClosed ? open : '')
}

/** `Bearer abc123` is a credential, `bearer token` and `Basic information` are words. */
function redactToken(whole: string, scheme: string, space: string, token: string): string {
  const looksRandom =
    scheme.toLowerCase() === 'basic' ? /^[A-Za-z0-9+/=]{8,}$/.test(token) && /.[A-Z]|\d|=/.test(token) : /.[A-Z]|\d|[-._~+/=:]./.test(token)
  return looksRandom || token.length >= 20 ? scheme + space + REDACTED : whole
}

function classify(classes: Readonly<Record<string, number>>): Uint8Array {
  const table = new Uint8Array(128)
  for (const [characters, kind] of Object.entries(classes)) {
    for (const character of characters) table[character.charCodeAt(0)]! |= kind
  }
  return table
}
