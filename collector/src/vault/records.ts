import type { KeptRecord, RecordChange } from '../record.ts'

/** Texts by kind and key. A text that is replaced keeps its place. */
export type Records = {
  all(kind: string): ReadonlyMap<string, string>
  get(kind: string, key: string): string | undefined
  list(): readonly KeptRecord[]
  /** Returns the changes that undo these, in their order. */
  apply(changes: readonly RecordChange[]): readonly RecordChange[]
}

export function createRecords(initial: readonly KeptRecord[]): Records {
  const kinds = new Map<string, Map<string, string>>()

  function apply({ kind, key, text }: RecordChange): RecordChange {
    const of = kinds.get(kind) ?? new Map<string, string>()
    kinds.set(kind, of)
    const before = of.get(key)
    if (text === undefined) of.delete(key)
    else of.set(key, text)
    return { kind, key, text: before }
  }
  for (const record of initial) apply(record)

  return {
    all: (kind) => kinds.get(kind) ?? NONE,
    get: (kind, key) => kinds.get(kind)?.get(key),
    list: () => [...kinds].flatMap(([kind, of]) => [...of].map(([key, text]) => ({ kind, key, text }))),
    apply: (changes) => changes.map(apply).toReversed(),
  }
}

const NONE: ReadonlyMap<string, string> = new Map()
