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
  if (!isMap(value)) tell(path, describe(value, 'a map, name: value'))
  const asked = new Set<string>()

  function raw(name: string): unknown {
    asked.add(name)
    return map[name] ?? undefined
  }
  function complain(name: string, message: string): undefined {
    tell([...path, name], message)
  }
  /** undefined, and said why, when `parse` cannot use what is there. */
  function read<T>(name: string, parse: (given: unknown) => T | undefined, expects: string): T | undefined {
    const given = raw(name)
    return given === undefined ? undefined : (parse(given) ?? complain(name, describe(given, expects)))
  }
  function fieldsAt(at: Path, given: unknown): readonly Fields[] {
    if (isMap(given)) return [createFields(given, [...path, ...at], tell)]
    tell([...path, ...at], describe(given, 'a map, name: value'))
    return []
  }

  return {
    path,
    raw,
    has: (name) => raw(name) !== undefined,
    text: (name) => read(name, toText, 'a text'),
    number: (name) => read(name, (given) => (Number.isFinite(given) ? Number(given) : undefined), 'a number'),
    duration: (name) => read(name, toDuration, 'a duration: 30s, 5m or 1h30m'),
    oneOf(name, known) {
      const given = raw(name)
      const near = typeof given === 'string' ? suggest(given, known) : ''
      return read(name, (one) => known.find((allowed) => allowed === one), `${known.join(', ')}${near}`)
    },
    texts: (name) => read(name, toTexts, 'a list of names, [one, two]'),
    labels: (name) => read(name, toLabels, 'a map from names to texts') ?? {},
    each(name) {
      const list = read(name, (given) => (Array.isArray(given) ? (given as readonly unknown[]) : undefined), 'a list')
      return (list ?? []).flatMap((item, index) => fieldsAt([name, index], item))
    },
    entries(name) {
      const found = read(name, (given) => (isMap(given) ? given : undefined), 'a map from names to maps')
      return Object.entries(found ?? {}).flatMap(([key, item]) => fieldsAt([name, key], item).map((fields) => [key, fields] as const))
    },
    map(name) {
      const given = raw(name)
      return given === undefined ? undefined : fieldsAt([name], given)[0]
    },
    tell: (name, message, complaint) => tell([...path, name], message, complaint),
    refuseOthers() {
      for (const name of Object.keys(map))
        if (!asked.has(name)) complain(name, `is not known${suggest(name, [...asked]) || `: ${[...asked].join(', ')} are`}`)
    },
  }
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

function toDuration(value: unknown): number | undefined {
  return value === 0 ? 0 : typeof value === 'string' ? parseDuration(value.trim()) : undefined
}

function toTexts(value: unknown): readonly string[] | undefined {
  const list: unknown = typeof value === 'string' ? [value] : value
  return Array.isArray(list) && list.every((item) => toText(item) !== undefined) ? list : undefined
}

function toLabels(value: unknown): Readonly<Record<string, string>> | undefined {
  const isPlain = (one: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof one)
  if (!isMap(value) || !Object.values(value).every(isPlain)) return undefined
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]))
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describe(value: unknown, expects: string): string {
  const text = value === undefined || value === null ? 'nothing' : JSON.stringify(value)
  const shown = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text
  return `is ${shown}: it has to be ${expects}`
}
