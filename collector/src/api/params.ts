import { LEVELS, type Level, parseLevel } from '../level.ts'
import type { PageEnd } from '../reader.ts'
import { parseTimestamp } from '../time.ts'
import { BadRequestError } from './answer.ts'

/** One kind of query parameter. */
export type ParamType<T> = {
  /** What is allowed, as the end of the sentence "… must be …". */
  readonly expects: string
  /** undefined for a wrong text. */
  readonly read: (text: string) => T | undefined
}

type ParamTypes = Readonly<Record<string, ParamType<unknown>>>
type Params<Types extends ParamTypes> = { readonly [Name in keyof Types]: Types[Name] extends ParamType<infer T> ? T | undefined : never }

/** No id and no search text is longer. */
const CHARACTERS_MAX = 1_000
/** An answer of this many rows is about a megabyte. */
const PAGE_ROWS_MAX = 1_000

/** Reads the query of a request; what is not given is undefined. Throws {@link BadRequestError} that names the wrong parameter. */
export function readParams<Types extends ParamTypes>(query: URLSearchParams, types: Types): Params<Types> {
  const values: Record<string, unknown> = {}
  for (const [name, text] of query) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    if (type === undefined) throw new BadRequestError(`Unknown parameter "${name}"; there are: ${Object.keys(types).join(', ') || 'none'}`)
    if (name in values) throw new BadRequestError(`Parameter "${name}" is given twice; give it once`)
    values[name] = readOne(name, text, type)
  }
  // Each value was read by the type that stands under its name.
  return values as Params<Types>
}

function readOne(name: string, given: string, type: ParamType<unknown>): unknown {
  const value = given.length <= CHARACTERS_MAX && !given.includes('\0') ? type.read(given) : undefined
  if (value === undefined) throw new BadRequestError(`Parameter "${name}" must be ${type.expects}`)
  return value
}

export const text: ParamType<string> = {
  expects: `a text of 1 to ${CHARACTERS_MAX} characters without NUL`,
  read: (value) => value || undefined,
}

export const level: ParamType<Level> = { expects: `one of ${LEVELS.join(', ')}`, read: parseLevel }

export const yesOrNo: ParamType<boolean> = {
  expects: 'true or false',
  read: (value) => (value === 'true' ? true : value === 'false' ? false : undefined),
}

/** 32 hex digits, any case. */
export const traceId: ParamType<string> = {
  expects: 'a trace id of 32 hex digits',
  read: (value) => (/^[0-9a-f]{32}$/i.test(value) ? value.toLowerCase() : undefined),
}

/** µs since 1970. */
export const time: ParamType<number> = { expects: 'a time like 2026-11-22T10:00:00Z', read: parseTimestamp }

export const pageRows: ParamType<number> = {
  expects: `a whole number from 1 to ${PAGE_ROWS_MAX}`,
  read: (value) => (/^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= PAGE_ROWS_MAX ? Number(value) : undefined),
}

export const PAGE_ROWS = 100

/** The `next_cursor` of an earlier answer. */
export const cursor: ParamType<PageEnd> = { expects: 'the next_cursor of an earlier answer', read: readCursor }

/** Opaque to callers, so that what it holds can change. */
function writeCursor({ timeUs, id }: PageEnd): string {
  return Buffer.from(`${timeUs} ${id}`).toString('base64url')
}

function readCursor(value: string): PageEnd | undefined {
  // Either id: 32 hex digits, with dashes when it is a UUID.
  const match = /^(\d{1,16}) ([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(Buffer.from(value, 'base64url').toString())
  return match === null ? undefined : { timeUs: Number(match[1]), id: match[2]! }
}

/** The rows of a page and where the next one begins. Ask the store for one row more than the page has. */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  end: (row: Row) => PageEnd,
): { page: readonly Row[]; next: string | null } {
  const page = rows.slice(0, limit)
  return { page, next: rows.length > limit ? writeCursor(end(page.at(-1)!)) : null }
}
