/**
 * What the spool costs, and what a kill -9 costs it.
 *
 *   node bench/spool.ts [DIRECTORY, default: the temporary one]
 *   node bench/spool.ts kill [ROUNDS, default 200]
 *
 * The chunks are 512 spans of a request as the SDK makes it (an HTTP server span, `tts_request`, `gemini_api_call`), serialized by the official serializer.
 * Main-thread time is CPU (`process.threadCpuUsage()`), so that neighbours on the machine do not count; disk speed is that of the page cache unless the row says fsync.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Chunk } from '../src/wire/signal.ts'
import { openSpool, type Spool } from '../src/wire/spool.ts'
import { SPOOL_DEFAULTS } from '../test/support/spool-chunks.ts'
import { killLoop } from '../test/support/spool-kill-loop.ts'

const SPANS = 512
const CHUNKS = 200
const resource = resourceFromAttributes({
  'service.name': 'tts-api',
  'service.version': '1.4.2',
  'service.instance.id': randomBytes(16).toString('hex'),
})
const scope = { name: 'tts-otel', version: '0.1.0' }

const [first, second] = process.argv.slice(2)
const parent = mkdtempSync(join(first === undefined || first === 'kill' ? tmpdir() : first, 'spool-bench-'))
if (first === 'kill') await benchKills(Number(second ?? 200))
else await benchCosts()
rmSync(parent, { recursive: true, force: true })

async function benchKills(rounds: number): Promise<void> {
  const startedMs = performance.now()
  const { stored, delivered, repeated, ...faults } = await killLoop(parent, rounds)
  console.log(
    `${rounds} kills in ${((performance.now() - startedMs) / 1_000).toFixed(0)} s: ${stored} chunks stored, ${delivered} delivered, ${repeated} of them twice`,
  )
  console.log(`faults: ${JSON.stringify(faults)}`)
}

async function benchCosts(): Promise<void> {
  const chunks = Array.from({ length: 20 }, () => makeChunk(SPANS))
  const rawBytes = chunks[0]!.bytes.length
  console.log(
    `chunk: ${SPANS} spans, ${(rawBytes / 1_024).toFixed(0)} KiB of protobuf (${(rawBytes / SPANS).toFixed(0)} bytes a span); Node ${process.version}`,
  )
  for (const fsync of [false, true]) await benchAppend(chunks, fsync, 1)
  await benchAppend(chunks, false, 8)
  await benchReplay(chunks)
  benchLastBreath()
}

/** Throughput with `atOnce` appends under way. */
async function benchAppend(chunks: readonly Chunk[], fsync: boolean, atOnce: number): Promise<void> {
  const spool = open(`append-${fsync}-${atOnce}`, fsync)
  await spool.append(chunks[0]!)
  const before = process.threadCpuUsage()
  const startedMs = performance.now()
  for (let i = 0; i < CHUNKS; i += atOnce)
    await Promise.all(Array.from({ length: atOnce }, (_, k) => spool.append(chunks[(i + k) % chunks.length]!)))
  const elapsedMs = performance.now() - startedMs
  const mainUs = mainThreadUs(before)
  const stats = spool.stats()
  const mb = (CHUNKS * chunks[0]!.bytes.length) / 1e6
  const spans = CHUNKS * SPANS
  console.log(
    `append, ${atOnce} at once${fsync ? ', fsync' : ''}: ${(mb / (elapsedMs / 1_000)).toFixed(0)} MB/s, ${(spans / elapsedMs).toFixed(0)}k spans/s, ` +
      `main thread ${(mainUs / spans).toFixed(3)} µs a span, ${(stats.diskBytes / (spans + SPANS)).toFixed(1)} bytes a span on disk`,
  )
  await spool.close()
}

async function benchReplay(chunks: readonly Chunk[]): Promise<void> {
  const spool = open('replay', false)
  spool.appendSync(Array.from({ length: CHUNKS }, (_, i) => chunks[i % chunks.length]!))
  const next = open('replay', false)
  spool.closeSync()
  const startedMs = performance.now()
  await next.claimOrphans()
  const claimedMs = performance.now() - startedMs
  const before = process.threadCpuUsage()
  let spans = 0
  for (let waiting = await next.next(); waiting !== undefined; waiting = await next.next()) {
    spans += waiting.entry.items
    next.ack(waiting.entry)
  }
  const mainUs = mainThreadUs(before)
  const elapsedMs = performance.now() - startedMs - claimedMs
  console.log(
    `replay: ${CHUNKS} chunks claimed in ${claimedMs.toFixed(1)} ms, then ${(spans / elapsedMs).toFixed(0)}k spans/s, main thread ${(mainUs / spans).toFixed(3)} µs a span`,
  )
  await next.close()
}

function mainThreadUs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before)
  return user + system
}

/** Eleven processes' worth of last breaths: the median of what 2,000 spans in 512s cost. */
function benchLastBreath(): void {
  const times: number[] = []
  for (let round = 0; round < 11; round++) {
    const chunks = [...Array.from({ length: 3 }, () => makeChunk(512)), makeChunk(2_000 - 3 * 512)]
    const spool = open(`breath-${round}`, false)
    const startedMs = performance.now()
    spool.appendSync(chunks)
    spool.closeSync()
    times.push(performance.now() - startedMs)
  }
  console.log(
    `last breath: 2,000 spans written synchronously and left in ${times.sort((a, b) => a - b)[5]!.toFixed(1)} ms (worst of 11: ${times.at(-1)!.toFixed(1)} ms)`,
  )
}

function open(name: string, fsync: boolean): Spool {
  return openSpool({ ...SPOOL_DEFAULTS, dir: join(parent, name), fsync, bytesMax: 1 << 30, warn: console.warn })
}

function makeChunk(spans: number): Chunk {
  const readable = Array.from({ length: spans }, (_, i) => makeSpan(i))
  return { signal: 'traces', encoding: 'protobuf', items: spans, bytes: ProtobufTraceSerializer.serializeRequest(readable)! }
}

function makeSpan(i: number): ReadableSpan {
  const kinds = [SpanKind.SERVER, SpanKind.INTERNAL, SpanKind.CLIENT] as const
  const context = { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), traceFlags: TraceFlags.SAMPLED }
  const startS = 1_800_000_000 + Math.floor(i / 40)
  return {
    name: ['POST /v1/tts', 'tts_request', 'gemini_api_call'][i % 3]!,
    kind: kinds[i % 3]!,
    spanContext: () => context,
    parentSpanContext: { ...context, spanId: randomBytes(8).toString('hex') },
    startTime: [startS, Math.floor(Math.random() * 1e9)],
    endTime: [startS + 1, Math.floor(Math.random() * 1e9)],
    duration: [1, 0],
    status: { code: i % 50 === 0 ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: attributesOf(i),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

function attributesOf(i: number): ReadableSpan['attributes'] {
  const requestId = randomBytes(16).toString('hex')
  const server = {
    'http.request.method': 'POST',
    'http.route': '/v1/tts',
    'url.path': '/v1/tts',
    'url.scheme': 'http',
    'server.address': 'tts.internal',
    'server.port': 8080,
    'client.address': `10.0.3.${i % 250}`,
    'user_agent.original': 'tts-client/2.1',
    'http.response.status_code': 200,
  }
  const tts = {
    request_id: requestId,
    user_id: `user-${i * 7919}`,
    'tts.voice': 'Kore',
    'tts.language': 'en-US',
    'tts.model': 'gemini-2.5-flash-preview-tts',
    'tts.input.characters': 40 + ((i * 37) % 900),
    'tts.audio.duration': Math.random() * 20,
    'tts.rtf': Math.random(),
    'tts.outcome': 'ok',
  }
  const api = {
    request_id: requestId,
    'gen_ai.operation.name': 'generate_content',
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.request.model': 'gemini-2.5-flash-preview-tts',
    'gen_ai.output.type': 'speech',
    'server.address': 'generativelanguage.googleapis.com',
    'gen_ai.usage.output_tokens': (i * 31) % 2_000,
  }
  return [server, tts, api][i % 3]!
}
