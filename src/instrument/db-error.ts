import { connectionErrorType } from './error-type.ts'

/** What went wrong with one call of a database. */
export type DbFailure = {
  /** `error.type`: the server's code where it gave one, else the name of what broke. */
  readonly type: string
  /** The server's own code. */
  readonly code: string | undefined
  /** Without anything that the server quoted: values stand in quotes, next to names of tables. */
  readonly message: string | undefined
}

const SQLSTATE = /^[0-9A-Z]{5}$/
/** `WRONGTYPE Operation against …`. https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
const REDIS_CODE = /^[A-Z][A-Z\d_]{1,31}(?= |$)/
/** `RAISE EXCEPTION` of the app's own functions: the whole text may be data. */
const RAISED = 'P0'
/** English and the other languages that a server may speak; escaped, so that the bundle stays ASCII. */
const FIRST_QUOTE = /["'`\u00ab\u2039\u201e\u201c\u2018\u300c]/
const LAST_QUOTE = /["'`\u00bb\u203a\u201c\u201d\u2019\u300c\u300d](?=[^"'`\u00bb\u203a\u201c\u201d\u2019\u300c\u300d]*$)/
const MESSAGE_CHARS_MAX = 256

/** Reads an error that `pg` gave: one of the server has its SQLSTATE, one of the connection its system code. */
export function readPgError(error: unknown): DbFailure {
  const code = error instanceof Error && 'code' in error && 'severity' in error ? error.code : undefined
  if (typeof code !== 'string' || !SQLSTATE.test(code)) return readClientError(error)
  const constraint = error instanceof Error && 'constraint' in error ? error.constraint : undefined
  return { type: code, code, message: code.startsWith(RAISED) ? undefined : messageOf(error, constraint) }
}

/** Reads an error that `ioredis` gave. */
export function readRedisError(error: unknown): DbFailure {
  const isReply = error instanceof Error && error.name === 'ReplyError'
  const code = isReply ? REDIS_CODE.exec(error.message)?.[0] : undefined
  return code === undefined ? readClientError(error) : { type: code, code, message: messageOf(error) }
}

/** Deadlines of both clients are plain errors that only their text tells. */
const DEADLINES = new Set(['Query read timeout', 'Command timed out', 'timeout expired', 'timeout exceeded when trying to connect'])

function readClientError(error: unknown): DbFailure {
  const isDeadline = error instanceof Error && DEADLINES.has(error.message)
  return { type: isDeadline ? 'timeout' : connectionErrorType(error), code: undefined, message: messageOf(error) }
}

/** `known`: the one text in quotes that is no value. */
function messageOf(error: unknown, known?: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const text = error.message.slice(0, MESSAGE_CHARS_MAX)
  const first = FIRST_QUOTE.exec(text)?.index
  if (first === undefined) return text
  // A message that was cut has lost its last quote.
  const last = text === error.message ? (LAST_QUOTE.exec(text)?.index ?? first) : first
  if (last > first && text.slice(first + 1, last) === known) return text
  return last > first ? `${text.slice(0, first)}?${text.slice(last + 1)}` : `${text.slice(0, first)}?`
}
