import { type ASTNode, TypeError as CelTypeError, Environment, ParseError } from '@marcbachmann/cel-js'
import { SIGNAL_WINDOW_MS } from '../signal-names.ts'
import { childrenOf, namesIn, numberOf } from './ast.ts'
import { compilePlain, compileTruth, type Holds, type Place, type PlainComparison } from './compile.ts'
import type { Complaint } from './complaint.ts'
import { type ConditionSignal, readWindows } from './condition-windows.ts'
import { type Box, type BoxScope, waysTo } from './possible.ts'
import { findRefusal } from './refusal.ts'
import { infoOf } from './signal-info.ts'
import { suggest } from './suggest.ts'

/** A condition that is checked and can be asked. */
export type Condition = {
  readonly text: string
  /** What it reads. */
  readonly signals: readonly ConditionSignal[]
  /** Place of the signal that its first comparison is about; undefined when it names none. */
  readonly subject: number | undefined
  /** The number that its first comparison compares with; undefined when that is no plain number. */
  readonly threshold: number | undefined
  /** Whether it holds for the values of the rule's signals, in their order; NaN for one without data. */
  readonly holds: Holds
  /** The same as numbers, when it is no more than `signal > number`. */
  readonly plain: PlainComparison | undefined
  /** What signals can be while it holds. */
  readonly ways: readonly Box[]
}

/** What a condition may name. */
export type ConditionScope = {
  /** Names of signals and of counts of log records. */
  readonly signals: readonly string[]
  /** Labels that the rule is told apart by. */
  readonly labels: readonly string[]
  /** What the word `threshold` stands for. */
  readonly threshold: number | undefined
  /** Place of a signal among the values that the condition will get. */
  readonly slotOf: (signal: ConditionSignal) => number
  /** What signals can be where the condition is asked at all. Default: anything that they ever are. */
  readonly within?: readonly Box[]
}

type NameScope = Pick<ConditionScope, 'signals' | 'labels' | 'threshold'>

/** A condition as CEL reads it. `signals` are by their names in the tree. */
export type ParsedCondition = { readonly node: ASTNode; readonly signals: ReadonlyMap<string, ConditionSignal> }

type Result<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'problem'; readonly problem: Complaint }

/** Generous for a person, small for a machine: nothing else bounds what a condition costs. */
const LIMITS = { maxAstNodes: 200, maxDepth: 20, maxListElements: 50, maxCallArguments: 4 }
const CHARS_MAX = 2_000

/** Checks a condition in CEL and makes a function of it; `error_rate[1m]` is a signal over a window of its own. */
export function compileCondition(text: string, scope: ConditionScope): Result<Condition> {
  const parsed = parseCondition(text, scope)
  if (parsed.kind === 'problem') return parsed
  const { node, signals } = parsed.value
  const ways = findWays(parsed.value, scope)
  const where = scope.within === undefined ? '' : ' where the condition of the rule does'
  if (signals.size > 0 && ways.true.length === 0) return complain(`can never hold${where}${describeRanges(signals)}`, node.start, node.end)
  if (signals.size > 0 && ways.false.length === 0) return complain(`always holds${where}${describeRanges(signals)}`, node.start, node.end)
  const placeOf = (name: string): Place => {
    const signal = signals.get(name)
    if (signal !== undefined) return { kind: 'slot', slot: scope.slotOf(signal) }
    return name === 'threshold' ? { kind: 'number', value: scope.threshold ?? Number.NaN } : { kind: 'label', label: name }
  }
  const holds = compileTruth(node, placeOf)
  const first = firstComparison(node, signals)
  const threshold = first?.limit.op === 'id' && first.limit.args === 'threshold' ? scope.threshold : first && numberOf(first.limit)
  const subject = first && scope.slotOf(first.signal)
  return {
    kind: 'ok',
    value: { text, signals: [...signals.values()], subject, threshold, holds, plain: compilePlain(node, placeOf), ways: ways.true },
  }
}

function findWays(
  { node, signals }: ParsedCondition,
  { threshold, within = [new Map()] }: ConditionScope,
): Record<'true' | 'false', readonly Box[]> {
  const boxes: BoxScope = {
    keyOf: (name) => {
      const signal = signals.get(name)
      return signal && `${signal.signal} ${signal.windowMs}`
    },
    rangeOf: (key) => infoOf(key.slice(0, key.indexOf(' '))),
    threshold,
  }
  return {
    true: within.flatMap((box) => waysTo(true, node, box, boxes)),
    false: within.flatMap((box) => waysTo(false, node, box, boxes)),
  }
}

/** `: error_rate is from 0 to 1`. */
function describeRanges(signals: ParsedCondition['signals']): string {
  const ranges = [...new Set([...signals.values()].map(({ signal }) => signal))].map((signal) => {
    const { min, max } = infoOf(signal)
    return max === Infinity ? `${signal} is ${min} or more` : `${signal} is from ${min} to ${max}`
  })
  return `: ${ranges.join(', ')}`
}

/** Reads and type-checks a condition. */
export function parseCondition(text: string, scope: NameScope): Result<ParsedCondition> {
  if (text.length > CHARS_MAX) return complain(`has ${text.length} characters: ${CHARS_MAX} are the most`, 0, 1)
  const read = readWindows(text, scope.signals)
  if (read.kind === 'problem') return read
  const known = new Map(read.signals)
  for (const signal of scope.signals) known.set(signal, { name: signal, signal, windowMs: SIGNAL_WINDOW_MS })
  try {
    const condition = environment([...known.keys()], scope).parse(read.source)
    const node = condition.ast
    const problem = findRefusal(node) ?? findUnknown(node, { text, known, scope })
    if (problem !== undefined) return { kind: 'problem', problem }
    const { type, error } = condition.check()
    if (error !== undefined) return { kind: 'problem', problem: toComplaint(error, text) }
    if (type !== 'bool') return complain('is no comparison: it has to be true or false, as error_rate > 0.05 is', 0, text.length)
    return { kind: 'ok', value: { node, signals: new Map([...known].filter(([name]) => namesIn(node).includes(name))) } }
  } catch (error) {
    if (error instanceof ParseError || error instanceof CelTypeError) return { kind: 'problem', problem: toComplaint(error, text) }
    throw error
  }
}

function complain(message: string, start: number, end: number): { readonly kind: 'problem'; readonly problem: Complaint } {
  return { kind: 'problem', problem: { message, start, end } }
}

const ARITHMETIC = {
  '+': (a: number, b: number): number => a + b,
  '-': (a: number, b: number): number => a - b,
  '*': (a: number, b: number): number => a * b,
  '/': (a: number, b: number): number => a / b,
}

function environment(signals: readonly string[], { labels, threshold }: NameScope): Environment {
  const typed = new Environment({ limits: LIMITS, unlistedVariablesAreDyn: false })
  for (const name of signals) typed.registerVariable(name, 'double')
  for (const name of labels) typed.registerVariable(name, 'string')
  if (threshold !== undefined) typed.registerVariable('threshold', 'double')
  // CEL knows no whole number beside another one: queue_length * 2 and queue_length == 0 would be errors.
  for (const operator of ['+', '-', '*', '/'] as const) {
    typed.registerOperator(`double ${operator} int`, (a: number, b: bigint) => ARITHMETIC[operator](a, Number(b)))
    typed.registerOperator(`int ${operator} double`, (a: bigint, b: number) => ARITHMETIC[operator](Number(a), b))
  }
  typed.registerOperator('double == int', (a: number, b: bigint) => a === Number(b))
  return typed
}

type Named = {
  readonly text: string
  readonly known: ReadonlyMap<string, ConditionSignal>
  readonly scope: NameScope
}

function findUnknown(node: ASTNode, named: Named): Complaint | undefined {
  const { text, known, scope } = named
  if (node.op !== 'id')
    return childrenOf(node)
      .map((child) => findUnknown(child, named))
      .find((found) => found !== undefined)
  const { start, end } = node
  const name = known.get(node.args)?.signal ?? node.args
  if (scope.signals.includes(name) || scope.labels.includes(name)) return undefined
  if (name === 'threshold')
    return scope.threshold === undefined ? { message: 'names threshold, but the rule has none', start, end } : undefined
  const near = suggest(name, [...scope.signals, ...scope.labels])
  return { message: `names ${text.slice(start, start + name.length)}, which is no signal${near}`, start, end: start + name.length }
}

/** What a person types who does not know CEL. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/\b(and|AND)\b/, 'write && for and'],
  [/\b(or|OR)\b/, 'write || for or'],
  [/\b(not|NOT)\b/, 'write ! for not'],
  [/\d\s*%/, 'write 0.05 for 5 %'],
  [/(^|[^\d])\.\d/, 'write 0.05 for .05'],
  [/<>/, 'write != for not equal'],
  [/=[<>]/, 'write >= or <='],
  [/[^<>=!]=[^=]/, 'write == to compare'],
]

function toComplaint(error: Error, text: string): Complaint {
  const range = error instanceof ParseError || error instanceof CelTypeError ? error.range : undefined
  const summary = error instanceof ParseError || error instanceof CelTypeError ? error.summary : error.message
  const hint = error instanceof ParseError ? HINTS.find(([pattern]) => pattern.test(text))?.[1] : undefined
  const start = Math.min(range?.start ?? 0, text.length)
  const message = `cannot be read as CEL: ${summary.replace(/^./, (letter) => letter.toLowerCase())}${hint === undefined ? '' : `; ${hint}`}`
  return { message, start, end: Math.max(range?.end ?? start, start + 1) }
}

type Comparison = { readonly signal: ConditionSignal; readonly limit: ASTNode }

const COMPARISONS: readonly string[] = ['>', '<', '>=', '<=', '==', '!=']

/** The first comparison that a signal is in, from the left. */
function firstComparison(node: ASTNode, signals: ParsedCondition['signals']): Comparison | undefined {
  const sides = childrenOf(node)
  if (!COMPARISONS.includes(node.op)) return sides.map((side) => firstComparison(side, signals)).find((found) => found !== undefined)
  for (const [side, limit] of [sides, sides.toReversed()] as [ASTNode, ASTNode][]) {
    const signal = namesIn(side)
      .map((name) => signals.get(name))
      .find((found) => found !== undefined)
    if (signal !== undefined) return { signal, limit }
  }
  return undefined
}
