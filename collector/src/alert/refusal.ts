import type { ASTNode } from '@marcbachmann/cel-js'
import { childrenOf } from './ast.ts'
import type { Complaint } from './complaint.ts'

/** What a text can be asked: nothing whose time depends on more than its length. */
const TEXT_METHODS = ['startsWith', 'endsWith', 'contains']
const OPERATORS: readonly string[] = ['id', '>', '<', '>=', '<=', '==', '!=', '+', '-', '*', '/', '!_', '-_', '&&', '||', '?:', 'in']
const VALUES = ['number', 'bigint', 'string', 'boolean']

/** The first part of a condition that CEL has and a rule must not use, and why. */
export function findRefusal(node: ASTNode, parent?: ASTNode): Complaint | undefined {
  const message = reasonAgainst(node, parent)
  if (message !== undefined) return { message, start: node.start, end: node.end }
  return childrenOf(node)
    .map((child) => findRefusal(child, node))
    .find((found) => found !== undefined)
}

function reasonAgainst(node: ASTNode, parent: ASTNode | undefined): string | undefined {
  switch (node.op) {
    case 'rcall':
      return TEXT_METHODS.includes(node.args[0]) ? undefined : describeCall(node.args[0])
    case 'call':
      return describeCall(node.args[0])
    case 'value':
      return VALUES.includes(typeof node.args) ? undefined : 'is neither a number, a text, true nor false'
    case 'list':
      return parent?.op === 'in' && node.args.every(({ op }) => op === 'value')
        ? undefined
        : 'is a list, which only in can use: in ["a", "b"]'
    case '/':
      return node.args.every(isWhole) ? 'divides whole numbers, which CEL rounds down: write one with a point, 1.0 / 20' : undefined
    default:
      return OPERATORS.includes(node.op) ? undefined : `uses ${node.op}, which is not for conditions`
  }
}

function describeCall(name: string): string {
  if (name === 'matches') return 'uses matches(), whose time has no bound: startsWith(), endsWith(), contains() and in are there instead'
  return `uses ${name}(): of the functions of CEL, conditions have ${TEXT_METHODS.map((method) => `${method}()`).join(', ')}`
}

function isWhole(node: ASTNode): boolean {
  if (node.op === 'value') return typeof node.args === 'bigint'
  return ['+', '-', '*', '/', '-_'].includes(node.op) && childrenOf(node).every(isWhole)
}
