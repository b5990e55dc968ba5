import { isCardNumber } from './card.ts'
import { isSecretName } from './secret-name.ts'
import { REDACTED, redactText } from './secret-text.ts'

/**
 * Takes secrets out of everything that leaves the process. Copy on write: where nothing was found the same object comes back,
 * and the caller's is never changed. Never throws; what cannot be looked at is replaced.
 */
export type Redactor = {
  /** A free text: message, name, URL, SQL, stack. */
  text(text: string): string
  /** Whether a value under this name is a secret. */
  key(name: string): boolean
  /** Any value, at any depth up to a limit. */
  value(value: unknown): unknown
  /** A record of attributes or fields. */
  attributes<A extends Readonly<Record<string, unknown>>>(attributes: A): A
}

type Walk = { nodesLeft: number }

/** Deeper values are replaced: nobody reads them, and a cycle has no end. */
const DEPTH_MAX = 8
/** Values looked at in one call; the rest of a hostile structure is replaced. */
const NODES_MAX = 10_000
/** Names whose verdict is remembered; an app has a few hundred. Beyond, each is judged anew. */
const NAMES_MAX = 2_000
/** Names longer than this are not remembered. */
const NAME_CHARS_MAX = 128
/** For values that hold no others. */
const NO_WALK: Walk = { nodesLeft: 0 }
const TOO_DEEP = '[TOO DEEP]'
const TOO_MANY = '[TOO MANY]'
/** The smallest and largest numbers that can be a card's: 14 digits, and what a double holds exactly. */
const CARD_MIN = 30_000_000_000_000
const CARD_MAX = 7_000_000_000_000_000

/** Makes a redactor with its own memory of names. */
export function createRedactor(): Redactor {
  const verdicts = new Map<string, boolean>()

  function key(name: string): boolean {
    const known = verdicts.get(name)
    if (known !== undefined) return known
    const verdict = isSecretName(name)
    if (verdicts.size < NAMES_MAX && name.length <= NAME_CHARS_MAX) verdicts.set(name, verdict)
    return verdict
  }

  function redactField(name: string, value: unknown, walk: Walk, depth: number): unknown {
    return key(name) && holdsSecret(value) ? REDACTED : redactValue(value, walk, depth)
  }

  function redactValue(value: unknown, walk: Walk, depth: number): unknown {
    if (typeof value === 'string') return redactText(value)
    if (typeof value === 'number') return isCardLike(value) ? REDACTED : value
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
    if (depth >= DEPTH_MAX) return TOO_DEEP
    if (Array.isArray(value)) return redactArray(value, walk, depth + 1)
    const shown = toShown(value)
    if (shown === value) return redactRecord(value, walk, depth + 1)
    const clean = redactValue(shown, walk, depth + 1)
    return Object.is(clean, shown) ? value : clean
  }

  function redactArray(values: readonly unknown[], walk: Walk, depth: number): readonly unknown[] {
    let copy: unknown[] | undefined
    for (let index = 0; index < values.length; index++) {
      if (walk.nodesLeft <= 0) return [...(copy ?? values).slice(0, index), TOO_MANY]
      walk.nodesLeft -= 1
      const clean = redactValue(values[index], walk, depth)
      if (copy === undefined && !Object.is(clean, values[index])) copy = values.slice()
      if (copy) copy[index] = clean
    }
    return copy ?? values
  }

  function redactRecord(record: object, walk: Walk, depth: number): object {
    const names = Object.keys(record)
    if (names.length > walk.nodesLeft) return { ...redactRecord(takeFirst(record, names, walk.nodesLeft), walk, depth), [TOO_MANY]: true }
    let copy: Record<string, unknown> | undefined
    walk.nodesLeft -= names.length
    for (const name of names) {
      const value: unknown = Reflect.get(record, name)
      const clean = redactField(name, value, walk, depth)
      if (copy === undefined && !Object.is(clean, value)) copy = { ...record }
      if (copy) copy[name] = clean
    }
    return copy ?? record
  }

  function redactAttributes<A extends Readonly<Record<string, unknown>>>(attributes: A): A {
    let copy: Record<string, unknown> | undefined
    let walk: Walk | undefined
    for (const name in attributes) {
      const value = attributes[name]
      const isPlain = typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean'
      if (!isPlain) walk ??= { nodesLeft: NODES_MAX }
      const clean = redactField(name, value, walk ?? NO_WALK, 0)
      if (copy === undefined && !Object.is(clean, value)) copy = { ...attributes }
      if (copy) copy[name] = clean
    }
    // The copy has the keys of the original; only values that had to go became strings.
    return (copy as A | undefined) ?? attributes
  }

  return {
    text: (text) => (typeof text === 'string' ? redactText(text) : text),
    key,
    value: (value) => {
      try {
        return redactValue(value, { nodesLeft: NODES_MAX }, 0)
      } catch {
        return REDACTED
      }
    },
    attributes: (attributes) => {
      try {
        return redactAttributes(attributes)
      } catch {
        return Object.create(null)
      }
    },
  }
}

function takeFirst(record: object, names: readonly string[], count: number): object {
  return Object.fromEntries(names.slice(0, count).map((name) => [name, Reflect.get(record, name)]))
}

/** Null, false and the empty string say that there is no secret, which helps and harms nobody. */
function holdsSecret(value: unknown): boolean {
  return value !== null && value !== undefined && value !== '' && typeof value !== 'boolean'
}

function isCardLike(value: number): boolean {
  return value >= CARD_MIN && value <= CARD_MAX && Number.isInteger(value) && isCardNumber(String(value))
}

/** What JSON or a reader would make of an object that hides its content. */
function toShown(value: object): unknown {
  if (value instanceof Error) return { ...value, name: value.name, message: value.message, stack: value.stack }
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  return 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value
}
