import type { Complaint } from './complaint.ts'
import { parseDuration } from './duration.ts'
import { suggest } from './suggest.ts'
import type { Path } from './yaml-text.ts'

/** Takes what is wrong with the part at `path`: the end of a sentence that begins with its name. */
export type Tell = (path: Path, message: string, complaint?: Complaint) => void

/** Reads the fields of one map, each by the name that asks for it. Every method says what is wrong and gives something to go on with. */
export type Fields = {
  readonly path: Path
  readonly has: (name: string) => boolean
  readonly raw: (name: string) => unknown
  readonly text: (name: string) => string | undefined
  readonly number: (name: string) => number | undefined
  /** ms. */
  readonly duration: (name: string) => number | undefined
  readonly oneOf: <T extends string>(name: string, known: readonly T[]) => T | undefined
  /** A list of texts; one text alone is a list of one. */
  readonly texts: (name: string) => readonly string[] | undefined
  /** A map from names to texts; numbers and booleans become texts. */
  readonly labels: (name: string) => Readonly<Record<string, string>>
  /** Each map of a list. */
  readonly each: (name: string) => readonly Fields[]
  /** Each map of a map, with its key. */
  readonly entries: (name: string) => readonly (readonly [string, Fields])[]
  readonly map: (name: string) => Fields | undefined
  readonly tell: (name: string, message: string, complaint?: Complaint) => void
  /** Says which fields nobody asked for. */
  readonly refuseOthers: () => void
}

const SHOWN_CHARS_MAX = 60

export function createFields(value: unknown, path: Path, tell: Tell): Fields {
  const map = isMap(value) ? value : {}
  if (!isMap(value)) tell(path, `is ${show(value)}: it has to be a map, name: value`)
  const asked = new Set<string>()

  const raw = (name: string): unknown => {
    asked.add(name)
    return map[name] ?? undefined
  }
  const complain = (name: string, message: string): undefined => void tell([...path, name], message)

  function read<T>(name: string, isRight: (given: unknown) => given is T, expects: string): T | undefined {
    const given = raw(name)
    if (given === undefined) return undefined
    return isRight(given) ? given : complain(name, `is ${show(given)}: it has to be ${expects}`)
  }
  const fieldsAt = (name: string | number, given: unknown, parent: Path = path): Fields => createFields(given, [...parent, name], tell)

  const fields: Fields = {
    path,
    has: (name) => raw(name) !== undefined,
    raw,
    text: (name) => read(name, isText, 'a text'),
    number: (name) => read(name, isNumber, 'a number'),
    duration(name) {
      const given = raw(name)
      if (given === undefined) return undefined
      const ms = given === 0 ? 0 : typeof given === 'string' ? parseDuration(given.trim()) : undefined
      return ms ?? complain(name, `is ${show(given)}: it has to be a duration: 30s, 5m or 1h30m`)
    },
    oneOf(name, known) {
      const given = raw(name)
      if (given === undefined) return undefined
      const found = known.find((one) => one === given)
      const near = typeof given === 'string' ? suggest(given, known) : ''
      return found ?? complain(name, `is ${show(given)}: it has to be ${known.join(', ')}${near}`)
    },
    texts(name) {
      const given = raw(name)
      if (given === undefined) return undefined
      const list = typeof given === 'string' ? [given] : given
      return Array.isArray(list) && list.every(isText)
        ? list
        : complain(name, `is ${show(given)}: it has to be a list of names, [one, two]`)
    },
    labels(name) {
      const given = raw(name)
      if (given === undefined) return {}
      const isPlain = (one: unknown) => ['string', 'number', 'boolean'].includes(typeof one)
      if (isMap(given) && Object.values(given).every(isPlain))
        return Object.fromEntries(Object.entries(given).map(([key, text]) => [key, String(text)]))
      complain(name, `is ${show(given)}: it has to be a map from names to texts`)
      return {}
    },
    each(name) {
      const given = raw(name)
      if (given === undefined) return []
      if (Array.isArray(given)) return given.map((item, index) => fieldsAt(index, item, [...path, name]))
      complain(name, `is ${show(given)}: it has to be a list`)
      return []
    },
    entries(name) {
      const given = raw(name)
      if (given === undefined) return []
      if (isMap(given)) return Object.entries(given).map(([key, item]) => [key, fieldsAt(key, item, [...path, name])] as const)
      complain(name, `is ${show(given)}: it has to be a map from names to maps`)
      return []
    },
    map(name) {
      const given = raw(name)
      return given === undefined ? undefined : fieldsAt(name, given)
    },
    tell: (name, message, complaint) => tell([...path, name], message, complaint),
    refuseOthers() {
      for (const name of Object.keys(map))
        if (!asked.has(name)) complain(name, `is not known${suggest(name, [...asked]) || `: ${[...asked].join(', ')} are`}`)
    },
  }
  return fields
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function show(value: unknown): string {
  const text = value === undefined || value === null ? 'nothing' : JSON.stringify(value)
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text
}
