/**
 * The best that a script can do with the same rows, without HTTP and without decoding: their text is made before the clock
 * starts, and nobody looks at what the server answers.
 *
 *   node bench/ingest/raw.ts DATABASE_URL FILE unnest|copy CONNECTIONS ROWS_IN_A_STATEMENT
 */
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { Client } from 'pg'
import { from } from 'pg-copy-streams'
import type { LogRecord } from '../../collector/src/batch.ts'
import { arrayLiteral } from '../../collector/src/postgres/array-literal.ts'
import { LOGS, toColumns } from '../../collector/src/postgres/rows.ts'
import { decode } from '../../collector/src/receive/decode.ts'
import { readCorpus } from './corpus.ts'

const [url = '', file = '', way = 'unnest', connections = '1', rows = '1000'] = process.argv.slice(2)
const names = LOGS.columns.map(({ name }) => name).join(', ')

const records = readCorpus(file).flatMap((body): readonly LogRecord[] => {
  const batch = decode('logs', 'protobuf', body)
  return batch.signal === 'logs' ? batch.records : []
})
const chunks = Array.from({ length: Math.ceil(records.length / Number(rows)) }, (_, index) =>
  toColumns(LOGS, records.slice(index * Number(rows), (index + 1) * Number(rows))),
)
const statements = way === 'copy' ? chunks.map(copying) : chunks.map(unnesting)
records.length = 0

const clients = await Promise.all(Array.from({ length: Number(connections) }, connect))
const startMs = performance.now()
let next = 0
await Promise.all(
  clients.map(async (client) => {
    for (let run = statements[next++]; run !== undefined; run = statements[next++]) await run(client)
  }),
)
process.stdout.write(JSON.stringify({ ms: performance.now() - startMs, statuses: {} }))
await Promise.all(clients.map((client) => client.end()))

type Statement = (client: Client) => Promise<void>

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  if (way === 'copy') await client.query('CREATE TEMP TABLE staged (LIKE logs) ON COMMIT DELETE ROWS')
  return client
}

function unnesting(columns: ReturnType<typeof toColumns>): Statement {
  const values = columns.map(arrayLiteral)
  const arrays = LOGS.columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')
  const text = `INSERT INTO logs (${names}) SELECT * FROM UNNEST(${arrays}) ON CONFLICT DO NOTHING`
  return async (client) => void (await client.query({ name: 'load', text, values }))
}

function copying(columns: ReturnType<typeof toColumns>): Statement {
  const rowCount = columns[0]?.length ?? 0
  const lines = Array.from({ length: rowCount }, (_, row) => columns.map((column) => copyCell(column[row] ?? null)).join('\t'))
  const text = Buffer.from(`${lines.join('\n')}\n`)
  return async (client) => {
    await client.query('BEGIN')
    const stream = client.query(from(`COPY staged (${names}) FROM STDIN`))
    stream.end(text)
    await once(stream, 'finish')
    await client.query({ name: 'move', text: `INSERT INTO logs (${names}) SELECT ${names} FROM staged ON CONFLICT DO NOTHING` })
    await client.query('COMMIT')
  }
}

function copyCell(cell: string | number | boolean | null): string {
  if (cell === null) return '\\N'
  return String(cell).replace(/[\\\t\n\r]/g, (character) => `\\${{ '\t': 't', '\n': 'n', '\r': 'r' }[character] ?? character}`)
}
