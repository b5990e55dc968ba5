import type { Cell } from './rows.ts'

/** Rows in the text format of COPY. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
export function copyText(columns: readonly (readonly Cell[])[]): string {
  const rowCount = columns[0]?.length ?? 0
  let text = ''
  for (let row = 0; row < rowCount; row++) {
    for (let index = 0; index < columns.length; index++) {
      if (index > 0) text += '\t'
      text += cellText(columns[index]![row]!)
    }
    text += '\n'
  }
  return text
}

function cellText(cell: Cell): string {
  if (cell === null) return '\\N'
  if (typeof cell !== 'string') return String(cell)
  return /[\\\t\n\r]/.test(cell) ? cell.replace(/[\\\t\n\r]/g, escaped) : cell
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escaped(character: string): string {
  return ESCAPES[character] ?? character
}
