import { expect, test } from 'vitest'
import { copyRows } from '../../../collector/src/postgres/copy-rows.ts'
import { LOGS, METRIC_POINTS, SPANS, type Table } from '../../../collector/src/postgres/rows.ts'
import { log, point, sender, span } from './records.ts'

const HOSTILE = ['\\N', '\\.', 'a\tb\nc\rd\\e', '"', '\\"', 'é🎙', '\0', '\ud83d']

test.each(HOSTILE)('%j in every place of a record comes out of COPY as the cell it was', (text) => {
  const attributes = { [text]: text, nested: { [text]: [text] }, request_id: text, user_id: text, source: text }
  const resource = { ...sender(), service: text, instanceId: text, attributes }
  const scope = { name: text, version: text, attributes }
  const event = { timeUs: 1, name: text, attributes }
  const link = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes }
  expectCells(LOGS, log(resource, { scope, body: text, attributes, eventName: text }))
  expectCells(LOGS, log(resource, { scope, body: attributes }))
  expectCells(SPANS, span(resource, { scope, name: text, statusMessage: text, attributes, events: [event], links: [link] }))
  expectCells(METRIC_POINTS, point(resource, { scope, name: text, unit: text, attributes }))
})

test('rows of any length come in pieces that end between two of them', () => {
  const records = [10, 30_000, 70_000, 10, 200_000, 10].map((length) => log(sender(), { body: 'é'.repeat(length) }))
  const pieces = copyRows(LOGS, records).map((piece) => Buffer.from(piece).toString())
  expect(pieces.every((piece) => piece.endsWith('\n'))).toBe(true)
  expect(
    pieces
      .join('')
      .split('\n')
      .slice(0, -1)
      .map((row) => row.split('\t')[0]),
  ).toEqual(records.map(({ uid }) => uid))
})

function expectCells<R>(table: Table<R>, record: R): void {
  const [row, rest] = Buffer.concat(copyRows(table, [record]))
    .toString()
    .split('\n')
  expect(rest, 'one row').toBe('')
  const cells = row!.split('\t').map((cell) => (cell === '\\N' ? null : unescaped(cell)))
  expect(cells).toEqual(table.columns.map(({ cell }) => textOf(cell(record))))
}

function textOf(cell: string | number | boolean | null): string | null {
  return cell === null ? null : String(cell)
}

/** As PostgreSQL reads it. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 */
function unescaped(cell: string): string {
  return cell.replace(/\\(.)/gs, (_, character: string) => ({ t: '\t', n: '\n', r: '\r' })[character] ?? character)
}
