/**
 * What the spool costs, and what a kill -9 costs it; in the temporary directory (`TMPDIR`).
 *
 *   npm run bench:spool -- [ROUNDS of kill -9, default 200]
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
import { figure, table, tellResults, words } from './results.ts'

const SPANS = 512
const CHUNKS = 200
const resource = resourceFromAttributes({
  'service.name': 'tts-api',
  'service.version': '1.4.2',
  'service.instance.id': randomBytes(16).toString('hex'),
})
const scope = { name: 'tts-otel', version: '0.1.0' }

const parent = mkdtempSync(join(tmpdir(), 'spool-bench-'))
const chunks = Array.from({ length: 20 }, () => makeChunk(SPANS))
const rawBytes = chunks[0]!.bytes.length
const costs = [
  await benchAppend(1, false),
  await benchAppend(1, true),
  await benchAppend(8, false),
  await benchReplay(),
  benchLastBreath(),
  await benchKills(Number(words[0] ?? 200)),
]
rmSync(parent, { recursive: true, force: true })
tellResults({
  title: 'The spool',
  script: 'bench:spool',
  text: `Chunks of ${SPANS} spans of a request as the SDK makes it, ${figure(rawBytes / 1_024)} KiB of protobuf, ${figure(rawBytes / SPANS)} bytes a span; ${CHUNKS} of them in a row. Main thread: its CPU, µs a span. Where nothing is said of fsync, the disk is the page cache.

${table(['what', 'spans/s', 'main thread, µs a span', 'more'], costs)}`,
})

/** Processes that use one spool, three at once, each killed at a random moment. */
async function benchKills(rounds: number): Promise<readonly string[]> {
  const { stored, lost, doubled, unknown, unaccounted, repeated } = await killLoop(parent, rounds)
  const wrong = doubled.length + unknown.length
  const counted = unaccounted.every((count) => count === 0) ? 'agree' : 'do not agree'
  return [
    `${rounds} rounds of \`kill -9\` at random moments, three processes at once`,
    '',
    '',
    `${figure(stored)} chunks stored, ${lost.length} lost, ${wrong} given twice by one process or never stored, ${repeated} given again that were acknowledged just before a kill; the counters ${counted}`,
  ]
}

/** Throughput with `atOnce` appends under way. */
async function benchAppend(atOnce: number, fsync: boolean): Promise<readonly string[]> {
  const spool = open(`append-${fsync}-${atOnce}`, fsync)
  await spool.append(chunks[0]!)
  const before = process.threadCpuUsage()
  const startedMs = performance.now()
  for (let i = 0; i < CHUNKS; i += atOnce)
    await Promise.all(Array.from({ length: atOnce }, (_, k) => spool.append(chunks[(i + k) % chunks.length]!)))
  const elapsedMs = performance.now() - startedMs
  const mainUs = mainThreadUs(before)
  const stats = spool.stats()
  await spool.close()
  const spans = CHUNKS * SPANS
  return [
    `append, ${atOnce} at once${fsync ? ', fsync' : ''}`,
    figure(spans / (elapsedMs / 1_000)),
    figure(mainUs / spans, 2),
    `${figure(stats.diskBytes / (spans + SPANS))} bytes a span on disk (zstd)`,
  ]
}

async function benchReplay(): Promise<readonly string[]> {
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
  await next.close()
  return [
    'replay of what another process left',
    figure(spans / (elapsedMs / 1_000)),
    figure(mainUs / spans, 2),
    `claimed in ${figure(claimedMs, 1)} ms`,
  ]
}

function mainThreadUs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before)
  return user + system
}

/** Eleven processes' worth of last breaths: the median of what 2,000 spans in 512s cost. */
function benchLastBreath(): readonly string[] {
  const times: number[] = []
  for (let round = 0; round < 11; round++) {
    const chunks = [...Array.from({ length: 3 }, () => makeChunk(512)), makeChunk(2_000 - 3 * 512)]
    const spool = open(`breath-${round}`, false)
    const startedMs = performance.now()
    spool.appendSync(chunks)
    spool.closeSync()
    times.push(performance.now() - startedMs)
  }
  times.sort((a, b) => a - b)
  const text = `median ${figure(times[5]!, 1)} ms, most of ${times.length} rounds ${figure(times.at(-1)!, 1)} ms`
  return ['last breath: 2,000 spans written synchronously and left', '', '', text]
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
