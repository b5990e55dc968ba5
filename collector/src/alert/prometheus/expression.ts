import type { ASTNode } from '@marcbachmann/cel-js'
import { MIRRORED, namesIn, numberOf, OPPOSITE } from '../ast.ts'
import type { ParsedCondition } from '../condition.ts'
import { SERIES } from './series.ts'

export type ExpressionOptions = {
  readonly parsed: ParsedCondition
  /** Labels that the rule is told apart by, as we call them. */
  readonly by: readonly string[]
  readonly threshold: number | undefined
}

/** Why a rule cannot be said in Prometheus. */
export class ExportRefusedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ExportRefusedError'
  }
}

function refuse(message: string): never {
  throw new ExportRefusedError(`its condition ${message}`)
}

/** The names of labels in Prometheus, for the signals of one condition. Throws when they are not the same for all. */
export function labelsThere({ parsed, by }: Pick<ExpressionOptions, 'parsed' | 'by'>): Readonly<Record<string, string>> {
  const maps = [...parsed.signals.values()].map(({ signal }) => seriesOf(signal).labels)
  return Object.fromEntries(
    by.map((label) => {
      const names = [...new Set(maps.map((labels) => labels[label]))]
      if (names.length !== 1 || names[0] === undefined)
        return refuse(`joins signals that do not have the label ${label} under one name there`)
      return [label, names[0]]
    }),
  )
}

/** PromQL for a condition. Throws an {@link ExportRefusedError} for one outside of what can be said the same there. */
export function toPromql({ parsed, by, threshold }: ExpressionOptions): string {
  const there = labelsThere({ parsed, by })
  const context: Context = { parsed, by: by.map((label) => there[label]!), threshold }
  if (parsed.signals.size === 0) return constant(parsed.node)
  return truth(parsed.node, false, context)
}

type Context = { readonly parsed: ParsedCondition; readonly by: readonly string[]; readonly threshold: number | undefined }

function constant(node: ASTNode): string {
  if (node.op === 'value' && node.args === true) return 'vector(1)'
  return refuse('names no signal')
}

function truth(node: ASTNode, isNot: boolean, context: Context): string {
  switch (node.op) {
    case '!_':
      return truth(node.args, !isNot, context)
    case '&&':
    case '||': {
      const isAnd = (node.op === '&&') !== isNot
      return node.args.map((side) => `(${truth(side, isNot, context)})`).join(isAnd ? ' and ' : ' or ')
    }
    case '>':
    case '<':
    case '>=':
    case '<=':
    case '==':
    case '!=':
      return compare(isNot ? OPPOSITE[node.op] : node.op, node.args, context)
    default:
      return refuse(`has ${describe(node)}, which rules of Prometheus do not have`)
  }
}

function compare(order: keyof typeof OPPOSITE, [left, right]: readonly [ASTNode, ASTNode], context: Context): string {
  const label = [...namesIn(left), ...namesIn(right)].find((name) => name !== 'threshold' && !context.parsed.signals.has(name))
  if (label !== undefined) return refuse(`compares the label ${label}: select there what is scraped`)
  // In Prometheus the value of an alert is that of the left side.
  const isTurned = signalsIn(left, context).length === 0
  const [subject, limit, operator] = isTurned ? [right, left, MIRRORED[order]] : [left, right, order]
  const missing = [...signalsIn(subject, context), ...signalsIn(limit, context)].find((signal) => seriesOf(signal).isMissingAtZero)
  const isPlain = subject.op === 'id' && constantOf(limit, context) !== undefined
  if (missing !== undefined && !(isPlain && (operator === '>' || operator === '>=')))
    return refuse(`needs ${missing} to be 0, and there it is missing before its first count: only "more than" can be exported`)
  return `${number(subject, context)} ${operator} ${number(limit, context)}`
}

function signalsIn(node: ASTNode, { parsed }: Context): readonly string[] {
  return namesIn(node).flatMap((name) => parsed.signals.get(name)?.signal ?? [])
}

/** Of a number, or `threshold`. */
function constantOf(node: ASTNode, { threshold }: Context): number | undefined {
  return node.op === 'id' && node.args === 'threshold' ? threshold : numberOf(node)
}

function number(node: ASTNode, context: Context): string {
  const value = constantOf(node, context)
  if (value !== undefined) return String(value)
  switch (node.op) {
    case 'id': {
      const signal = context.parsed.signals.get(node.args)!
      return `(${seriesOf(signal.signal).expression(context.by, signal.windowMs)})`
    }
    case '+':
    case '-':
    case '*':
    case '/':
      return `(${node.args.map((side) => number(side, context)).join(` ${node.op} `)})`
    case '-_':
      return `(-1 * ${number(node.args, context)})`
    default:
      return refuse(`has ${describe(node)}, which rules of Prometheus do not have`)
  }
}

function describe(node: ASTNode): string {
  if (node.op === '?:') return '? :'
  if (node.op === 'rcall') return `${node.args[0]}()`
  return node.op === 'value' ? JSON.stringify(node.args) : node.op
}

function seriesOf(signal: string) {
  const series = Object.hasOwn(SERIES, signal) ? SERIES[signal] : undefined
  if (series === undefined) return refuse(`reads ${signal}, which only this collector knows`)
  return series
}
