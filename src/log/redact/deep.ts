import { isCardNumber } from './card.ts'
import type { HashIdentity } from './hash.ts'
import type { Judge } from './judge.ts'
import { REDACTED } from './redacted.ts'
import type { NameKind } from './secret-name.ts'
import { redactText, TEXT_CHARS_MAX } from './secret-text.ts'
import { putField, readField, showsAlwaysTheSame, toShown, UNREADABLE } from './shown.ts'

/** What one call may still look at. */
export type Walk = { nodesLeft: number; charsLeft: number }

export type DeepRedactor = {
  /** The value of a field whose name is of this kind. */
  field(kind: NameKind, value: unknown, walk: Walk, depth: number): unknown
  /** An object with fields; every field is read once, and what throws is replaced. */
  record(record: object, walk: Walk, depth: number): object
  /** `{ name: 'cookie', value: '…' }`, as browsers and protocols write headers, and validators what was wrong with a field. */
  namesSecret(record: object): boolean
}

/** Deeper values are replaced: nobody reads them, and a cycle has no end. */
const DEPTH_MAX = 8
/** Values looked at in one call; the rest of a hostile structure is replaced. */
const NODES_MAX = 10_000
/** Characters looked at in one call: four of the longest texts. */
const CHARS_MAX = 4 * TEXT_CHARS_MAX
const TOO_DEEP = '[TOO DEEP]'
const TOO_MANY = '[TOO MANY]'
/** The smallest and largest numbers that can be a card's: 14 digits, and what a double holds exactly. */
const CARD_MIN = 30_000_000_000_000
const CARD_MAX = 7_000_000_000_000_000
/** Where the records that have such a value have the name that belongs to it. */
const NAMERS = ['name', 'key', 'header', 'field', 'param', 'property', 'path']
/** `--password`, `-pass` */
const OPTION = /^--?[A-Za-z][\w-]*$/

export function startWalk(): Walk {
  return { nodesLeft: NODES_MAX, charsLeft: CHARS_MAX }
}

/** Looks into values at any depth up to a limit. Copy on write: what is clean comes back as the same object. */
export function createDeepRedactor(judge: Judge, mask: HashIdentity | undefined): DeepRedactor {
  const isSecretName = (name: unknown): boolean => typeof name === 'string' && judge(name).kind === 'secret'

  function field(kind: NameKind, value: unknown, walk: Walk, depth: number): unknown {
    if (kind === 'secret' && holdsSecret(value)) return REDACTED
    // An empty id says that there is none.
    if (kind === 'identity' && mask && value !== '' && (typeof value === 'string' || typeof value === 'number')) return mask(String(value))
    if (kind === 'raw headers' && Array.isArray(value)) return redactValue(redactRawHeaders(value, isSecretName), walk, depth)
    return redactValue(value, walk, depth)
  }

  function redactValue(value: unknown, walk: Walk, depth: number): unknown {
    if (typeof value === 'string') return redactCounted(value, walk, mask)
    if (typeof value === 'number' || typeof value === 'bigint') return isCardLike(Number(value)) ? REDACTED : value
    if (typeof value !== 'object' || value === null) return value
    try {
      return redactObject(value, walk, depth)
    } catch {
      return UNREADABLE // a proxy
    }
  }

  function redactObject(value: object, walk: Walk, depth: number): unknown {
    if (value instanceof Uint8Array) return redactBytes(value, walk, mask)
    if (ArrayBuffer.isView(value)) return value
    if (depth >= DEPTH_MAX) return TOO_DEEP
    if (Array.isArray(value)) return list(value, walk, depth + 1)
    const shown = toShown(value)
    if (shown === value) return record(value, walk, depth + 1)
    const clean = redactValue(shown, walk, depth + 1)
    return Object.is(clean, shown) && showsAlwaysTheSame(value) ? value : clean
  }

  function list(values: readonly unknown[], walk: Walk, depth: number): readonly unknown[] {
    let copy: unknown[] | undefined
    for (let index = 0; index < values.length; index++) {
      if (walk.nodesLeft <= 0) return [...(copy ?? values.slice(0, index)), TOO_MANY]
      walk.nodesLeft -= 1
      const value = values[index]
      const clean = isSecretPair(value, isSecretName)
        ? [value[0], REDACTED]
        : isOptionValue(values[index - 1], value, isSecretName)
          ? REDACTED
          : redactValue(value, walk, depth)
      if (copy === undefined && !Object.is(clean, value)) copy = values.slice(0, index)
      copy?.push(clean)
    }
    return copy ?? values
  }

  function record(fields: object, walk: Walk, depth: number): object {
    const names = Object.keys(fields)
    const kept = names.length > walk.nodesLeft ? names.slice(0, walk.nodesLeft) : names
    walk.nodesLeft -= kept.length
    const copy: Record<string, unknown> = {}
    let isChanged = kept !== names
    for (const name of kept) {
      const value = readField(fields, name)
      const verdict = judge(name)
      const kind = verdict.kind === 'held' && namesSecret(fields) ? 'secret' : verdict.kind
      const clean = field(kind, value, walk, depth)
      if (verdict.name !== name || !Object.is(clean, value)) isChanged = true
      putField(copy, verdict.name, clean)
    }
    if (kept !== names) copy[TOO_MANY] = true
    return isChanged ? copy : fields
  }

  function namesSecret(fields: object): boolean {
    return NAMERS.some((name) => {
      const named = Object.hasOwn(fields, name) ? readField(fields, name) : undefined
      return isSecretName(Array.isArray(named) ? named.at(-1) : named)
    })
  }

  return { field, record, namesSecret }
}

function redactCounted(text: string, walk: Walk, mask: HashIdentity | undefined): string {
  walk.charsLeft -= Math.min(text.length, TEXT_CHARS_MAX) // the rest is cut, not looked at
  return walk.charsLeft < 0 ? TOO_MANY : redactText(text, mask)
}

/** Bytes that are a text may hold what a text may hold. */
function redactBytes(bytes: Uint8Array, walk: Walk, mask: HashIdentity | undefined): unknown {
  if (bytes.length > TEXT_CHARS_MAX) return `[${bytes.length} bytes]`
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  return redactCounted(text, walk, mask) === text ? bytes : REDACTED
}

/** As headers come from `node:http`: names and values in turns. */
function redactRawHeaders(headers: readonly unknown[], isSecretName: (name: unknown) => boolean): readonly unknown[] {
  const isSecretAt = (index: number): boolean => index % 2 === 1 && isSecretName(headers[index - 1])
  const few = headers.slice(0, NODES_MAX)
  return few.some((_, index) => isSecretAt(index)) ? few.map((value, index) => (isSecretAt(index) ? REDACTED : value)) : headers
}

/** `['cookie', 'sid=…']`, one of a list of such. */
function isSecretPair(value: unknown, isSecretName: (name: unknown) => boolean): value is readonly [unknown, unknown] {
  return Array.isArray(value) && value.length === 2 && isSecretName(value[0]) && holdsSecret(value[1])
}

/** `['--password', '…']`, as processes are started. */
function isOptionValue(before: unknown, value: unknown, isSecretName: (name: unknown) => boolean): boolean {
  return typeof before === 'string' && OPTION.test(before) && isSecretName(before) && typeof value === 'string' && !value.startsWith('-')
}

/** Null, false and the empty string say that there is no secret, which helps and harms nobody. */
function holdsSecret(value: unknown): boolean {
  return value !== null && value !== undefined && value !== '' && typeof value !== 'boolean'
}

function isCardLike(value: number): boolean {
  return value >= CARD_MIN && value <= CARD_MAX && Number.isInteger(value) && isCardNumber(String(value))
}
