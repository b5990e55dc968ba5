import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { suggest } from './alert/suggest.ts'
import { COLLECTOR_SETTINGS } from './settings.ts'

/** What a file says, by the names of the variables, and one sentence for each thing that is wrong in it. */
export type ConfigFile = {
  readonly values: Readonly<Record<string, string>>
  readonly problems: readonly string[]
}

/** Variables by their keys in a file, `NAME_FILE` of secrets included. */
const VARIABLES: ReadonlyMap<string, string> = new Map(
  Object.entries(COLLECTOR_SETTINGS).flatMap(([name, { type }]) =>
    (type.secret ? [name, `${name}_FILE`] : [name]).map((variable) => [configKey(variable), variable]),
  ),
)

/** `COLLECTOR_TLS_CERT` is `tlsCert` in a file, `READ_TOKEN_FILE` is `readTokenFile`. */
export function configKey(variable: string): string {
  return variable
    .replace(/^COLLECTOR_/, '')
    .toLowerCase()
    .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Reads YAML (or JSON, which is YAML): settings by their keys, each a text, a number or a list of these. Never throws. */
export function parseConfigFile(text: string, file: string): ConfigFile {
  const lines = new LineCounter()
  // Failsafe: what is written is what is read. A token of digits keeps its zeros, and `off` stays a word.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent', schema: 'failsafe' })
  const place = (offset: number | undefined) => (offset === undefined ? file : `${file}:${lines.linePos(offset).line}`)
  const [error] = document.errors
  if (error !== undefined) return { values: {}, problems: [`${place(error.pos[0])} is no YAML: ${error.message}`] }
  const { contents } = document
  if (contents === null || (isScalar(contents) && String(contents.value).trim() === '')) return { values: {}, problems: [] }
  if (!isMap(contents)) return { values: {}, problems: [`${file} has to hold settings, one "key: value" a line`] }

  const values: Record<string, string> = {}
  const problems: string[] = []
  for (const { key, value } of contents.items) {
    const name = isScalar(key) ? String(key.value) : '?'
    const where = place(isScalar(key) ? key.range?.[0] : undefined)
    const variable = VARIABLES.get(name)
    const found = settingOf(value, variable)
    if (variable === undefined) problems.push(`${where}: there is no setting ${name}${suggestKey(name)}`)
    else if (found === undefined) problems.push(`${where}: ${name} has to be a text, a number or a list of these`)
    else values[variable] = found
  }
  return { values, problems }
}

/** Who writes the name of the variable hears its key. */
function suggestKey(name: string): string {
  const key = configKey(name.toUpperCase())
  return VARIABLES.has(key) ? `: did you mean ${key}?` : suggest(name, [...VARIABLES.keys()])
}

/** A list as the variable has it: with commas or, where these are no separators, spaces. */
function settingOf(node: unknown, variable: string | undefined): string | undefined {
  if (node === null) return ''
  if (isScalar(node)) return String(node.value ?? '')
  if (!isSeq(node) || !node.items.every((item) => isScalar(item))) return undefined
  const items = node.items.map((item) => (isScalar(item) ? String(item.value ?? '') : ''))
  const row = Object.entries(COLLECTOR_SETTINGS).find(([name]) => name === variable)?.[1]
  return [',', ' '].map((separator) => items.join(separator)).find((text) => row?.type.read(text) !== undefined) ?? items.join(',')
}
