import { createDeepRedactor, startWalk, type Walk } from './redact/deep.ts'
import { createHasher } from './redact/hash.ts'
import { createJudge } from './redact/judge.ts'
import { redactText } from './redact/secret-text.ts'
import { putField, UNREADABLE } from './redact/shown.ts'

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
  /** A record of attributes or fields. A name that holds a secret itself is changed. */
  attributes<A extends Readonly<Record<string, unknown>>>(attributes: A): A
}

export type RedactorOptions = {
  /** With it, user ids and e-mail addresses become keyed hashes instead of what they are and `[REDACTED]`. */
  readonly hashKey?: string | undefined
}

/** Shorter texts of attributes, of which there are few, are not counted against the limit of one call. */
const COUNTED_CHARS_MIN = 1_024

/** Makes a redactor with its own memory of names. */
export function createRedactor({ hashKey }: RedactorOptions = {}): Redactor {
  const mask = hashKey === undefined ? undefined : createHasher(hashKey)
  const judge = createJudge(mask)
  const deep = createDeepRedactor(judge, mask)

  function redactAttributes<A extends Readonly<Record<string, unknown>>>(attributes: A): A {
    let copy: Record<string, unknown> | undefined
    let walk: Walk | undefined
    for (const name in attributes) {
      const value = attributes[name]
      const verdict = judge(name)
      let clean: unknown
      if (verdict.kind === 'plain' && typeof value === 'string' && value.length < COUNTED_CHARS_MIN) clean = redactText(value, mask)
      else {
        walk ??= startWalk()
        const kind = verdict.kind === 'held' && deep.namesSecret(attributes) ? 'secret' : verdict.kind
        clean = deep.field(kind, value, walk, 0)
      }
      if (Object.is(clean, value) && verdict.name === name) continue
      copy ??= { ...attributes }
      if (verdict.name !== name) delete copy[name]
      putField(copy, verdict.name, clean)
    }
    // The copy has the keys of the original; only values that had to go became strings.
    return (copy as A | undefined) ?? attributes
  }

  /** Attributes with a getter that throws: all the others are kept. */
  function rescue<A extends Readonly<Record<string, unknown>>>(attributes: A): A {
    try {
      return deep.record(attributes, startWalk(), 0) as A
    } catch {
      return Object.create(null)
    }
  }

  return {
    text: (text) => (typeof text === 'string' ? redactText(text, mask) : text),
    key: (name) => judge(name).kind === 'secret',
    value: (value) => {
      try {
        return deep.field('plain', value, startWalk(), 0)
      } catch {
        return UNREADABLE
      }
    },
    attributes: (attributes) => {
      try {
        return redactAttributes(attributes)
      } catch {
        return rescue(attributes)
      }
    },
  }
}
