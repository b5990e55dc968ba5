/**
 * OTLP log records over HTTP into nothing: our receiver, which decodes them, against the official collector with an exporter that
 * throws them away, and against a server in Node that reads bodies and does not look at them.
 *
 *   node bench/decode.ts [RECORDS in each load, default 1,000,000] [ROUNDS, default 5]
 *
 * The official collector is built for this (bench/peers/otelcol; Go is needed). The loads take turns.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCorpus, writeCorpus } from './ingest/corpus.ts'
import { cpuMsOf, node, officialCollector, type Receiver, send, withReceiver } from './ingest/receivers.ts'
import { figure, table, tellResults, words } from './results.ts'

const RECORDS_IN_REQUEST = 512
const REQUESTS = 400
const TIMES = Math.ceil(Number(words[0] ?? 1_000_000) / (RECORDS_IN_REQUEST * REQUESTS))
const RECORDS = TIMES * REQUESTS * RECORDS_IN_REQUEST
const ROUNDS = Number(words[1] ?? 5)
const CONNECTIONS = 16

type Took = { readonly ms: number; readonly cpuMs: number }

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-bench-decode-'))
const file = join(folder, 'logs')
try {
  writeCorpus(file, makeCorpus({ signal: 'logs', requests: REQUESTS, records: RECORDS_IN_REQUEST }))
  tellResults({ title: 'HTTP and decoding alone', script: 'bench:decode', text: describe(await bench()) })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function bench(): Promise<ReadonlyMap<string, readonly Took[]>> {
  const receivers: [string, Receiver][] = [
    ['official collector, `debug` exporter', officialCollector('debug')],
    ['official collector, `nop` exporter', officialCollector('nop')],
    ['our receiver', node('./discard.ts')],
    ['a server in Node that does not look', node('./bare.ts')],
  ]
  const took = new Map(receivers.map(([name]) => [name, [] as Took[]]))
  for (let round = 0; round < ROUNDS; round++) for (const [name, receiver] of receivers) took.get(name)?.push(await sendTo(receiver))
  return took
}

/** Sends the corpus once to warm it up, and then as often as is counted. */
async function sendTo(receiver: Receiver): Promise<Took> {
  return await withReceiver(receiver, async ({ url, pid }) => {
    const sending = { url: `${url}/v1/logs`, file, connections: CONNECTIONS }
    await send(sending)
    const before = cpuMsOf(pid)
    const { ms } = await send({ ...sending, times: TIMES })
    return { ms, cpuMs: cpuMsOf(pid) - before }
  })
}

function describe(took: ReadonlyMap<string, readonly Took[]>): string {
  const medians = [...took].map(([name, all]) => ({ name, ...all.toSorted((a, b) => a.ms - b.ms)[all.length >> 1]! }))
  const [official] = medians
  const rows = medians.map(({ name, ms, cpuMs }) => {
    return [name, figure(RECORDS / (ms / 1_000)), figure(official!.ms / ms, 2), figure((cpuMs * 1_000) / RECORDS, 2)]
  })
  const bytes = Math.round((statSync(file).size - 4 * REQUESTS) / (REQUESTS * RECORDS_IN_REQUEST))
  return `OTLP protobuf log records of ${bytes} bytes over HTTP, received, decoded and thrown away. ${figure(RECORDS)} records in each load, ${RECORDS_IN_REQUEST} in a request on ${CONNECTIONS} connections, medians of ${ROUNDS} interleaved rounds. The sender, a process of its own, shares the machine.

${table(['receiver', 'records/s', 'of the official collector', 'CPU of the receiver, µs a record'], rows)}`
}
