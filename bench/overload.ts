/**
 * A sender that outruns the database for a minute: what the collector's memory does, and what becomes of what it refuses.
 *
 *   node bench/overload.ts [SECONDS, default 60]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../collector/src/postgres/database.ts'
import { createPostgres } from '../test/engines/support/postgres.ts'
import { makeCorpus, writeCorpus } from './ingest/corpus.ts'
import { collector, outputOf, rssMibOf, withReceiver } from './ingest/receivers.ts'
import { figure, tellResults, words } from './results.ts'

const SECONDS = Number(words[0] ?? 60)
const CONNECTIONS = 64
/** 3.6 MB: what is in the sender's hands at once is far above what the collector takes into its own. */
const RECORDS_IN_REQUEST = 8_192
const SAMPLES_MS = 100
const WINDOWS = 6

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-bench-overload-'))
const file = join(folder, 'logs')
const server = await createPostgres()
try {
  writeCorpus(file, makeCorpus({ signal: 'logs', requests: 1, records: RECORDS_IN_REQUEST }))
  await server.start()
  const text = await withReceiver(collector({ DATABASE_URL: server.url, COLLECTOR_DATA_DIR: folder }), flood)
  tellResults({ title: 'A sender that outruns the database', script: 'bench:overload', text })
} finally {
  await server.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function flood({ url, pid }: { url: string; pid: number }): Promise<string> {
  const idleMib = rssMibOf(pid)
  const mib: number[] = []
  const timer = setInterval(() => mib.push(rssMibOf(pid)), SAMPLES_MS)
  const output = await outputOf('./flood.ts', [`${url}/v1/logs`, file, String(CONNECTIONS), String(SECONDS)])
  clearInterval(timer)
  const { ms, statuses, records }: { ms: number; statuses: Record<string, number>; records: number } = JSON.parse(output)
  await check(records)
  const largest = Array.from({ length: WINDOWS }, (_, index) => {
    return Math.max(...mib.slice((index * mib.length) / WINDOWS, ((index + 1) * mib.length) / WINDOWS))
  })
  const answers = Object.entries(statuses).map(([status, count]) => `${figure(count)} answers ${status}`)
  return (
    `${CONNECTIONS} connections with ${figure(RECORDS_IN_REQUEST)} log records in a request, sent again 20 ms after each refusal, into PostgreSQL 15 on the same machine: ` +
    `${figure(records)} rows in ${figure(ms / 1_000)} s, each once; ${answers.join(' and ')}. ` +
    `Largest RSS of the collector in each sixth of the time: ${largest.join(', ')} MiB; ${idleMib} MiB before.`
  )
}

async function check(records: number): Promise<void> {
  const database = openDatabase({ url: server.url, dataDir: '' })
  const { rows } = await database.query<{ count: number }>('SELECT count(*)::integer FROM logs')
  await database.close()
  if (rows[0]?.count !== records) throw new Error(`${rows[0]?.count} rows are stored of ${records} records that were taken`)
}
