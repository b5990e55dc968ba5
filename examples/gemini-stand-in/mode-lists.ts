/** Modes that are taken in turn, as in `unavailable, ok`. */
export type ModeLists = {
  /** The name for one more request for `text`; behind the last it begins anew. */
  take(names: string, text: string): string
}

/** Texts whose turn is remembered; the one that has waited longest for a repetition is forgotten. */
const TEXTS_MAX = 1_000

/** Nothing in a repetition says that it is one: it is told by its text. */
export function createModeLists(): ModeLists {
  const taken = new Map<string, number>()
  return {
    take(names, text) {
      const list = names.split(',').map((name) => name.trim())
      const key = `${names} ${text}`
      const index = taken.get(key) ?? 0
      taken.delete(key)
      if (index + 1 < list.length) taken.set(key, index + 1)
      const [oldest] = taken.keys()
      if (taken.size > TEXTS_MAX && oldest !== undefined) taken.delete(oldest)
      return list[index] ?? names
    },
  }
}
