import type { Cell, Table } from './rows.ts'

/** Of a message to the server, about. */
const CHUNK_BYTES = 64 * 2 ** 10
/** UTF-8 of one UTF-16 code unit. */
const BYTES_PER_UNIT_MAX = 3

/**
 * Records as rows in the text format of COPY, UTF-8, in chunks that end between two rows.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
 */
export function copyRows<R>({ columns }: Table<R>, records: readonly R[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let length = 0
  for (const record of records) {
    let row = ''
    let separator = ''
    for (const { cell } of columns) {
      row += separator + cellText(cell(record))
      separator = '\t'
    }
    row += '\n'
    if (length + row.length * BYTES_PER_UNIT_MAX > chunk.length) {
      if (length > 0) chunks.push(chunk.subarray(0, length))
      chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, Buffer.byteLength(row)))
      length = 0
    }
    length += chunk.write(row, length)
  }
  chunks.push(chunk.subarray(0, length))
  return chunks
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
