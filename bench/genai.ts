/**
 * What watching Gemini calls adds, with and without in one run, in turns: for each chunk of a stream, for a unary answer of 60 s of audio,
 * and on the heap while 10 minutes of audio stream through. Answers come from memory, so that no network is in the figures; spans and
 * metrics go to the SDK's providers and end there. Exits with 1 when the wrapper alone needs more CPU than the limit, or the heap grows:
 * through the client its own 150 µs for a chunk swing by more than what is added.
 *
 *   npm run bench:genai
 */
import { GoogleGenAI } from '@google/genai'
import { context, metrics, trace } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { createContextManager } from '../src/context-manager.ts'
import { instrumentGemini } from '../src/instrument/gemini-client.ts'
import { median } from './setups.ts'

const LIMITS = { chunkUs: 5, unaryMs: 2, heapMiB: 2 }
/** One second of 24 kHz PCM, as Gemini sends it. */
const SECOND = Buffer.alloc(48_000, 7).toString('base64')
const CHUNKS = 600
const ROUNDS = 40

/** What the real client gets for its requests; one copy for all, as where it lies in memory shows in the figures. */
const WIRE = (() => {
  const parts = (data: string) => ({ parts: [{ inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data } }], role: 'model' })
  const event = (candidate: object) =>
    new TextEncoder().encode(`data: ${JSON.stringify({ candidates: [{ ...candidate, index: 0 }] })}\r\n\r\n`)
  return {
    chunk: event({ content: parts(SECOND) }),
    last: event({ finishReason: 'STOP' }),
    whole: JSON.stringify({ candidates: [{ content: parts(SECOND.repeat(60)), finishReason: 'STOP', index: 0 }] }),
  }
})()

type Cost = { readonly wallMs: number; readonly cpuMs: number }
type Client = {
  models: { generateContent: (params: object) => Promise<unknown>; generateContentStream: (params: object) => Promise<unknown> }
}

register()
const order = { model: 'gemini-3.8-flash-tts', contents: 'text', config: { responseModalities: ['AUDIO'] } }

const chunkAlone = await compare(CHUNKS, createFake, (client) => drain(client))
const chunkThrough = await compare(CHUNKS, createReal, (client) => drain(client))
const unaryAlone = await compare(1, createFake, async (client) => void (await client.models.generateContent(order)))
const unaryThrough = await compare(1, createReal, async (client) => void (await client.models.generateContent(order)))
const heap = await measureHeap()

show('one chunk of a stream, the wrapper alone', chunkAlone, 1_000, 'µs')
show('one chunk of a stream, through the client', chunkThrough, 1_000, 'µs')
show('one answer of 60 s, the wrapper alone', unaryAlone, 1, 'ms')
show('one answer of 60 s, through the client', unaryThrough, 1, 'ms')
console.log(`heap during 10 minutes of audio, MiB after a collection, by minute: ${heap.map((mib) => mib.toFixed(1)).join(' ')}`)

// The first sample still holds what the benchmarks before it left.
const heapGrowth = Math.max(...heap.slice(2)) - heap[1]!
const added = {
  chunkUs: (chunkAlone.watched.cpuMs - chunkAlone.bare.cpuMs) * 1_000,
  unaryMs: unaryAlone.watched.cpuMs - unaryAlone.bare.cpuMs,
}
if (added.chunkUs > LIMITS.chunkUs || added.unaryMs > LIMITS.unaryMs || heapGrowth > LIMITS.heapMiB) {
  console.error(`too much: ${JSON.stringify({ ...added, heapGrowth })}, limits ${JSON.stringify(LIMITS)}`)
  process.exitCode = 1
}

/** Medians for one piece of work, of which a round has `pieces`; bare and watched take turns, and so share what the machine does besides. */
async function compare(pieces: number, create: () => Client, run: (client: Client) => Promise<void>) {
  const clients = { bare: create(), watched: instrumentGemini(create()) }
  const costs: Record<'bare' | 'watched', Cost[]> = { bare: [], watched: [] }
  for (let round = 0; round < ROUNDS + 5; round++) {
    for (const name of round % 2 === 0 ? (['bare', 'watched'] as const) : (['watched', 'bare'] as const)) {
      const cost = await measure(() => run(clients[name]))
      // The first rounds are for the compiler.
      if (round >= 5) costs[name].push({ wallMs: cost.wallMs / pieces, cpuMs: cost.cpuMs / pieces })
    }
  }
  return { bare: middle(costs.bare), watched: middle(costs.watched) }
}

function middle(costs: readonly Cost[]): Cost {
  return { wallMs: median(costs.map(({ wallMs }) => wallMs)), cpuMs: median(costs.map(({ cpuMs }) => cpuMs)) }
}

async function measure(run: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  await run()
  const wallMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs, cpuMs: (user + system) / 1_000 }
}

async function drain(client: Client): Promise<void> {
  const stream = await client.models.generateContentStream(order)
  for await (const chunk of stream as AsyncIterable<unknown>) void chunk
}

/** Answers that are there already: nothing but the wrapper differs. */
function createFake(): Client {
  const audio = (data: string, mimeType: string) => ({ content: { parts: [{ inlineData: { mimeType, data } }] }, index: 0 })
  const chunk = { candidates: [audio(SECOND, 'audio/L16;codec=pcm;rate=24000')] }
  const last = { candidates: [{ finishReason: 'STOP', index: 0 }] }
  const whole = { candidates: [{ ...audio(SECOND.repeat(60), 'audio/L16;codec=pcm;rate=24000'), finishReason: 'STOP' }] }
  return {
    models: {
      generateContent: async () => whole,
      generateContentStream: async () =>
        (async function* () {
          for (let i = 1; i < CHUNKS; i++) yield chunk
          yield last
        })(),
    },
  }
}

/** The real client, whose requests are answered from memory. */
function createReal(): Client {
  const answer = (url: string) => {
    if (!url.includes('stream')) return new Response(WIRE.whole, { headers: { 'content-type': 'application/json' } })
    let left = CHUNKS
    const body = new ReadableStream({
      pull(controller) {
        left -= 1
        controller.enqueue(left > 0 ? WIRE.chunk : WIRE.last)
        if (left === 0) controller.close()
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  return new GoogleGenAI({ apiKey: 'key', httpOptions: { fetch: async (url: unknown) => answer(String(url)) } }) as unknown as Client
}

/** In use after a collection, buffers included, at the start and after each minute of the audio. */
async function measureHeap(): Promise<readonly number[]> {
  const client = instrumentGemini(createReal())
  await drain(client)
  const used: number[] = [usedMiB()]
  let seconds = 0
  for await (const chunk of (await client.models.generateContentStream(order)) as AsyncIterable<unknown>) {
    void chunk
    seconds += 1
    if (seconds % 60 === 0) used.push(usedMiB())
  }
  return used
}

function usedMiB(): number {
  if (!globalThis.gc) throw new Error('start with node --expose-gc, as npm run bench:genai does')
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1_048_576
}

function show(what: string, { bare, watched }: { bare: Cost; watched: Cost }, factor: number, unit: string): void {
  const line = (name: 'wallMs' | 'cpuMs') =>
    `${(bare[name] * factor).toFixed(2)} → ${(watched[name] * factor).toFixed(2)} (+${((watched[name] - bare[name]) * factor).toFixed(2)}) ${unit}`
  console.log(`${what.padEnd(44)} wall ${line('wallMs')}   CPU ${line('cpuMs')}`)
}

function register(): void {
  const processor = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  context.setGlobalContextManager(createContextManager())
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }))
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
}
