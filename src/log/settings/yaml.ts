import { type Document, isMap, isNode, isPair, LineCounter, parseDocument } from 'yaml'
import type { LogPlan } from '../settings.ts'
import type { Path } from './check.ts'
import { decodePlan } from './decode.ts'

/** The plan, and one sentence for each problem with the number of its line; with any problem the plan is not to be used. */
export type ParsedSettings = { readonly plan: LogPlan; readonly problems: readonly string[] }

/**
 * Reads the text of a `logging.yaml`: ours, or the file of a Python service. YAML 1.1 as Python reads it, where `no` is false. Loaded only
 * where there is such a file.
 */
export function parseSettings(text: string, fallback: LogPlan): ParsedSettings {
  const lines = new LineCounter()
  const document = parseDocument(text, { version: '1.1', lineCounter: lines, prettyErrors: false, logLevel: 'silent' })
  const lineOf = (offset: number): number => lines.linePos(offset).line
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => ({ line: lineOf(pos[0]), text: message }))
    return { plan: fallback, problems: toSentences(problems) }
  }
  const { plan, problems } = decodePlan(document.toJS(), fallback)
  return { plan, problems: toSentences(problems.map(({ path, text }) => ({ line: lineOf(offsetOf(document, path)), text }))) }
}

function toSentences(problems: readonly { readonly line: number; readonly text: string }[]): readonly string[] {
  return problems.toSorted((a, b) => a.line - b.line).map(({ line, text }) => `line ${line}: ${text}`)
}

/** Where the entry at `path` begins, its key included; of the nearest one above it where it came through an alias. */
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
