import { type Level, parseLevel } from '../levels.ts'

/** Keys from the top of the file to an entry. */
export type Path = readonly string[]

export type Problem = { readonly path: Path; readonly text: string }

/** A mapping of the file. */
export type Entry = Readonly<Record<string, unknown>>

/** Reads values and collects what is wrong with them; each method gives something to go on with. */
export type Check = {
  readonly problems: readonly Problem[]
  readonly tell: (path: Path, text: string) => void
  /** Empty where the value is none or no mapping. */
  readonly entry: (value: unknown, path: Path) => Entry
  /** The entries of the mapping `of[key]`, each made into something else. */
  readonly map: <T>(of: Entry, key: string, make: (entry: Entry, path: Path) => T) => Readonly<Record<string, T>>
  /** Tells of keys that nobody would read. */
  readonly keys: (entry: Entry, path: Path, known: readonly string[]) => void
  readonly level: (value: unknown, path: Path) => Level | 'NOTSET'
  readonly boolean: (value: unknown, path: Path, fallback: boolean) => boolean
  /** Whole, at least 0. */
  readonly count: (value: unknown, path: Path) => number | undefined
}

/** Python's numbers of the levels. https://docs.python.org/3/library/logging.html#logging-levels */
const PYTHON_LEVELS: Readonly<Record<number, Level | 'NOTSET'>> = {
  0: 'NOTSET',
  10: 'DEBUG',
  20: 'INFO',
  30: 'WARNING',
  40: 'ERROR',
  50: 'CRITICAL',
}
/** Characters of a wrong value that a message shows. */
const SHOWN_CHARS_MAX = 60

/** For one file. */
export function createCheck(): Check {
  const problems: Problem[] = []
  const tell: Check['tell'] = (path, text) => void problems.push({ path, text: `${path.join('.')}${path.length > 0 ? ' ' : ''}${text}` })

  const entry: Check['entry'] = (value, path) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value))
    if (value !== undefined) tell(path, `is ${show(value)}: it has to be a mapping, name: value`)
    return {}
  }

  const oneLevel = (value: unknown): Level | 'NOTSET' | undefined => {
    if (typeof value === 'number') return PYTHON_LEVELS[value]
    if (typeof value !== 'string') return undefined
    return value.trim().toUpperCase() === 'NOTSET' ? 'NOTSET' : parseLevel(value)
  }

  return {
    problems,
    tell,
    entry,
    map(of, key, make) {
      const entries = Object.entries(entry(of[key], [key]))
      return Object.fromEntries(entries.map(([name, value]) => [name, make(entry(value ?? {}, [key, name]), [key, name])]))
    },
    keys(value, path, known) {
      for (const key of Object.keys(value)) if (!known.includes(key)) tell([...path, key], `is not known: ${known.join(', ')} are`)
    },
    level(value, path) {
      if (value === undefined || value === null) return 'NOTSET'
      const level = oneLevel(value)
      if (level === undefined) tell(path, `is ${show(value)}: it has to be DEBUG, INFO, WARNING, ERROR, CRITICAL or NOTSET`)
      return level ?? 'NOTSET'
    },
    boolean(value, path, fallback) {
      if (typeof value === 'boolean') return value
      if (value !== undefined) tell(path, `is ${show(value)}: it has to be true or false`)
      return fallback
    },
    count(value, path) {
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
      if (value !== undefined) tell(path, `is ${show(value)}: it has to be a whole number, 0 or more`)
      return undefined
    },
  }
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text
}
