import type { ASTNode } from '@marcbachmann/cel-js'
import type { Labels } from '../notification.ts'
import { numberOf } from './ast.ts'

/** Whether a condition holds; null when that depends on a value that is not there (NaN). */
export type Holds = (values: readonly number[], labels: Labels) => boolean | null

/** Where a name of a condition gets its value from. */
export type Place =
  | { readonly kind: 'slot'; readonly slot: number }
  | { readonly kind: 'label'; readonly label: string }
  | { readonly kind: 'number'; readonly value: number }
export type PlaceOf = (name: string) => Place

/** null: unknown. */
type Value = number | string | boolean | null
type Compute = (values: readonly number[], labels: Labels) => Value

/** `signal > number`, which nearly every rule is: it can be asked of many values at once. */
export type PlainComparison = { readonly slot: number; readonly order: '>' | '<' | '>=' | '<='; readonly limit: number }

/**
 * Makes a function of a checked condition. The evaluator of CEL takes 200 ns for a comparison and throws where a value is missing; this takes
 * a few, and a missing value makes unknown only what depends on it: `false && unknown` is false, as CEL has it for errors.
 */
export function compileTruth(node: ASTNode, placeOf: PlaceOf): Holds {
  const compute = compile(node, placeOf)
  return (values, labels) => toTruth(compute(values, labels))
}

/** undefined for a condition that is more than that. */
export function compilePlain(node: ASTNode, placeOf: PlaceOf): PlainComparison | undefined {
  if (node.op !== '>' && node.op !== '<' && node.op !== '>=' && node.op !== '<=') return undefined
  const [left, right] = node.args
  const place = left.op === 'id' ? placeOf(left.args) : undefined
  const limit = numberOf(right)
  return place?.kind !== 'slot' || limit === undefined ? undefined : { slot: place.slot, order: node.op, limit }
}

function compile(node: ASTNode, placeOf: PlaceOf): Compute {
  switch (node.op) {
    case 'value':
      return constant(node.args)
    case 'id':
      return compileName(placeOf(node.args))
    case '-_': {
      const of = compile(node.args, placeOf)
      return (values, labels) => negate(of(values, labels))
    }
    case '!_': {
      const of = compile(node.args, placeOf)
      return (values, labels) => not(toTruth(of(values, labels)))
    }
    case '&&':
    case '||':
      return compileLogic(node.op, node.args, placeOf)
    case '?:': {
      const [test, yes, no] = node.args.map((part) => compile(part, placeOf)) as [Compute, Compute, Compute]
      return (values, labels) => choose(toTruth(test(values, labels)), { yes: () => yes(values, labels), no: () => no(values, labels) })
    }
    case 'in':
      return compileMembership(node.args, placeOf)
    case 'rcall':
      return compileTextMethod(node.args, placeOf)
    default:
      return compileOperator(node, placeOf)
  }
}

function constant(value: unknown): Compute {
  const known = typeof value === 'bigint' ? Number(value) : (value as Value)
  return () => known
}

function compileName(place: Place): Compute {
  if (place.kind === 'number') return () => place.value
  if (place.kind === 'label') return (_, labels) => labels[place.label] ?? ''
  return (values) => known(values[place.slot]!)
}

/** What is divided by 0 is as unknown as what has no data. */
function known(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function toTruth(value: Value): boolean | null {
  return value === null ? null : value === true
}

function not(truth: boolean | null): boolean | null {
  return truth === null ? null : !truth
}

function negate(value: Value): Value {
  return value === null ? null : -Number(value)
}

function choose(test: boolean | null, { yes, no }: { readonly yes: () => Value; readonly no: () => Value }): Value {
  return test === null ? null : test ? yes() : no()
}

/** Either side settles `&&` when it is false, and `||` when it is true, whatever the other is. */
function compileLogic(op: '&&' | '||', sides: readonly ASTNode[], placeOf: PlaceOf): Compute {
  const [left, right] = sides.map((side) => compile(side, placeOf)) as [Compute, Compute]
  const settling = op === '||'
  return (values, labels) => {
    const first = toTruth(left(values, labels))
    if (first === settling) return settling
    const second = toTruth(right(values, labels))
    if (second === settling) return settling
    return first === null || second === null ? null : !settling
  }
}

function compileMembership([item, list]: readonly [ASTNode, ASTNode], placeOf: PlaceOf): Compute {
  const of = compile(item, placeOf)
  const items = new Set((list.op === 'list' ? list.args : []).map((member) => (member.op === 'value' ? member.args : undefined)))
  return (values, labels) => {
    const value = of(values, labels)
    return value === null ? null : items.has(value)
  }
}

function compileTextMethod([method, text, [part]]: readonly [string, ASTNode, readonly ASTNode[]], placeOf: PlaceOf): Compute {
  const [of, partOf] = [compile(text, placeOf), part === undefined ? () => '' : compile(part, placeOf)]
  return (values, labels) => {
    const [whole, piece] = [String(of(values, labels)), String(partOf(values, labels))]
    if (method === 'startsWith') return whole.startsWith(piece)
    return method === 'endsWith' ? whole.endsWith(piece) : whole.includes(piece)
  }
}

type Operation = (a: never, b: never) => Value

const OPERATIONS: Readonly<Record<string, Operation>> = {
  '>': (a: number, b: number) => a > b,
  '<': (a: number, b: number) => a < b,
  '>=': (a: number, b: number) => a >= b,
  '<=': (a: number, b: number) => a <= b,
  '==': (a: Value, b: Value) => a === b,
  '!=': (a: Value, b: Value) => a !== b,
  '+': (a: number, b: number) => known(a + b),
  '-': (a: number, b: number) => known(a - b),
  '*': (a: number, b: number) => known(a * b),
  '/': (a: number, b: number) => known(a / b),
}

function compileOperator(node: ASTNode, placeOf: PlaceOf): Compute {
  const operation = OPERATIONS[node.op] as ((a: Value, b: Value) => Value) | undefined
  if (operation === undefined || !Array.isArray(node.args)) throw new Error(`a condition with ${node.op} was not refused`)
  const [left, right] = (node.args as readonly ASTNode[]).map((side) => compile(side, placeOf)) as [Compute, Compute]
  return (values, labels) => {
    const [a, b] = [left(values, labels), right(values, labels)]
    return a === null || b === null ? null : operation(a, b)
  }
}
