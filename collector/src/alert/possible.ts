import type { ASTNode } from '@marcbachmann/cel-js'
import { childrenOf, MIRRORED, numberOf, OPPOSITE } from './ast.ts'
import { combine, type Interval, narrow, type Order, pointAt } from './interval.ts'

/** What each signal can be: one way for a condition to come out. Signals by what `keyOf` of the scope makes of their names. */
export type Box = ReadonlyMap<string, Interval>

/** Tells signals from labels and from `threshold`. */
export type BoxScope = {
  /** undefined for a label. */
  readonly keyOf: (name: string) => string | undefined
  /** Before anything is known. */
  readonly rangeOf: (key: string) => Interval
  readonly threshold: number | undefined
}

/** More ways than these, and nothing is said about the part. */
const BOXES_MAX = 64

/**
 * The ways in which a checked condition can come out as `wanted`, within `box`; none: it cannot. It may give too many, never too few: two
 * signals are taken to be independent of one another, and what is said of labels to be possible.
 */
export function waysTo(wanted: boolean, node: ASTNode, box: Box, scope: BoxScope): readonly Box[] {
  const boxes = findWays(wanted, node, box, scope)
  return boxes.length > BOXES_MAX ? [box] : boxes
}

function findWays(wanted: boolean, node: ASTNode, box: Box, scope: BoxScope): readonly Box[] {
  switch (node.op) {
    case 'value':
      return (node.args === true) === wanted ? [box] : []
    case '!_':
      return waysTo(!wanted, node.args, box, scope)
    case '&&':
    case '||': {
      const [left, right] = node.args
      const isEither = (node.op === '||') === wanted
      if (isEither) return [...waysTo(wanted, left, box, scope), ...waysTo(wanted, right, box, scope)]
      return waysTo(wanted, left, box, scope).flatMap((one) => waysTo(wanted, right, one, scope))
    }
    case '?:': {
      const [test, yes, no] = node.args
      return [
        ...waysTo(true, test, box, scope).flatMap((one) => waysTo(wanted, yes, one, scope)),
        ...waysTo(false, test, box, scope).flatMap((one) => waysTo(wanted, no, one, scope)),
      ]
    }
    case '>':
    case '<':
    case '>=':
    case '<=':
    case '==':
    case '!=':
      return compare(wanted ? node.op : OPPOSITE[node.op], node.args, box, scope)
    default:
      return [box]
  }
}

function compare(order: Order, [left, right]: readonly [ASTNode, ASTNode], box: Box, scope: BoxScope): readonly Box[] {
  const [a, b] = [rangeOf(left, box, scope), rangeOf(right, box, scope)]
  if (a === undefined || b === undefined) return [box]
  const [lefts, rights] = [narrow(a, order, b), narrow(b, MIRRORED[order], a)]
  if (lefts === undefined || rights === undefined) return []
  return [new Map([...box, ...entryOf(left, lefts, scope), ...entryOf(right, rights, scope)])]
}

function entryOf(node: ASTNode, range: Interval, { keyOf }: BoxScope): readonly (readonly [string, Interval])[] {
  const key = node.op === 'id' ? keyOf(node.args) : undefined
  return key === undefined ? [] : [[key, range]]
}

/** What a number can be; undefined for what is no number, or not known. */
function rangeOf(node: ASTNode, box: Box, scope: BoxScope): Interval | undefined {
  const value = numberOf(node)
  if (value !== undefined) return pointAt(value)
  if (node.op === 'id') {
    const key = scope.keyOf(node.args)
    if (key !== undefined) return box.get(key) ?? scope.rangeOf(key)
    return node.args === 'threshold' && scope.threshold !== undefined ? pointAt(scope.threshold) : undefined
  }
  if (node.op !== '+' && node.op !== '-' && node.op !== '*' && node.op !== '/' && node.op !== '-_') return undefined
  const [a, b] = childrenOf(node).map((side) => rangeOf(side, box, scope))
  if (node.op === '-_') return a && { min: -a.max, max: -a.min }
  return a && b && combine(node.op, a, b)
}
