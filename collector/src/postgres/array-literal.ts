import type { Cell } from './rows.ts'

/** The text form of an array, which both drivers pass on untouched; building it once is cheaper than what either of them does. */
export function arrayLiteral(cells: readonly Cell[]): string {
  let literal = '{'
  for (let index = 0; index < cells.length; index++) {
    const cell = cells[index]!
    if (index > 0) literal += ','
    literal += typeof cell === 'string' ? quote(cell) : cell === null ? 'NULL' : String(cell)
  }
  return `${literal}}`
}

function quote(text: string): string {
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`
}
