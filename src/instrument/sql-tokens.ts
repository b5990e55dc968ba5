/**
 * Kinds of PostgreSQL tokens: `name` is a quoted identifier, `word` any other identifier or keyword, `literal` a string or a number,
 * `gap` white space and comments.
 */
export type SqlTokenKind = 'gap' | 'literal' | 'name' | 'word' | 'symbol'

type Visit = (kind: SqlTokenKind, start: number, end: number) => void

const QUOTE = 39
const DOUBLE_QUOTE = 34
const BACKSLASH = 92
const DOLLAR = 36
const MINUS = 45
const SLASH = 47
const STAR = 42
const DOT = 46
const AMPERSAND = 38

/** What may stand between dollars: `$$`, `$body$`. Not `$1`, a parameter. */
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const NUMBER =
  /(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d[\d_]*)?|\.\d[\d_]*(?:[eE][+-]?\d[\d_]*)?)/y
/** Letters in front of a string: escapes, bits, hexadecimal, national. */
const STRING_PREFIXES = ['e', 'b', 'x', 'n']

/**
 * Cuts SQL into its tokens, each part of `text` exactly once and in order. In linear time; what has no end (a string, a comment) ends with the
 * text. https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */
export function visitTokens(text: string, visit: Visit): void {
  let at = 0
  while (at < text.length) {
    const { kind, end } = readToken(text, at)
    visit(kind, at, end)
    at = end
  }
}

type Token = { readonly kind: SqlTokenKind; readonly end: number }

/** The token at `start`, where the one before has ended. */
function readToken(text: string, start: number): Token {
  const gap = endOfGap(text, start)
  if (gap > start) return { kind: 'gap', end: gap }
  const code = text.charCodeAt(start)
  if (isWordStart(code)) return readWord(text, start)
  if (code === QUOTE) return { kind: 'literal', end: endOfString(text, start + 1, false) }
  if (code === DOUBLE_QUOTE) return { kind: 'name', end: endOfQuoted(text, start + 1, DOUBLE_QUOTE) }
  if (code === DOLLAR) return readDollar(text, start)
  const isNumber = isDigit(code) || (code === DOT && isDigit(text.charCodeAt(start + 1)))
  return isNumber ? { kind: 'literal', end: endOfNumber(text, start) } : { kind: 'symbol', end: start + 1 }
}

/** A word, or a string or name that begins with one: `E'…'`, `X'…'`, `U&'…'`, `U&"…"`. */
function readWord(text: string, start: number): Token {
  const end = endOfWord(text, start)
  const prefix = end - start === 1 ? text.charAt(start).toLowerCase() : ''
  const quoteAt = prefix === 'u' && text.charCodeAt(end) === AMPERSAND ? end + 1 : end
  const code = text.charCodeAt(quoteAt)
  if (code === QUOTE && (quoteAt > end || STRING_PREFIXES.includes(prefix)))
    return { kind: 'literal', end: endOfString(text, quoteAt + 1, prefix === 'e') }
  if (code === DOUBLE_QUOTE && quoteAt > end) return { kind: 'name', end: endOfQuoted(text, quoteAt + 1, DOUBLE_QUOTE) }
  return { kind: 'word', end }
}

/** `$tag$…$tag$`, or a parameter. */
function readDollar(text: string, start: number): Token {
  DOLLAR_TAG.lastIndex = start
  const tag = DOLLAR_TAG.exec(text)?.[0]
  if (tag === undefined) return { kind: 'symbol', end: endOfParameter(text, start + 1) }
  const end = text.indexOf(tag, start + tag.length)
  return { kind: 'literal', end: end < 0 ? text.length : end + tag.length }
}

/** White space or one comment; `start` itself where there is none. */
function endOfGap(text: string, start: number): number {
  let at = start
  while (isSpace(text.charCodeAt(at))) at++
  if (at > start) return at
  const code = text.charCodeAt(at)
  const next = text.charCodeAt(at + 1)
  if (code === MINUS && next === MINUS) return endOfLine(text, at)
  return code === SLASH && next === STAR ? endOfComment(text, at + 2) : start
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end
}

/** Comments nest. */
function endOfComment(text: string, start: number): number {
  let depth = 1
  let at = start
  while (at < text.length) {
    const code = text.charCodeAt(at++)
    const next = text.charCodeAt(at)
    if (code === SLASH && next === STAR) depth++
    else if (code === STAR && next === SLASH) depth--
    else continue
    at++
    if (depth === 0) return at
  }
  return text.length
}

/** A doubled quote is a part of the text; a backslash only in `E'…'`. */
function endOfString(text: string, start: number, hasEscapes: boolean): number {
  if (!hasEscapes) return endOfQuoted(text, start, QUOTE)
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE && text.charCodeAt(at + 1) !== QUOTE) return at + 1
    else if (code === QUOTE) at++
  }
  return text.length
}

function endOfQuoted(text: string, start: number, quote: number): number {
  for (let at = start; at < text.length; at++) {
    if (text.charCodeAt(at) !== quote) continue
    if (text.charCodeAt(at + 1) !== quote) return at + 1
    at++
  }
  return text.length
}

function endOfParameter(text: string, start: number): number {
  let at = start
  while (isDigit(text.charCodeAt(at))) at++
  return at
}

function endOfNumber(text: string, start: number): number {
  NUMBER.lastIndex = start
  return NUMBER.test(text) ? NUMBER.lastIndex : start + 1
}

function endOfWord(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (!isWordStart(code) && !isDigit(code) && code !== DOLLAR) return at
    at++
  }
}

/** NaN, behind the end of the text, is none of them. */
function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isWordStart(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code >= 128
}
