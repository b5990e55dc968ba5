/**
 * CPU that a whole `ttsRequest` adds to the speech itself: `npm run bench:tts`. The provider is one call of `onCall`, as the instrumentation of
 * Gemini makes it; spans and metrics go to the SDK's providers and end there, so that redaction, encoding and sending are not in the figures.
 * Each line is the best of some rounds: what else runs on the machine only adds.
 */
import { context, metrics, trace } from '@opentelemetry/api'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { createContextManager } from '../src/context-manager.ts'
import { recordRequest } from '../src/tts/measure.ts'
import { type TtsCallFacts, type TtsRequest, ttsRequest } from '../src/tts/request.ts'
import { metricsSummary } from '../src/tts/summary.ts'
import { figure, table, tellResults } from './results.ts'

const REQUESTS = 5_000
const ROUNDS = 15
const audio = { format: 'wav', bytes: 1_440_044, durationS: 30, sampleRateHz: 24_000, channels: 1 } as const
const call: TtsCallFacts = {
  outcome: 'ok',
  model: 'gemini-3.8-flash-tts',
  audio,
  inputTokens: 90,
  audioTokens: 750,
  timeToFirstAudioS: 0.1,
  durationS: 0.2,
}
const text = 'It is a quarter past ten and the train to the sea is late. '.repeat(8)
const order = { text, voice: 'Kore', language: 'en-US', model: 'gemini-3.8-flash-tts' }
const vietnamese = {
  ...order,
  text: 'Hôm nay trời đẹp nên chúng tôi đi dạo trong công viên rồi uống trà bên hồ. '.repeat(6),
  language: 'vi-VN',
}
const piece = Buffer.alloc(9_600, 7)

const work: Readonly<Record<string, () => unknown>> = {
  'one call, 480 characters': () => ttsRequest(order, (tts) => tts.onCall(call)),
  'the same in Vietnamese': () => ttsRequest(vietnamese, (tts) => tts.onCall(call)),
  'queued, started and 20 pieces of audio': () => ttsRequest(order, stream),
  recordRequest: () => recordRequest(0.5),
  metricsSummary: () => metricsSummary(),
}

const bareUs = await cheapestUs(async () => {})
const unregistered = await measureAll()
context.setGlobalContextManager(createContextManager())
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [] }))
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [createReader()] }))
const registered = await measureAll()
const rows = [...unregistered].map(([name, us]) => [name, figure(us, 1), figure(registered.get(name) ?? Number.NaN, 1)])
tellResults({
  title: 'A speech request',
  script: 'bench:tts',
  text: `CPU of one \`ttsRequest\` in µs, the least of ${ROUNDS} rounds of ${figure(REQUESTS)}; the SDK's own providers take what is made, nothing is redacted, encoded or sent.

${table(['what', 'unregistered', 'registered'], rows)}`,
})

function stream(tts: TtsRequest): void {
  tts.queued()
  tts.started()
  for (let i = 0; i < 20; i++) tts.audio(piece, 'audio/L16;codec=pcm;rate=24000')
  tts.onCall(call)
}

async function measureAll(): Promise<Map<string, number>> {
  const costs = new Map<string, number>()
  for (const [name, run] of Object.entries(work)) costs.set(name, (await cheapestUs(run)) - bareUs)
  return costs
}

async function cheapestUs(run: () => unknown): Promise<number> {
  const costs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage()
    for (let i = 0; i < REQUESTS; i++) await run()
    const { user, system } = process.cpuUsage(start)
    costs.push((user + system) / REQUESTS)
  }
  return Math.min(...costs)
}

/** Makes the SDK keep the measurements; nobody collects them. */
function createReader(): MetricReader {
  class SilentReader extends MetricReader {
    protected async onShutdown(): Promise<void> {}
    protected async onForceFlush(): Promise<void> {}
  }
  return new SilentReader()
}
