/**
 * OTLP log records and spans over HTTP into committed rows of a real PostgreSQL with all indexes, against raw loads of the
 * same rows by a script that has their text ready.
 *
 *   node bench/ingest.ts [RECORDS in each load, default 200,000] [ROUNDS, default 3] [PART of the name of a load]
 *
 * Everything runs on this machine at once: the sender, the collector or the script, and the server (of test/engines, with its
 * defaults: fsync, 128 MB of buffers). Each load has the table for itself, empty; the loads take turns. The sender keeps
 * sixteen connections and posts 512 records in a request, as the SDK does.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../collector/src/postgres/database.ts'
import { createPartitions } from '../collector/src/postgres/partitions.ts'
import type { Database } from '../collector/src/postgres/queryable.ts'
import { LOGS, METRIC_POINTS, SPANS } from '../collector/src/postgres/rows.ts'
import { migrate } from '../collector/src/postgres/schema.ts'
import { parentOf } from '../test/engines/support/freeze.ts'
import { createPostgres } from '../test/engines/support/postgres.ts'
import { makeCorpus, writeCorpus } from './ingest/corpus.ts'
import { collector, cpuMsOf, cpuMsOfAll, outputOf, send, withReceiver } from './ingest/receivers.ts'
import { figure, table, tellResults, words } from './results.ts'

const RECORDS_IN_REQUEST = 512
const REQUESTS = Math.ceil(Number(words[0] ?? 200_000) / RECORDS_IN_REQUEST)
const ROUNDS = Number(words[1] ?? 3)
/** Part of the names of the loads to run; all of them if there is none. */
const WANTED = words[2]
const RECORDS = REQUESTS * RECORDS_IN_REQUEST
const CONNECTIONS = 16
/** Before the clock starts: a collector runs for days. */
const WARM_UP_REQUESTS = 100

/** How long one load took, and the CPU time in it of the collector and of the server. */
type Took = { readonly ms: number; readonly cpuMs?: number; readonly serverCpuMs?: number }

type Signal = 'logs' | 'traces'

type Load = { readonly name: string; readonly table: 'logs' | 'spans'; readonly run: () => Promise<Took> }

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-bench-ingest-'))
const corpus = { logs: join(folder, 'logs'), traces: join(folder, 'traces') }
const server = await createPostgres()

try {
  for (const signal of ['logs', 'traces'] satisfies Signal[])
    writeCorpus(corpus[signal], makeCorpus({ signal, requests: REQUESTS, records: RECORDS_IN_REQUEST }))
  await server.start()
  const database = openDatabase({ url: server.url, dataDir: '' })
  await migrate(database)
  await createPartitions({
    admin: database,
    tables: [LOGS, SPANS, METRIC_POINTS],
    retentionDays: 30,
    now: Date.now,
    warn: console.error,
  }).prepare()
  const text = await bench(database)
  await database.close()
  tellResults({ title: 'Into PostgreSQL', script: 'bench:ingest', text })
} finally {
  await server.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function bench(database: Database): Promise<string> {
  const loads: Load[] = [
    raw('UNNEST, 1,000 rows, one connection', 'unnest', 1, 1_000),
    raw('UNNEST, 1,000 rows, two connections', 'unnest', 2, 1_000),
    raw('UNNEST, 5,000 rows, one connection', 'unnest', 1, 5_000),
    raw('COPY → temp → insert, 1,000 rows, one connection', 'copy', 1, 1_000),
    raw('COPY → temp → insert, 5,000 rows, one connection', 'copy', 1, 5_000),
    raw('COPY → temp → insert, 5,000 rows, two connections', 'copy', 2, 5_000),
    raw('plain COPY, 5,000 rows, one connection', 'plain', 1, 5_000),
    raw('plain COPY, 1,000 rows, one connection', 'plain', 1, 1_000),
    { name: 'the collector, logs', table: 'logs', run: () => sending('logs', database) },
    { name: 'the collector, spans', table: 'spans', run: () => sending('traces', database) },
  ]
  const chosen = loads.filter(({ name }) => WANTED === undefined || name.includes(WANTED))
  const { rows } = await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const serverPid = parentOf(rows[0]!.pid)
  const took = new Map(chosen.map(({ name }) => [name, [] as Took[]]))
  // The first round warms up the server and the disk.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { name, table, run } of chosen) {
      await database.query('TRUNCATE logs, spans')
      await database.query('CHECKPOINT')
      const before = cpuMsOfAll(serverPid)
      const result = await run()
      const serverCpuMs = cpuMsOfAll(serverPid) - before
      await check(database, name, table)
      if (round > 0) took.get(name)?.push({ ...result, serverCpuMs })
    }
  }
  return describe(took)
}

async function check(database: Database, name: string, table: string): Promise<void> {
  const { rows } = await database.query<{ count: number }>(`SELECT count(*)::integer FROM ${table}`)
  if (rows[0]?.count !== RECORDS) throw new Error(`${name}: ${rows[0]?.count} of ${RECORDS} rows are stored`)
}

function raw(name: string, way: string, connections: number, rows: number): Load {
  return {
    name: `raw ${name}`,
    table: 'logs',
    run: async () => JSON.parse(await outputOf('./raw.ts', [server.url, corpus.logs, way, String(connections), String(rows)])),
  }
}

/** Starts the collector, warms it up, and sends it the corpus. */
async function sending(signal: Signal, database: Database): Promise<Took> {
  return await withReceiver(collector({ DATABASE_URL: server.url, COLLECTOR_DATA_DIR: folder }), async ({ url, pid }) => {
    await send({ url: `${url}/v1/${signal}`, file: corpus[signal], connections: CONNECTIONS, requestsMax: WARM_UP_REQUESTS })
    await database.query('TRUNCATE logs, spans')
    const before = cpuMsOf(pid)
    const { ms } = await send({ url: `${url}/v1/${signal}`, file: corpus[signal], connections: CONNECTIONS })
    return { ms, cpuMs: cpuMsOf(pid) - before }
  })
}

function describe(took: ReadonlyMap<string, readonly Took[]>): string {
  const medians = [...took].map(([name, all]) => {
    const { ms, cpuMs, serverCpuMs } = all.toSorted((a, b) => a.ms - b.ms)[all.length >> 1]!
    return { name, rate: RECORDS / (ms / 1_000), cpuUs: each(cpuMs), serverCpuUs: name.startsWith('raw') ? each(serverCpuMs) : '' }
  })
  const raws = medians.filter(({ name }) => name.startsWith('raw'))
  const best = Math.max(...raws.map(({ rate }) => rate))
  const one = raws[0]?.rate ?? 0
  const rows = medians.map(({ name, rate, cpuUs, serverCpuUs }) => {
    return [name, figure(rate), figure(rate / one, 2), figure(rate / best, 2), cpuUs, serverCpuUs]
  })
  const head = [
    'load',
    'records/s',
    'of UNNEST on one connection',
    'of the best raw load',
    'CPU of the collector, µs a record',
    'of the server',
  ]
  return `OTLP protobuf over HTTP to committed rows of PostgreSQL 15 with all indexes, against raw loads of the same rows from a script. ${figure(RECORDS)} records in each load, ${RECORDS_IN_REQUEST} in a request on ${CONNECTIONS} connections, medians of ${ROUNDS} interleaved rounds. Sender, collector and server share the machine; a raw load has it for itself and the server. What the server needs for the warm-up of a collector is not told apart from the rest, and left out with it.

${table(head, rows)}`
}

/** µs for each record. */
function each(cpuMs: number | undefined): string {
  return cpuMs === undefined ? '' : figure((cpuMs * 1_000) / RECORDS, 1)
}
