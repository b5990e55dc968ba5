/**
 * What watching the Live API adds to each message with audio, with and without in one run, in turns, and what stays on the heap while an
 * hour of audio comes over one connection. The messages come parsed from memory: reading their JSON is the client's own work and costs
 * more than all of this. Exits with 1 when a message costs more than the limit, or the heap grows.
 *
 *   npm run bench:genai-live
 */
import { context, metrics, trace } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { createContextManager } from '../src/context-manager.ts'
import { instrumentGemini } from '../src/instrument/gemini-client.ts'
import { median } from './setups.ts'

const LIMITS = { messageUs: 5, heapMiB: 2 }
const MESSAGES = 5_000
const ROUNDS = 40
/** The Live API sends 40 ms to 1 s at a time; a second is the larger piece to look at. */
const SECOND = Buffer.alloc(48_000, 7).toString('base64')
const AUDIO = { serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data: SECOND } }] } } }
const COMPLETE = { serverContent: { turnComplete: true }, usageMetadata: { promptTokenCount: 7, responseTokenCount: 25 } }

type Callbacks = { onmessage(message: object): void; onclose(event: object): void }
type Session = { sendClientContent(params: object): void; close(): void }
type Client = { live: { connect(params: { model: string; callbacks: Callbacks }): Promise<Session & { callbacks: Callbacks }> } }

register()
const clients = { bare: createFake(), watched: instrumentGemini(createFake()) }
const cpuUs: Record<'bare' | 'watched', number[]> = { bare: [], watched: [] }
for (let round = 0; round < ROUNDS + 5; round++) {
  for (const name of round % 2 === 0 ? (['bare', 'watched'] as const) : (['watched', 'bare'] as const)) {
    const us = await measure(clients[name])
    // The first rounds are for the compiler.
    if (round >= 5) cpuUs[name].push(us)
  }
}
const heapMiB = await measureHeap(clients.watched)

const messageUs = median(cpuUs.watched) - median(cpuUs.bare)
console.log(`one message with audio: bare ${median(cpuUs.bare).toFixed(2)} µs, watched ${median(cpuUs.watched).toFixed(2)} µs, CPU`)
console.log(`added: ${messageUs.toFixed(2)} µs`)
console.log(`heap during an hour of audio, MiB after a collection, every ten minutes: ${heapMiB.map((mib) => mib.toFixed(1)).join(' ')}`)
const heapGrowth = Math.max(...heapMiB.slice(2)) - heapMiB[1]!
if (messageUs > LIMITS.messageUs || heapGrowth > LIMITS.heapMiB) {
  console.error(`too much: ${JSON.stringify({ messageUs, heapGrowth })}, limits ${JSON.stringify(LIMITS)}`)
  process.exitCode = 1
}

/** Looks its callbacks up for each message, as the client does. */
function createFake(): Client {
  return {
    live: {
      async connect({ callbacks }) {
        return { callbacks, sendClientContent: () => {}, close: () => callbacks.onclose({ code: 1000, reason: '' }) }
      },
    },
  }
}

function open(client: Client) {
  return client.live.connect({ model: 'gemini-live', callbacks: { onmessage: () => {}, onclose: () => {} } })
}

/** CPU of one message, in µs. */
async function measure(client: Client): Promise<number> {
  const session = await open(client)
  session.sendClientContent({})
  const before = process.cpuUsage()
  for (let i = 0; i < MESSAGES; i++) session.callbacks.onmessage(AUDIO)
  const { user, system } = process.cpuUsage(before)
  session.callbacks.onmessage(COMPLETE)
  session.close()
  return (user + system) / MESSAGES
}

/** An hour in turns of ten seconds, each message with audio of its own. */
async function measureHeap(client: Client): Promise<number[]> {
  const session = await open(client)
  const samples: number[] = []
  for (let second = 0; second < 3_600; second++) {
    if (second % 10 === 0) session.sendClientContent({})
    const data = Buffer.alloc(48_000, second).toString('base64')
    session.callbacks.onmessage({ serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data } }] } } })
    if (second % 10 === 9) session.callbacks.onmessage(COMPLETE)
    if (second % 600 === 0) samples.push(usedMiB())
  }
  session.close()
  return samples
}

function usedMiB(): number {
  if (!globalThis.gc) throw new Error('start with node --expose-gc, as npm run bench:genai-live does')
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

function register(): void {
  const processor = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  context.setGlobalContextManager(createContextManager())
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }))
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
}
