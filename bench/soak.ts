/**
 * Whether anything grows: a server under the SDK at 1,000 requests a second for a long time, each with two spans, a log record and
 * histograms, all of it delivered. Heap (after a collection), RSS and open descriptors are sampled; exits with 1 when one of them climbs
 * or something is lost.
 *
 *   npm run soak -- [minutes, default 20]
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCountingReceiver } from '../test/support/counting-receiver.ts'
import { load, quantile } from './load.ts'
import { figure, table, tellResults, words } from './results.ts'
import { installPeers, median } from './setups.ts'
import { pinLoad, type Speech, startSpeech } from './speech.ts'

const minutes = Number(words[0] ?? 20)
const PER_SECOND = 1_000
const SAMPLES = 60

/** Buffers, compiled code and connection pools reach their size in the first part. */
const WARM_UP_SHARE = 0.25

/** What the trend may add in the judged part. Of 15 minutes, 2 MiB are what a leak of three bytes a request would leave. */
const GROWTH_MAX = { heapMiB: 2, rssMiB: 8, descriptors: 2 } as const
type Measure = keyof typeof GROWTH_MAX
const MEASURES: readonly (readonly [Measure, string])[] = [
  ['heapMiB', 'heap after a collection, MiB'],
  ['rssMiB', 'RSS, MiB'],
  ['descriptors', 'descriptors'],
]
type Sample = Readonly<Record<Measure | 'minute', number>>

installPeers()
pinLoad()
const spool = mkdtempSync(join(tmpdir(), 'tts-otel-soak-'))
const receiver = await startCountingReceiver()
const speech = await startSpeech({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, TTS_OTEL_SPOOL_DIR: spool }, ['--expose-gc'])

const startMs = performance.now()
const samples: Sample[] = []
const sampling = setInterval(() => void sample(speech).then((taken) => samples.push(taken)), (minutes * 60_000) / SAMPLES)
const latencies: number[] = []
await load({ url: speech.url, perSecond: PER_SECOND, seconds: minutes * 60 }, (ms) => latencies.push(ms))
clearInterval(sampling)
await speech.stop()
await receiver.stop()
rmSync(spool, { recursive: true, force: true })

const judged = samples.filter(({ minute }) => minute >= minutes * WARM_UP_SHARE)
const requests = minutes * 60 * PER_SECOND
const rows = MEASURES.map(judge)
const [spans, logs] = [receiver.spans.stored.size, receiver.logs.stored.size]
tellResults({
  title: `${minutes} minutes at ${figure(PER_SECOND)} requests a second`,
  script: 'soak',
  text: `Two spans, a log record and histograms for each request; ${figure(spans)} of ${figure(2 * requests)} spans and ${figure(logs)} of ${figure(requests)} log records delivered. Latency of the app: p50 ${figure(quantile(latencies, 0.5), 2)} ms, p99 ${figure(quantile(latencies, 0.99), 2)} ms. ${judged.length} samples after a warm-up of ${minutes * WARM_UP_SHARE} minutes; the trend is what the line through them rises from the first to the last.

${table(
  ['', 'median', 'least', 'most', 'trend', 'may be'],
  rows.map(({ cells }) => cells),
)}`,
})
process.exitCode = rows.every(({ isFlat }) => isFlat) && spans === 2 * requests && logs === requests ? 0 : 1

async function sample({ pid, memory }: Speech): Promise<Sample> {
  const { heapUsed, rss } = await memory()
  const descriptors = readdirSync(`/proc/${pid}/fd`).length
  return { minute: (performance.now() - startMs) / 60_000, heapMiB: heapUsed / 1_048_576, rssMiB: rss / 1_048_576, descriptors }
}

function judge([measure, name]: readonly [Measure, string]): { readonly cells: readonly string[]; readonly isFlat: boolean } {
  const values = judged.map((sample) => sample[measure])
  const growth = trend(
    judged.map(({ minute }) => minute),
    values,
  )
  const figures = [median(values), Math.min(...values), Math.max(...values), growth, GROWTH_MAX[measure]].map((value) => figure(value, 1))
  return { cells: [name, ...figures], isFlat: growth <= GROWTH_MAX[measure] }
}

/** What the line of least squares through the points adds from the first to the last. */
function trend(at: readonly number[], values: readonly number[]): number {
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  const [atMean, valueMean] = [mean(at), mean(values)]
  const covariance = mean(at.map((x, index) => (x - atMean) * (values[index]! - valueMean)))
  const variance = mean(at.map((x) => (x - atMean) ** 2))
  return (covariance / variance) * (at.at(-1)! - at[0]!)
}
