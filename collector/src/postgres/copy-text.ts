import type { Cell, Table } from './rows.ts'

/** Records as rows in the text format of COPY. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
export function copyText<R>({ columns }: Table<R>, records: readonly R[]): string {
  let text = ''
  for (const record of records) {
    let separator = ''
    for (const { cell } of columns) {
      text += separator + cellText(cell(record))
      separator = '\t'
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
