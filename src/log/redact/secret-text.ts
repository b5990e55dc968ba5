import { isCardNumber } from './card.ts'
import { REDACTED } from './redacted.ts'
import { type MaskIdentity, redactPairs } from './secret-pair.ts'
import { redactElements, redactKeyDetails, redactSpaced } from './secret-phrase.ts'
import { mayHoldLowerCaseToken, redactPrivateKeys, redactWebhooks, redactWellKnown } from './secret-token.ts'

/** Longer texts are cut: what was not looked at does not leave. A stack trace has about 5,000 characters. */
export const TEXT_CHARS_MAX = 65_536
/** Room for the note about the cut, so that a second pass finds nothing to cut. */
const NOTE_CHARS_MAX = 64
/** A secret that the cut would split is left out as a whole, up to this length. */
const SPLIT_CHARS_MAX = 512

// A first look tells which of the rules can match at all: one table look-up for each character.
const DIGIT = 1
const AT = 2
const SEPARATOR = 4
const PERCENT = 8
const RARE = 16
const UPPER = 32
const SPACE = 64
const LETTER_B = 128
const SLASH = 256
const QUOTE_OR_DASH = 512
/** Digits, and what may stand between two of one number. */
const NUMBER_SHIFT = 10
const IN_NUMBER = 1 << NUMBER_SHIFT
const ANGLE = 2_048
const PARENTHESIS = 4_096
const SUSPICIOUS = AT | SEPARATOR | PERCENT | RARE | UPPER | LETTER_B | SLASH | QUOTE_OR_DASH
const CLASSES = classify([
  ['0123456789', DIGIT | IN_NUMBER],
  [' ', SPACE | IN_NUMBER],
  ['-', IN_NUMBER | QUOTE_OR_DASH],
  [`'"`, QUOTE_OR_DASH],
  ['@', AT],
  ['=:', SEPARATOR],
  ['%\\', PERCENT],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', UPPER],
  ['JIQXx_', RARE],
  ['bB', LETTER_B],
  ['/', SLASH],
  ['<', ANGLE],
  [')', PARENTHESIS],
])
/** Digits of the shortest card number. */
const CARD_DIGITS_MIN = 13
/** Of the shortest token that is known by its shape. */
const TOKEN_CHARS_MIN = 15
/** Of the shortest webhook address. */
const WEBHOOK_CHARS_MIN = 24
/** The shortest pair of a secret name and a value: `sig=x`; of an address: `a@b.cc`. */
const SECRET_CHARS_MIN = 5

const URL_CREDENTIALS = /(:\/\/)[^\s/?#]+@/g
/** A password with a slash in it. Digits up to a slash are a port. */
const URL_ODD_PASSWORD = /(:\/\/)[^\s/?#:@"'<>[]{0,128}:(?!\d{1,5}(?:[/?#]|$)|\[REDACTED\])[^\s@"'<>]{1,256}@/g
const SCHEME_HINT = /earer[ \t]|asic[ \t]|EARER[ \t]|ASIC[ \t]/
const SCHEME_TOKEN = /\b(bearer|basic)([ \t]+)([A-Za-z0-9._~+/=:-]{6,})/gi
const EMAIL =
  /(?<![\w.%+\u00a1-\uffff-])[\w.%+\u00a1-\uffff-]+@(?!\d+\.\d+\.|\dx\.)(?:[\w\u00a1-\uffff-]{1,63}\.){1,8}[A-Za-z\u00a1-\uffff]{2,24}(?![A-Za-z0-9])/g
/** An address in a query in a query. */
const LAYERS_MAX = 3
/**
 * `%2F%3D`; one match for a run, so that characters of several bytes stay whole. And what JSON encoders of Go and Java escape although
 * they need not, of which our rules look at `&`, `=` and `@`.
 */
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+|\\u00(?:26|3[dD]|40)/g
const CARD = /(?<![\w.-])\d(?:[ \u00a0-]?\d){12,18}(?![\w-])/g

/**
 * `text` without credentials, e-mail addresses and card numbers; the same string when it has none. Linear in its length, which
 * is capped. Doing it twice changes nothing more. With `mask` addresses and the values of `user_id=…` are given to it instead.
 */
export function redactText(text: string, mask?: MaskIdentity, layersLeft = LAYERS_MAX): string {
  if (text.length < SECRET_CHARS_MIN) return text
  if (text.length > TEXT_CHARS_MAX) return redactLong(text, mask)
  let seen = 0
  let run = 0
  let digits = 0
  for (let index = 0; index < text.length; index++) {
    const kind = CLASSES[text.charCodeAt(index) & 127]!
    seen |= kind
    // Without a branch: in ids digits and letters alternate, which no processor can foresee.
    run = (run + (kind & DIGIT)) & -((kind >> NUMBER_SHIFT) & 1)
    if (run > digits) digits = run
  }
  if ((seen & SUSPICIOUS) === 0 && digits < CARD_DIGITS_MIN) return text
  const clean = replaceSeen(text, seen, digits, mask)
  return seen & PERCENT ? redactEscaped(clean, mask, layersLeft) : clean
}

/** Percent-encoding hides what it encodes, twice encoded as well: a text with a secret behind it is given back decoded. */
function redactEscaped(text: string, mask: MaskIdentity, layersLeft: number): string {
  const decoded = layersLeft === 0 ? text : text.replace(ESCAPES, decode)
  if (decoded === text) return text
  const clean = redactText(decoded, mask, layersLeft - 1)
  return clean === decoded ? text : clean
}

function decode(escapes: string): string {
  if (escapes.startsWith('\\')) return String.fromCharCode(Number.parseInt(escapes.slice(2), 16))
  try {
    return decodeURIComponent(escapes)
  } catch {
    return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('latin1') // no UTF-8
  }
}

/** `digits` is the longest row of them, gaps not counted. */
function replaceSeen(text: string, seen: number, digits: number, mask: MaskIdentity): string {
  let clean = seen & QUOTE_OR_DASH && seen & UPPER && seen & SPACE ? redactPrivateKeys(text) : text
  if (seen & SEPARATOR) clean = redactPairs(clean, mask)
  if (seen & SEPARATOR && seen & PARENTHESIS) clean = redactKeyDetails(clean)
  if (seen & QUOTE_OR_DASH && seen & SPACE) clean = redactSpaced(clean)
  if (seen & SLASH && seen & ANGLE) clean = redactElements(clean)
  if (seen & AT && clean.includes('://'))
    clean = clean.replace(URL_CREDENTIALS, `$1${REDACTED}@`).replace(URL_ODD_PASSWORD, `$1${REDACTED}@`)
  if (seen & SLASH && text.length >= WEBHOOK_CHARS_MIN) clean = redactWebhooks(clean)
  if (seen & LETTER_B && seen & SPACE && SCHEME_HINT.test(clean)) clean = clean.replace(SCHEME_TOKEN, redactToken)
  if (text.length >= TOKEN_CHARS_MIN && (seen & RARE || (seen & UPPER && mayHoldLowerCaseToken(clean)))) clean = redactWellKnown(clean)
  if (seen & AT) clean = clean.replace(EMAIL, (address) => (mask === undefined ? REDACTED : mask(address)))
  if (digits >= CARD_DIGITS_MIN) clean = clean.replace(CARD, (number) => (isCardNumber(number) ? REDACTED : number))
  return clean
}

function redactLong(text: string, mask: MaskIdentity): string {
  const head = text.slice(0, TEXT_CHARS_MAX - NOTE_CHARS_MAX)
  const tail = head.slice(-SPLIT_CHARS_MAX)
  const whole = head.slice(0, head.length - tail.length) + tail.replace(/(?:[\s"'<>,;][^\s"'<>,;]*|[\d -]+)$/, '')
  return `${redactText(whole, mask)}… [${text.length - whole.length} more characters cut]`
}

/** `Bearer abc123` is a credential, `bearer token` and `Basic information` are words. */
function redactToken(whole: string, scheme: string, space: string, token: string): string {
  const looksRandom =
    scheme.toLowerCase() === 'basic' ? /^[A-Za-z0-9+/=]{8,}$/.test(token) && /.[A-Z]|\d|=/.test(token) : /.[A-Z]|\d|[-._~+/=:]./.test(token)
  return looksRandom || token.length >= 20 ? scheme + space + REDACTED : whole
}

function classify(classes: readonly (readonly [characters: string, kind: number])[]): Uint16Array {
  const table = new Uint16Array(128)
  for (const [characters, kind] of classes) {
    for (const character of characters) table[character.charCodeAt(0)]! |= kind
  }
  return table
}
