import { createPages } from '../pages.ts'
import type { Cell, Table } from './rows.ts'

/**
 * Records as rows in the text format of COPY, UTF-8, in chunks that end between two rows.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
 */
export function copyRows<R>({ columns }: Table<R>, records: readonly R[]): readonly Uint8Array[] {
  const pages = createPages()
  for (const record of records) {
    let row = ''
    let separator = ''
    for (const { cell } of columns) {
      row += separator + cellText(cell(record))
      separator = '\t'
    }
    pages.add(`${row}\n`)
  }
  return pages.written()
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
