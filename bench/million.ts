/**
 * Log records through all that we ship for production (official collector, HAProxy, two fan-outs) into a real PostgreSQL and a
 * real Elasticsearch, each of which is killed in turn and is away for 30 s. It ends by looking for every single one.
 *
 *   node bench/million.ts [RECORDS, default 1,000,000]
 *
 * Everything runs on this machine, the senders too; test/engines/setup.sh must have run.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { field, listField, numberField } from '../collector/src/elasticsearch/json.ts'
import { INGEST_TOKEN } from '../test/engines/support/otelcol.ts'
import { type Production, startProduction } from '../test/engines/support/production.ts'
import { logsRequest } from './logs-request.ts'
import { figure, table, tellResults, words } from './results.ts'

const RECORDS = Number(words[0] ?? 1_000_000)
const IN_A_REQUEST = 1_000
const REQUESTS = Math.ceil(RECORDS / IN_A_REQUEST)
const TOTAL = REQUESTS * IN_A_REQUEST
const SENDERS = 4
const AWAY_MS = 30_000
/** Long enough for what piled up; a stall ends the run. */
const ARRIVAL_MS_MAX = 1_800_000
const PAGE = 10_000

const production = await startProduction()
try {
  tellResults({ title: `${figure(TOTAL)} records`, script: 'bench:million', text: await bench(production) })
} finally {
  await production.remove()
}

async function bench({ otelcol, postgres, elasticsearch, evaluator }: Production): Promise<string> {
  const startMs = performance.now()
  const seconds = () => ((performance.now() - startMs) / 1_000).toFixed(0)
  const events: [string, string][] = []
  const say = (text: string) => {
    console.error(`${seconds().padStart(5)} s  ${text}`)
    events.push([seconds(), text])
  }
  let taken = 0
  let next = 0
  let refused = 0

  async function send(request: number): Promise<void> {
    const body = logsRequest(IN_A_REQUEST, (index) => idOf(request * IN_A_REQUEST + index))
    for (;;) {
      const headers = { 'content-type': 'application/x-protobuf', authorization: `Bearer ${INGEST_TOKEN}` }
      const response = await fetch(`${otelcol.url}/v1/logs`, { method: 'POST', headers, body })
      await response.arrayBuffer()
      if (response.status === 200) break
      if (response.status !== 503 && response.status !== 429) throw new Error(`${response.status} from the official collector`)
      refused++
      await sleep(1_000)
    }
    taken += IN_A_REQUEST
  }
  const senders = Array.from({ length: SENDERS }, async () => {
    while (next < REQUESTS) await send(next++)
  })
  const sent = Promise.all(senders).then(() =>
    say(`the official collector has taken ${figure(TOTAL)} records; ${refused} requests came again`),
  )

  await Promise.race([sent, until(() => taken >= TOTAL * 0.1)])
  say(`PostgreSQL is killed with ${figure(await storedIn(postgres.url))} records in it`)
  await postgres.killHard()
  await sleep(AWAY_MS)
  await postgres.start()
  say('PostgreSQL is back')
  say(`Elasticsearch is killed with ${figure(await elasticsearch.elastic.count('tts-api-2*'))} records in it`)
  await elasticsearch.killHard()
  await sleep(AWAY_MS)
  await elasticsearch.start()
  say('Elasticsearch is back')
  await sent
  await until(async () => (await storedIn(postgres.url)) >= TOTAL)
  say('PostgreSQL has as many')
  await until(async () => (await elasticsearch.elastic.count('tts-api-2*')) >= TOTAL)
  say('Elasticsearch has as many')
  await until(() => evaluator.arrivals.size >= TOTAL)
  const rate = TOTAL / (Number(seconds()) || 1)
  say(`the evaluator has as many: ${figure(rate)} records/s from the first to the last, outages of ${(2 * AWAY_MS) / 1_000} s included`)

  const stores = [
    judge('PostgreSQL', await idsInPostgres(postgres.url), await bytesInPostgres(postgres.url)),
    judge('Elasticsearch', await idsInElasticsearch(elasticsearch), await bytesIn(elasticsearch)),
  ]
  return `${figure(TOTAL)} log records in ${figure(REQUESTS)} requests of protobuf through the official collector, HAProxy and two fan-outs into PostgreSQL 15 and Elasticsearch 8.19, with an evaluator beside them, all on this machine, the senders too. Each store is killed (SIGKILL) while records come in, and away for ${AWAY_MS / 1_000} s.

${table(['s', 'what'], events)}

Then each record was looked for, one by one.

${table(['store', 'records', 'lost', 'twice', 'bytes of disk a record'], stores)}`
}

/** Throws unless each of the ids is there, once. @returns the row of the store. */
function judge(store: string, ids: readonly string[], bytes: number): readonly string[] {
  const seen = new Uint8Array(TOTAL)
  for (const id of ids) seen[Number(id)] = (seen[Number(id)] ?? 0) + 1
  const lost = seen.filter((times) => times === 0).length
  const twice = seen.filter((times) => times > 1).length
  if (ids.length !== TOTAL || lost > 0 || twice > 0)
    throw new Error(`${store} does not have each of ${TOTAL} records once: ${ids.length} records, ${lost} lost, ${twice} twice`)
  return [store, figure(ids.length), figure(lost), figure(twice), figure(bytes)]
}

/** Nine digits, so that they sort. */
function idOf(record: number): string {
  return String(record).padStart(9, '0')
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + ARRIVAL_MS_MAX
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${ARRIVAL_MS_MAX / 60_000} minutes`)
    await sleep(1_000)
  }
}

async function storedIn(url: string): Promise<number> {
  const [row] = await query<{ count: string }>(url, 'SELECT count(*) FROM logs').catch(() => [])
  return Number(row?.count ?? 0)
}

async function idsInPostgres(url: string): Promise<readonly string[]> {
  return (await query<{ request_id: string }>(url, 'SELECT request_id FROM logs')).map((row) => row.request_id)
}

/** With all indexes. */
async function bytesInPostgres(url: string): Promise<number> {
  const partitions = "SELECT inhrelid FROM pg_inherits WHERE inhparent = 'logs'::regclass"
  const [row] = await query<{ bytes: string }>(url, `SELECT sum(pg_total_relation_size(inhrelid)) AS bytes FROM (${partitions}) AS parts`)
  return Math.round(Number(row?.bytes) / TOTAL)
}

async function bytesIn({ elastic }: Production['elasticsearch']): Promise<number> {
  const { body } = await elastic.ask('GET', '/tts-api-2*/_stats/store')
  return Math.round(numberField(field(field(field(body, '_all'), 'total'), 'store'), 'size_in_bytes') / TOTAL)
}

async function query<Row>(url: string, text: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

async function idsInElasticsearch({ elastic }: Production['elasticsearch']): Promise<readonly string[]> {
  const ids: string[] = []
  for (let after: readonly unknown[] | undefined; ; ) {
    const question = {
      size: PAGE,
      _source: false,
      sort: [{ request_id: 'asc' }, { trace_id: 'asc' }],
      ...(after && { search_after: after }),
    }
    const { body } = await elastic.ask('POST', '/tts-api-2*/_search', question)
    const page = listField(field(body, 'hits'), 'hits').map((hit) => listField(hit, 'sort'))
    if (page.length === 0) return ids
    ids.push(...page.map(([id]) => String(id)))
    after = page.at(-1)
  }
}
