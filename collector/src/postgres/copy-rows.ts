import { createPages } from '../pages.ts'
import type { Table } from './rows.ts'

/**
 * Records as rows in the text format of COPY, UTF-8, in chunks that end between two rows.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
 */
export function copyRows<R>({ columns }: Table<R>, records: readonly R[]): readonly Uint8Array[] {
  const pages = createPages()
  const made = columns.map(({ cell, type }) => ({ cell, toText: TO_TEXT[type] ?? escapeText }))
  for (const record of records) {
    let row = ''
    let separator = ''
    for (const { cell, toText } of made) {
      const value = cell(record)
      row += separator + (value === null ? '\\N' : typeof value === 'string' ? toText(value) : String(value))
      separator = '\t'
    }
    pages.add(`${row}\n`)
  }
  return pages.written()
}

/** By the type of a column; looking for less takes less time. */
const TO_TEXT: Readonly<Record<string, (text: string) => string>> = {
  uuid: (text) => text,
  timestamptz: (text) => text,
  // Within JSON the other characters are escaped already.
  jsonb: (text) => (text.includes('\\') ? text.replaceAll('\\', '\\\\') : text),
}

function escapeText(text: string): string {
  return /[\\\t\n\r]/.test(text) ? text.replace(/[\\\t\n\r]/g, escaped) : text
}

const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escaped(character: string): string {
  return ESCAPED[character] ?? character
}
