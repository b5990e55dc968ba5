import type { SqlTokenKind } from './sql-tokens.ts'

/** Longest summary of the convention. */
const SUMMARY_CHARS_MAX = 255
const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** Operations that may stand anywhere, in subqueries too. */
const QUERIES = words('SELECT INSERT UPDATE DELETE MERGE')
/** Not operations behind these: `FOR UPDATE`, `FOR NO KEY UPDATE`, `ON CONFLICT DO UPDATE`, `ON DELETE CASCADE`. */
const BEFORE_NO_QUERY = words('FOR KEY DO ON')
/** Operations that begin a statement. `WITH` and `EXPLAIN` stand in front of one. */
const COMMANDS = words(
  'ABORT ALTER ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE DISCARD DO DROP END EXECUTE EXPLAIN FETCH GRANT IMPORT LISTEN LOAD LOCK MOVE NOTIFY PREPARE REASSIGN REFRESH REINDEX RELEASE RESET REVOKE ROLLBACK SAVEPOINT SECURITY SET SHOW START TABLE TRUNCATE UNLISTEN VACUUM VALUES',
)
/** Commands with a subject of a kind: `CREATE TABLE songs`. */
const DEFINITIONS = words('ALTER CREATE DROP')
const SUBJECTS = words('DATABASE DOMAIN EXTENSION FUNCTION INDEX POLICY PROCEDURE SCHEMA SEQUENCE TABLE TRIGGER TYPE VIEW')
/** Commands whose next name is what they work on. A channel or a cursor is not: apps make names of ids. */
const TARGETED = words('CALL COPY LOCK TABLE TRUNCATE')
/** Commands behind which no query follows that is worth a word: `GRANT SELECT ON …`, `CREATE TRIGGER … AFTER INSERT`. */
const CLOSED = words('ALTER COMMENT CREATE DROP GRANT REVOKE')
/** Before a name. */
const FILLERS = words('CONCURRENTLY EXISTS IF INTO LATERAL NOT ON ONLY TABLE')
const WITH_FROM = words('SELECT UPDATE DELETE')
/** Never the name of a table; the list of tables ends here. */
const ENDS_FROM = words('EXCEPT FETCH FOR GROUP HAVING INTERSECT LIMIT OFFSET ORDER RETURNING SET UNION VALUES WHEN WHERE WINDOW')

/** A query inside parentheses has tables of its own. */
type Level = { operation: string; isFrom: boolean }
/** What the next word is: nothing of interest, a table, perhaps a dot behind the name of one, or what follows that dot. */
type Place = 'anywhere' | 'target' | 'name' | 'dot'

/**
 * Builds `{operation} {target} {target} {operation} …` from tokens, gaps left out; literals never get in.
 * https://opentelemetry.io/docs/specs/semconv/db/database-spans/#generating-a-summary-of-the-query
 */
export function createSummary(): { add(kind: SqlTokenKind, token: string): void; text(): string | undefined } {
  const parts = createParts()
  let levels: Level[] = [{ operation: '', isFrom: false }]
  let place: Place = 'anywhere'
  let isStart = true
  let isClosed = false
  let isDefinition = false
  let previous = ''
  const level = () => levels.at(-1)!

  function operate(token: string, upper: string): void {
    parts.add(token)
    levels[levels.length - 1] = { operation: upper, isFrom: false }
    place = upper === 'UPDATE' || TARGETED.has(upper) ? 'target' : 'anywhere'
    isClosed = CLOSED.has(upper)
    isDefinition = DEFINITIONS.has(upper)
  }

  function word(token: string, upper: string): void {
    if (isStart) {
      isStart = false
      if (COMMANDS.has(upper) || QUERIES.has(upper)) operate(token, upper)
    } else if (isDefinition && SUBJECTS.has(upper)) {
      parts.add(token)
      isDefinition = false
      place = 'target'
    } else if (place === 'target' && !QUERIES.has(upper) && !ENDS_FROM.has(upper)) {
      if (!FILLERS.has(upper)) name(token)
    } else {
      place = 'anywhere'
      if (!isClosed) clause(token, upper)
    }
  }

  function name(token: string): void {
    if (place === 'dot') parts.extend(`.${token}`)
    else if (place === 'target') parts.add(token)
    place = place === 'dot' || place === 'target' ? 'name' : 'anywhere'
  }

  function clause(token: string, upper: string): void {
    const { operation } = level()
    if (QUERIES.has(upper) && !BEFORE_NO_QUERY.has(previous)) operate(token, upper)
    // Not `EXTRACT(year FROM …)`, whose parentheses have no operation, nor `IS DISTINCT FROM …`.
    else if (upper === 'JOIN' || (upper === 'FROM' && WITH_FROM.has(operation) && previous !== 'DISTINCT')) {
      level().isFrom = true
      place = 'target'
    } else if (upper === 'INTO' && (operation === 'INSERT' || operation === 'MERGE')) place = 'target'
    else if (upper === 'USING' && (operation === 'DELETE' || operation === 'MERGE')) place = 'target'
    else if (ENDS_FROM.has(upper)) level().isFrom = false
  }

  function symbol(token: string): void {
    if (token === ';') {
      levels = []
      isStart = true
      isClosed = false
      isDefinition = false
    }
    if (token === '(' || token === ';') levels.push({ operation: '', isFrom: token === '(' && place === 'target' })
    if (token === ')' && levels.length > 1) levels.pop()
    if (token === '.' && place === 'name') place = 'dot'
    else if (token === ',' && level().isFrom) place = 'target'
    else if (token !== '(' || place !== 'target') place = 'anywhere'
  }

  return {
    add(kind, token) {
      if (parts.isFull()) return
      const upper = kind === 'word' ? token.toUpperCase() : token
      if (kind === 'symbol') symbol(token)
      else if (kind === 'literal') place = 'anywhere'
      else if (kind === 'name' || place === 'dot') name(token)
      else word(token, upper)
      previous = upper
    },
    text: parts.text,
  }
}

/** Operations and targets up to the limit; one that does not fit is left out whole. */
function createParts() {
  const parts: string[] = []
  let chars = 0
  let isFull = false

  function take(part: string): boolean {
    isFull ||= chars + part.length + 1 > SUMMARY_CHARS_MAX
    if (!isFull) chars += part.length + 1
    return !isFull
  }

  return {
    isFull: () => isFull,
    add(part: string) {
      if (take(part)) parts.push(part)
    },
    /** Adds to the last part. */
    extend(rest: string) {
      const last = parts.pop()
      if (last !== undefined && take(rest)) parts.push(last + rest)
    },
    text: () => (parts.length === 0 ? undefined : parts.join(' ')),
  }
}
