import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument } from 'yaml'
import type { Complaint } from './complaint.ts'

/** Keys and indexes from the top of a file to a part of it. */
export type Path = readonly (string | number)[]

/** A YAML text, read, with the place of each part of it. */
export type YamlText = {
  /** Plain JavaScript; undefined when the text is no YAML. */
  readonly value: unknown
  /** Why it is no YAML, each with its place. */
  readonly problems: readonly string[]
  /** What stands at `path` as it is written: `0x10`, which YAML takes for 16. undefined where there is no plain value. */
  readonly sourceAt: (path: Path) => string | undefined
  /** `line:column: message` for the part at `path`; with a `complaint` about the text that stands there, the line itself and a mark below. */
  readonly describe: (path: Path, message: string, complaint?: Complaint) => string
}

/** A file that repeats itself by aliases must not become a large one. */
const ALIASES_MAX = 100

/** Reads YAML 1.2, where `06:00` is a text and not 360. Never throws. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${line}:${col}`
  }
  const problems = document.errors.map(({ pos, message }) => `${at(pos[0])}: ${plainly(message)}`)
  return {
    ...toValue(document, problems),
    sourceAt(path) {
      const node: unknown = document.getIn(path, true)
      return isScalar(node) ? node.source : undefined
    },
    describe(path, message, complaint) {
      if (complaint === undefined) return `${at(offsetOf(document, path))}: ${message}`
      const spot = spotOf(document, path, text)
      const direct = spot === undefined ? undefined : spot.offset + complaint.start
      const source = spot?.text ?? String(document.getIn(path))
      const place = direct === undefined ? at(offsetOf(document, path)) : at(direct)
      return `${place}: ${message}\n${mark(source, complaint)}`
    },
  }
}

/** What the reader of YAML says when a file asks too much of it tells nobody what to do. */
function plainly(message: string): string {
  if (message.includes('Maximum call stack')) return 'is nested too deeply to be read: a file of rules needs a handful of levels'
  if (message.includes('Excessive alias count')) return `repeats itself by more than ${ALIASES_MAX} aliases (*name): write the values out`
  return message
}

function toValue(document: Document.Parsed, problems: readonly string[]): Pick<YamlText, 'value' | 'problems'> {
  if (problems.length > 0) return { value: undefined, problems }
  try {
    return { value: document.toJS({ maxAliasCount: ALIASES_MAX }), problems }
  } catch (error) {
    return { value: undefined, problems: [`1:1: ${plainly(String(error))}`] }
  }
}

/** Where the text at `path` stands as it is; undefined when it is written otherwise, folded over lines or with escapes. */
function spotOf(document: Document.Parsed, path: Path, text: string): { readonly offset: number; readonly text: string } | undefined {
  const node: unknown = document.getIn(path, true)
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return undefined
  const found = text.slice(node.range[0], node.range[1]).indexOf(node.value)
  return found < 0 ? undefined : { offset: node.range[0] + found, text: node.value }
}

/** The line of `source` that the complaint is about, with `^^^` below the part. */
function mark(source: string, { start, end }: Complaint): string {
  const from = source.lastIndexOf('\n', start - 1) + 1
  const to = source.indexOf('\n', start)
  const line = source.slice(from, to < 0 ? undefined : to)
  const length = Math.max(1, Math.min(end, from + line.length) - start)
  return `    ${line}\n    ${' '.repeat(start - from)}${'^'.repeat(length)}`
}

/** Where the part at `path` begins, its key included; of the nearest one above it where it is missing. */
function offsetOf(document: Document.Parsed, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    const pair = isMap(parent) ? parent.items.find((item) => isPair(item) && String(item.key) === String(key)) : undefined
    if (isNode(pair?.key) && pair.key.range) return pair.key.range[0]
    const node: unknown = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.contents?.range[0] ?? 0
}
