/**
 * Point queries on a large table: `GET /api/logs?request_id=…` of a collector, five records in each answer, for request ids
 * picked at random.
 *
 *   node bench/lookup.ts [ROWS, default 5,000,000] [QUERIES, default 2,000]
 *
 * The rows are made by the server itself and spread over ten days, so that each query looks into all of their partitions;
 * the file cache of the machine holds what fits, as it does in production.
 */
import { performance } from 'node:perf_hooks'
import { Client } from 'pg'
import { startProgram } from '../test/collector/app/program.ts'
import { createPostgres } from '../test/engines/support/postgres.ts'
import { figure, table, tellResults, words } from './results.ts'

const ROWS = Number(words[0] ?? 5_000_000)
const QUERIES = Number(words[1] ?? 2_000)
const DAYS = 10
const RECORDS_OF_REQUEST = 5
const WARM_UP = 100

const server = await createPostgres()
try {
  await server.start()
  const program = await startProgram({ DATABASE_URL: server.url })
  const client = new Client({ connectionString: server.url })
  await client.connect()
  await fill(client)
  report(await measure(program.url, await pickIds(client)), await sizeOf(client))
  await client.end()
  await program.end('SIGTERM')
} finally {
  await server.remove()
}

async function fill(client: Client): Promise<void> {
  for (let day = 0; day < DAYS; day++) {
    const start = new Date(Math.floor(Date.now() / 86_400_000 - day) * 86_400_000).toISOString()
    const end = new Date(Date.parse(start) + 86_400_000).toISOString()
    const partition = `logs_${start.slice(0, 10).replaceAll('-', '')}`
    if (day > 0) await client.query(`CREATE TABLE IF NOT EXISTS ${partition} PARTITION OF logs FOR VALUES FROM ('${start}') TO ('${end}')`)
    await client.query(
      `INSERT INTO logs (id, timestamp, level, severity, message, metadata, source, request_id, user_id, trace_id, span_id, service, instance_id, event_name, resource)
       SELECT gen_random_uuid(), $1::timestamptz + i * interval '86400 seconds' / $2::integer, CASE i % 20 WHEN 0 THEN 'ERROR' ELSE 'INFO' END,
         CASE i % 20 WHEN 0 THEN 17 ELSE 9 END, 'Speech generated for request ' || i || ' in ' || i % 900 || ' ms',
         jsonb_build_object('tts.voice', 'Kore', 'tts.model', 'gemini-3-flash-tts', 'tts.input.characters', i % 300, 'http.route', '/tts'),
         'app.tts', md5(('r' || $1::text || i / ${RECORDS_OF_REQUEST})), 'user-' || i % 500, md5($1::text || i / ${RECORDS_OF_REQUEST}), left(md5(i::text), 16),
         'tts-api', 'web-1', NULL, '{"service.name":"tts-api","host.name":"web-1","service.version":"1.4.2"}'::jsonb
       FROM generate_series(0, $2::integer - 1) AS i`,
      [start, ROWS / DAYS],
    )
  }
  await client.query('VACUUM ANALYZE logs')
}

async function pickIds(client: Client): Promise<string[]> {
  const share = Math.min(100, (QUERIES * 300) / ROWS)
  const { rows } = await client.query<{ request_id: string }>(
    `SELECT request_id FROM logs TABLESAMPLE BERNOULLI (${share}) ORDER BY random() LIMIT ${QUERIES + WARM_UP}`,
  )
  return rows.map(({ request_id }) => request_id)
}

async function measure(url: string, ids: readonly string[]): Promise<number[]> {
  const times: number[] = []
  for (const [index, id] of ids.entries()) {
    const startMs = performance.now()
    const response = await fetch(`${url}/api/logs?request_id=${id}`)
    const text = await response.text()
    const ms = performance.now() - startMs
    if (JSON.parse(text).logs.length !== RECORDS_OF_REQUEST) throw new Error(`${id}: ${text}`)
    if (index >= WARM_UP) times.push(ms)
  }
  return times.sort((a, b) => a - b)
}

async function sizeOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ size: string; count: string }>(
    `SELECT pg_size_pretty(sum(pg_total_relation_size(inhrelid))) AS size FROM pg_inherits WHERE inhparent = 'logs'::regclass`,
  )
  return rows[0]!.size
}

function report(times: readonly number[], size: string): void {
  const at = (share: number) => figure(times[Math.min(times.length - 1, Math.floor(times.length * share))]!, 2)
  const rows = [
    ['p50', at(0.5)],
    ['p90', at(0.9)],
    ['p99', at(0.99)],
    ['most', at(1)],
  ]
  tellResults({
    title: `One request among ${figure(ROWS)} rows`,
    script: 'bench:lookup',
    text: `\`GET /api/logs?request_id=…\` of a collector on PostgreSQL 15 until the whole answer is there, one after the other, ${RECORDS_OF_REQUEST} records in each answer, request ids picked at random; ${DAYS} days, ${size} with indexes; ${figure(times.length)} queries after a warm-up of ${WARM_UP}. The file cache of the machine holds what fits.

${table(['', 'ms'], rows)}`,
  })
}
