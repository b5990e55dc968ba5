/**
 * OTLP log records and spans over HTTP into committed rows of a real PostgreSQL with all indexes, against raw loads of the
 * same rows by a script that has their text ready.
 *
 *   node bench/ingest.ts [RECORDS in each load, default 200,000] [ROUNDS, default 3]
 *
 * Everything runs on this machine at once: the sender, the collector or the script, and the server (of test/engines, with its
 * defaults: fsync, 128 MB of buffers). Each load has the table for itself, empty; the loads take turns. The sender keeps
 * sixteen connections and posts 512 records in a request, as the SDK does.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../collector/src/postgres/database.ts'
import { createPartitions } from '../collector/src/postgres/partitions.ts'
import type { Database } from '../collector/src/postgres/queryable.ts'
import { LOGS, METRIC_POINTS, SPANS } from '../collector/src/postgres/rows.ts'
import { migrate } from '../collector/src/postgres/schema.ts'
import { parentOf } from '../test/engines/support/freeze.ts'
import { createPostgres } from '../test/engines/support/postgres.ts'
import { makeCorpus, writeCorpus } from './ingest/corpus.ts'

const RECORDS_IN_REQUEST = 512
const REQUESTS = Math.ceil(Number(process.argv[2] ?? 200_000) / RECORDS_IN_REQUEST)
const ROUNDS = Number(process.argv[3] ?? 3)
const RECORDS = REQUESTS * RECORDS_IN_REQUEST
const CONNECTIONS = 16

/** How long one load took, and the CPU time in it of the collector and of the server. */
type Took = { readonly ms: number; readonly cpuMs?: number; readonly serverCpuMs?: number }

type Load = { readonly name: string; readonly table: 'logs' | 'spans' | undefined; readonly run: () => Promise<Took> }

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-bench-ingest-'))
const corpus = { logs: join(folder, 'logs'), traces: join(folder, 'traces') }
const server = await createPostgres()
try {
  for (const signal of ['logs', 'traces'] as const)
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
  }).maintain()
  await bench(database)
  await database.close()
} finally {
  await server.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function bench(database: Database): Promise<void> {
  const collector = { script: '../collector/src/main.ts', env: { DATABASE_URL: server.url } }
  const loads: Load[] = [
    raw('UNNEST, 1,000 rows, one connection', 'unnest', 1, 1_000),
    raw('UNNEST, 1,000 rows, two connections', 'unnest', 2, 1_000),
    raw('UNNEST, 5,000 rows, one connection', 'unnest', 1, 5_000),
    raw('COPY → temp → insert, 1,000 rows, one connection', 'copy', 1, 1_000),
    raw('COPY → temp → insert, 5,000 rows, one connection', 'copy', 1, 5_000),
    raw('COPY → temp → insert, 5,000 rows, two connections', 'copy', 2, 5_000),
    raw('plain COPY, 5,000 rows, one connection', 'plain', 1, 5_000),
    raw('plain COPY, 1,000 rows, one connection', 'plain', 1, 1_000),
    { name: 'the collector, logs', table: 'logs', run: () => sending('logs', collector) },
    { name: 'the collector, spans', table: 'spans', run: () => sending('traces', collector) },
    { name: 'HTTP and decoding alone, logs', table: undefined, run: () => sending('logs', { script: './ingest/discard.ts', env: {} }) },
  ]
  const wanted = process.argv[4]
  const chosen = loads.filter(({ name }) => wanted === undefined || name.includes(wanted))
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
      if (table !== undefined) await check(database, name, table)
      if (round > 0) took.get(name)?.push({ ...result, serverCpuMs })
    }
  }
  report(took)
}

async function check(database: Database, name: string, table: string): Promise<void> {
  const { rows } = await database.query<{ count: number }>(`SELECT count(*)::integer FROM ${table}`)
  if (rows[0]?.count !== RECORDS) throw new Error(`${name}: ${rows[0]?.count} of ${RECORDS} rows are stored`)
}

function raw(name: string, way: string, connections: number, rows: number): Load {
  return {
    name: `raw ${name}`,
    table: 'logs',
    run: async () => JSON.parse(await outputOf('./ingest/raw.ts', [server.url, corpus.logs, way, String(connections), String(rows)])),
  }
}

async function sending(
  signal: 'logs' | 'traces',
  { script, env }: { script: string; env: Readonly<Record<string, string>> },
): Promise<Took> {
  const child = start(script, [], { COLLECTOR_LISTEN: '127.0.0.1:0', COLLECTOR_DATA_DIR: folder, ...env })
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
      const found = /listening on (http:[^,\s]+),/.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.on('exit', () => reject(new Error(`${script} ended: ${text}`)))
  })
  const before = cpuMsOf(child.pid)
  const { ms } = JSON.parse(await outputOf('./ingest/send.ts', [`${url}/v1/${signal}`, corpus[signal], String(CONNECTIONS)]))
  const cpuMs = cpuMsOf(child.pid) - before
  const exit = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGTERM')
  await exit
  return { ms, cpuMs }
}

function start(script: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...words], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function outputOf(script: string, words: readonly string[]): Promise<string> {
  const child = start(script, words)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`${script} ended with ${code}`)
  return text
}

/** Of a process and of the children that it had and has. */
function cpuMsOfAll(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return [...children.map(Number), pid].reduce((sum, each) => sum + cpuMsOf(each), 0)
}

/**
 * User and system time in ms, that of ended children included; the clock of /proc ticks a hundred times a second.
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
function cpuMsOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0)
}

function report(took: ReadonlyMap<string, readonly Took[]>): void {
  const rows = [...took].map(([name, all]) => {
    const median = all.toSorted((a, b) => a.ms - b.ms)[all.length >> 1]!
    return { name, rate: RECORDS / (median.ms / 1_000), cpuUs: each(median.cpuMs), serverCpuUs: each(median.serverCpuMs) }
  })
  const raws = rows.filter(({ name }) => name.startsWith('raw'))
  const best = Math.max(...raws.map(({ rate }) => rate))
  const one = raws[0]?.rate ?? 0
  console.log(`${RECORDS.toLocaleString('en')} records in each load, ${ROUNDS} rounds, Node ${process.version}\n`)
  console.log(
    '| load | records/s, median | of UNNEST on one connection | of the best raw load | CPU of the collector, µs a record | of the server |',
  )
  console.log('|---|---|---|---|---|---|')
  for (const { name, rate, cpuUs, serverCpuUs } of rows)
    console.log(
      `| ${name} | ${Math.round(rate).toLocaleString('en')} | ${(rate / one).toFixed(2)} | ${(rate / best).toFixed(2)} | ${cpuUs} | ${serverCpuUs} |`,
    )
}

/** µs for each record. */
function each(cpuMs: number | undefined): string {
  return cpuMs === undefined ? '' : ((cpuMs * 1_000) / RECORDS).toFixed(1)
}
