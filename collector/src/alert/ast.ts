import type { ASTNode } from '@marcbachmann/cel-js'

/** What holds when a comparison does not. */
export const OPPOSITE = { '>': '<=', '<': '>=', '>=': '<', '<=': '>', '==': '!=', '!=': '==' } as const
/** The same comparison with its sides exchanged. */
export const MIRRORED = { '>': '<', '<': '>', '>=': '<=', '<=': '>=', '==': '==', '!=': '!=' } as const

/** The nodes right below `node`, from left to right. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '!_':
    case '-_':
      return [node.args]
    case '.':
    case '.?':
      return [node.args[0]]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'map':
      return node.args.flat()
    default:
      return node.args
  }
}

/** The names that `node` reads, from left to right, each once. */
export function namesIn(node: ASTNode): readonly string[] {
  if (node.op === 'id') return [node.args]
  return [...new Set(childrenOf(node).flatMap(namesIn))]
}

/** The number that a node is, if it is one: `0.05`, `100`, `-1`. */
export function numberOf(node: ASTNode): number | undefined {
  if (node.op === '-_') {
    const value = numberOf(node.args)
    return value === undefined ? undefined : -value
  }
  if (node.op !== 'value') return undefined
  return typeof node.args === 'number' || typeof node.args === 'bigint' ? Number(node.args) : undefined
}
