/**
 * The best that a script can do with the same rows, without HTTP and without decoding: their text is made before the clock
 * starts, and nobody looks at what the server answers.
 *
 *   node bench/ingest/raw.ts DATABASE_URL FILE unnest|copy|plain CONNECTIONS ROWS_IN_A_STATEMENT
 */
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { Client } from 'pg'
import { from } from 'pg-copy-streams'
import type { LogRecord } from '../../collector/src/batch.ts'
import { arrayLiteral } from '../../collector/src/postgres/array-literal.ts'
import { copyRows } from '../../collector/src/postgres/copy-rows.ts'
import { LOGS } from '../../collector/src/postgres/rows.ts'
import { decode } from '../../collector/src/receive/decode.ts'
import { readCorpus } from './corpus.ts'

const [url = '', file = '', way = 'unnest', connections = '1', rows = '1000'] = process.argv.slice(2)
const names = LOGS.columns.map(({ name }) => name).join(', ')

const records = readCorpus(file).flatMap((body): readonly LogRecord[] => {
  const batch = decode('logs', 'protobuf', body)
  return batch.signal === 'logs' ? batch.records : []
})
const chunks = Array.from({ length: Math.ceil(records.length / Number(rows)) }, (_, index) =>
  records.slice(index * Number(rows), (index + 1) * Number(rows)),
)
const statements = chunks.map(way === 'unnest' ? unnesting : way === 'copy' ? copying : plainCopying)

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

function unnesting(records: readonly LogRecord[]): Statement {
  const values = LOGS.columns.map(({ cell }) => arrayLiteral(records.map(cell)))
  const arrays = LOGS.columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')
  const text = `INSERT INTO logs (${names}) SELECT * FROM UNNEST(${arrays}) ON CONFLICT DO NOTHING`
  return async (client) => void (await client.query({ name: 'load', text, values }))
}

function copying(records: readonly LogRecord[]): Statement {
  const text = Buffer.concat(copyRows(LOGS, records))
  return async (client) => {
    await client.query('BEGIN')
    const stream = client.query(from(`COPY staged (${names}) FROM STDIN`))
    stream.end(text)
    await once(stream, 'finish')
    await client.query({ name: 'move', text: `INSERT INTO logs (${names}) SELECT ${names} FROM staged ON CONFLICT DO NOTHING` })
    await client.query('COMMIT')
  }
}

/** The fastest there is, and of no use to whoever may be sent something twice. */
function plainCopying(records: readonly LogRecord[]): Statement {
  const text = Buffer.concat(copyRows(LOGS, records))
  return async (client) => {
    const stream = client.query(from(`COPY logs (${names}) FROM STDIN`))
    stream.end(text)
    await once(stream, 'finish')
  }
}
