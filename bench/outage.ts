/**
 * What a collector in trouble costs.
 *
 * 1. 60 s without a collector at 2,000 spans and 2,000 log records a second, with the default room on disk: what arrives afterwards.
 * 2. p99 of a server's latency with a collector that hangs against one that is well, in interleaved rounds.
 *
 *   npm run bench:outage -- [seconds of the outage, default 60] [rounds, default 2]
 */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lossesOf, startMaker } from '../test/fault/support/maker.ts'
import { type CountingReceiver, startCountingReceiver, type Tally } from '../test/support/counting-receiver.ts'
import { load, quantile } from './load.ts'
import { figure, table, tellResults, words } from './results.ts'
import { installPeers, median } from './setups.ts'
import { pinLoad, startSpeech } from './speech.ts'

const outageS = Number(words[0] ?? 60)
const rounds = Number(words[1] ?? 2)
/** Of spans, and of log records. */
const PER_SECOND = 2_000
/** Before and after the outage. */
const AROUND_S = 5
/** How long the rest may take once the collector is back. */
const CATCH_UP_S_MAX = 120
/** Requests to the server whose latency is measured. */
const LOAD_PER_SECOND = 500

const spool = mkdtempSync(join(tmpdir(), 'tts-otel-outage-'))
const delivery = await measureDelivery()
installPeers()
pinLoad()
const latency = rounds > 0 ? await measureLatency() : ''
rmSync(spool, { recursive: true, force: true })
tellResults({ title: 'A collector in trouble', script: 'bench:outage', text: `${delivery}\n\n${latency}` })

async function measureDelivery(): Promise<string> {
  const receiver = await startCountingReceiver()
  const maker = startMaker({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, TTS_OTEL_SPOOL_DIR: spool })
  const making = maker.makeSteadily(PER_SECOND, AROUND_S + outageS + AROUND_S)
  let rssMax = 0
  let spoolBytesMax = 0
  const watch = setInterval(() => {
    rssMax = Math.max(rssMax, residentBytes(maker.pid))
    spoolBytesMax = Math.max(spoolBytesMax, bytesIn(spool))
  }, 1_000)

  await sleep(AROUND_S * 1_000)
  await receiver.stop()
  await sleep(outageS * 1_000)
  await receiver.start()
  const backAtMs = performance.now()
  const created = await making
  const inS = await untilQuiet(receiver, created, backAtMs)
  clearInterval(watch)

  const health = await maker.health()
  await maker.end()
  await receiver.stop()
  const row = (name: string, tally: Tally, losses: Readonly<Record<string, number>>) => {
    const dropped = Object.entries(losses).map(([reason, count]) => `${figure(count)} ${reason}`)
    return [name, figure(created), figure(tally.stored.size), figure(tally.duplicates()), dropped.join(', ') || '0']
  }
  const rows = [row('spans', receiver.spans, lossesOf(health.traces)), row('log records', receiver.logs, lossesOf(health.logs))]
  const mib = (bytes: number) => `${figure(bytes / 1_048_576, 1)} MiB`
  return `${outageS} s without a collector at ${figure(PER_SECOND)} spans and ${figure(PER_SECOND)} log records a second, ${AROUND_S} s before and after with one; default room on disk. The last arrived ${figure(inS, 1)} s after the collector was back. Largest spool ${mib(spoolBytesMax)}, largest RSS ${mib(rssMax)}.

${table(['', 'made', 'arrived', 'twice on the wire', 'dropped'], rows)}`
}

/** Seconds until everything had arrived, or nothing more came. */
async function untilQuiet(receiver: CountingReceiver, created: number, sinceMs: number): Promise<number> {
  const secondsSince = () => (performance.now() - sinceMs) / 1_000
  while (secondsSince() < CATCH_UP_S_MAX && (receiver.spans.stored.size < created || receiver.logs.stored.size < created)) await sleep(100)
  return secondsSince()
}

async function measureLatency(): Promise<string> {
  const p99s = { well: [] as number[], hanging: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    for (const state of ['well', 'hanging'] as const) {
      const collector = await startIdleCollector(state)
      const speech = await startSpeech({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, TTS_OTEL_SPOOL_DIR: mkdtempSync(join(spool, 'p99-')) })
      await load({ url: speech.url, perSecond: LOAD_PER_SECOND, seconds: 5 }, () => {})
      const latencies: number[] = []
      await load({ url: speech.url, perSecond: LOAD_PER_SECOND, seconds: 20 }, (ms) => latencies.push(ms))
      p99s[state].push(...p99OfSeconds(latencies))
      await speech.stop()
      await collector.stop()
    }
  }
  const [well, hanging] = [median(p99s.well), median(p99s.hanging)]
  return `p99 of the app's own latency at ${LOAD_PER_SECOND} requests a second, median of the p99 of ${p99s.well.length} s in ${rounds} interleaved rounds: ${figure(well, 2)} ms with a healthy collector, ${figure(hanging, 2)} ms with one that hangs (${figure(hanging / well, 2)} of it).`
}

/** Of each second by itself: what disturbs the machine for a moment then spoils one second and not the whole. */
function p99OfSeconds(latencies: readonly number[]): readonly number[] {
  const seconds = Math.floor(latencies.length / LOAD_PER_SECOND)
  return Array.from({ length: seconds }, (_, second) =>
    quantile(latencies.slice(second * LOAD_PER_SECOND, (second + 1) * LOAD_PER_SECOND), 0.99),
  )
}

/** Takes everything and reads nothing: decoding would cost the load generator, which shares its core, more than hanging does. */
async function startIdleCollector(state: 'well' | 'hanging') {
  const server = createServer((request, response) => {
    request.resume()
    if (state === 'well') request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    async stop() {
      const closed = once(server.close(), 'close')
      server.closeAllConnections()
      await closed
    },
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024
}

function bytesIn(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
  return bytes
}
