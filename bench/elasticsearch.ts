/**
 * Log records into a real Elasticsearch: our sink, from OTLP bytes to the server's answer, against a raw `_bulk` load of the
 * same documents, made beforehand and sent by a script that only looks whether there were errors.
 *
 *   node bench/elasticsearch.ts [RECORDS in each load, default 50,000] [ROUNDS, default 3] [RECORDS in a batch, default 5,000]
 *
 * The server is the one of test/engines/setup.sh with 512 MB of heap on the same machine, and takes most of its time: the
 * ratio says what we add. Each load goes into an index of its own with our template; the loads take turns.
 */
import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { LogRecord } from '../collector/src/batch.ts'
import { indexOf } from '../collector/src/elasticsearch/days.ts'
import { toDocument } from '../collector/src/elasticsearch/document.ts'
import { openElasticsearch } from '../collector/src/elasticsearch/elasticsearch.ts'
import { decode, openBatch } from '../collector/src/receive/decode.ts'
import { createElasticsearch, type ElasticsearchServer } from '../test/engines/support/elasticsearch.ts'
import { logsRequest } from './logs-request.ts'
import { figure, table, tellResults, words } from './results.ts'

const RECORDS = Number(words[0] ?? 50_000)
const ROUNDS = Number(words[1] ?? 3)
/** Of a request: what the queue hands to the sink at once. */
const BATCH = Number(words[2] ?? 5_000)
const BODIES = Math.ceil(RECORDS / BATCH)

type Load = {
  readonly name: string
  /** Makes everything that is not measured; gives what is. */
  prepare(prefix: string, bodies: readonly Uint8Array[]): Promise<() => Promise<void>>
}

const server = await createElasticsearch()
await server.start()
try {
  tellResults({ title: 'Elasticsearch', script: 'bench:elasticsearch', text: await bench(server) })
} finally {
  await server.remove()
}

async function bench({ url, elastic }: ElasticsearchServer): Promise<string> {
  const loads = [1, 2].flatMap((lanes) => [rawLoad(url, lanes), sinkLoad(url, lanes)])
  const rates = new Map(loads.map(({ name }) => [name, [] as number[]]))
  // The first round warms the server up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, { name, prepare }] of loads.entries()) {
      const prefix = `bench${round}-${index}`
      const run = await prepare(
        prefix,
        Array.from({ length: BODIES }, () => logsRequest(BATCH)),
      )
      const startMs = performance.now()
      await run()
      const rate = (BODIES * BATCH) / ((performance.now() - startMs) / 1_000)
      if (round > 0) rates.get(name)?.push(rate)
      const stored = await elastic.count(`${prefix}-2*`)
      if (stored !== BODIES * BATCH) throw new Error(`${name}: ${stored} of ${BODIES * BATCH} are stored`)
      for (const old of await elastic.indexes(`${prefix}-2*`)) await elastic.ask('DELETE', `/${old}`)
    }
  }
  return describe(rates)
}

function rawLoad(url: string, lanes: number): Load {
  return {
    name: `raw \`_bulk\`, ${lanes} at once`,
    async prepare(prefix, bodies) {
      await (await openOurs(url, prefix)).stop()
      const bulks = bodies.map((body) => toBulk(prefix, body))
      const agent = new Agent({ keepAlive: true })
      return async () => {
        await inLanes(bulks, lanes, (bulk) => postBulk(url, agent, bulk))
        agent.destroy()
      }
    },
  }
}

function sinkLoad(url: string, lanes: number): Load {
  return {
    name: `our sink, ${lanes} at once`,
    async prepare(prefix, bodies) {
      const ours = await openOurs(url, prefix)
      const { signal } = new AbortController()
      return async () => {
        await inLanes(bodies, lanes, async (body) => {
          const outcome = await ours.sink(openBatch('logs', { encoding: 'protobuf', bytes: body }), signal)
          if (outcome.kind !== 'ok' || outcome.rejected !== undefined) throw new Error(JSON.stringify(outcome))
        })
        ours.stop()
      }
    },
  }
}

/** Puts the template in place as well, which both kinds of load are to have. */
async function openOurs(url: string, prefix: string) {
  const connection = { url, ca: undefined, credentials: undefined }
  const ours = openElasticsearch({ connection, prefix, retentionDays: 30, ilmPolicy: undefined, now: Date.now, warn: console.error })
  await ours.start()
  return ours
}

function toBulk(prefix: string, body: Uint8Array): string {
  const batch = decode('logs', 'protobuf', body)
  const records: readonly LogRecord[] = batch.signal === 'logs' ? batch.records : []
  const lines = records.flatMap((record) => {
    const { index, id, text } = toDocument(record, indexOf(prefix, record.timeUs))
    return [`{"create":{"_index":"${index}","_id":"${id}"}}`, text]
  })
  return `${lines.join('\n')}\n`
}

function postBulk(url: string, agent: Agent, bulk: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-ndjson' }
    const outgoing = request(`${url}/_bulk?filter_path=errors`, { method: 'POST', agent, headers }, async (response) => {
      let text = ''
      for await (const part of response.setEncoding('utf8')) text += part
      if (text === '{"errors":false}') resolve()
      else reject(new Error(text))
    })
    outgoing.on('error', reject)
    outgoing.end(bulk)
  })
}

async function inLanes<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

function describe(rates: ReadonlyMap<string, readonly number[]>): string {
  const medians = [...rates].map(([name, all]) => ({ name, median: all.toSorted((a, b) => a - b)[all.length >> 1]! }))
  const best = Math.max(...medians.filter(({ name }) => name.startsWith('raw')).map(({ median }) => median))
  const rows = medians.map(({ name, median }) => [name, figure(median), figure(median / best, 2)])
  return `Our sink, from OTLP protobuf to the server's answer, against a raw \`_bulk\` load of the same documents made beforehand. ${figure(BODIES * BATCH)} records in each load, ${figure(BATCH)} in a batch, medians of ${ROUNDS} interleaved rounds; Elasticsearch 8.19 with 512 MB of heap on the same machine: what our side needs is taken from the server, and the faster the server is, the more that counts.

${table(['load', 'records/s', 'of the best raw load'], rows)}`
}
