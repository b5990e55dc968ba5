import { createSummary } from './sql-summary.ts'
import { visitTokens } from './sql-tokens.ts'

/** What may be told of an SQL text. */
export type SqlStatement = {
  /** `db.query.text`: every literal is `?`, comments are gone, white space is one blank. */
  readonly text: string
  /** `db.query.summary`: `SELECT songs artists`; undefined where the text begins with nothing known. */
  readonly summary: string | undefined
}

/** What is behind is neither read nor told. Generated bulk statements have megabytes; nobody reads on. */
const TEXT_CHARS_MAX = 8_192
/** Texts that are remembered, their length included: an app has some hundreds, unless it writes values into them. */
const REMEMBERED_CHARS_MAX = 512 * 1_024
const LITERAL = '?'

/**
 * Reads statements and remembers them: the recently used ones, in two generations, so that texts that never come again push no others out.
 * Linear time, bounded length. Literals are replaced in parameterized texts as well; `$1` stays.
 * https://opentelemetry.io/docs/specs/semconv/db/database-spans/#sanitization-of-dbquerytext
 */
export function createSqlReader(): (text: string) => SqlStatement {
  let young = new Map<string, SqlStatement>()
  let old = new Map<string, SqlStatement>()
  let youngChars = 0

  function remember(text: string, statement: SqlStatement): SqlStatement {
    if (text.length > TEXT_CHARS_MAX) return statement
    if (youngChars + text.length > REMEMBERED_CHARS_MAX / 2) {
      old = young
      young = new Map()
      youngChars = 0
    }
    young.set(text, statement)
    youngChars += text.length
    return statement
  }

  return function readSql(text) {
    return young.get(text) ?? remember(text, old.get(text) ?? readStatement(text))
  }
}

/** Reads one text, without memory. */
export function readStatement(text: string): SqlStatement {
  const source = text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text
  const summary = createSummary()
  const sanitized = createSanitized()
  visitTokens(source, (kind, start, end) => {
    const token = source.slice(start, end)
    if (kind === 'gap') return sanitized.gap()
    if (kind === 'literal' || BOOLEANS.has(token.toLowerCase())) sanitized.literal()
    else sanitized.add(token)
    summary.add(kind, token)
  })
  return { text: sanitized.text(), summary: summary.text() }
}

const BOOLEANS = new Set(['true', 'false'])

/** Builds the text. A list of literals becomes one: `IN (1, 2, 3)` is `IN (?)`, however many there were. */
function createSanitized() {
  const parts: string[] = []
  let hasGap = false

  function push(part: string): void {
    if (hasGap && parts.length > 0) parts.push(' ')
    hasGap = false
    parts.push(part)
  }

  return {
    gap: () => {
      hasGap = true
    },
    add: push,
    literal() {
      const comma = parts.at(-1) === ',' ? parts.length - 1 : -1
      const before = parts[comma - 1] === ' ' ? comma - 2 : comma - 1
      if (comma > 0 && parts[before] === LITERAL) parts.length = before + 1
      else push(LITERAL)
      hasGap = false
    },
    text: () => parts.join(''),
  }
}
