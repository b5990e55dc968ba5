/** With and without, in one process and in turns, so that both share what the machine does besides. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { context, createContextKey, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { createSdk, parseConfig, withRequest } from 'tts-otel'
import { table } from './results.ts'

/** µs of CPU, collecting garbage included, for one piece of work. */
export type Pair = {
  readonly bareUs: number
  readonly watchedUs: number
  /** What `watched` took more than `bare` of the same round. */
  readonly added: Spread
  /** Between the least of both: what else runs on the machine only adds. */
  readonly addedAtLeastUs: number
}
/** Quartiles of all rounds. */
type Spread = { readonly lowUs: number; readonly medianUs: number; readonly highUs: number }

export type PairOptions = {
  readonly bare: () => unknown
  readonly watched: () => unknown
  /** Pieces of work in one run of either. */
  readonly pieces: number
  readonly rounds: number
}

/** Not empty, as below a server span. */
const IN_REQUEST = ROOT_CONTEXT.setValue(createContextKey('bench'), true)
/** The first rounds are for the compiler. */
const WARM_UP_ROUNDS = 8

/** Runs both `rounds` times, in a request, as the calls of a service are made. */
export async function measurePair({ bare, watched, pieces, rounds }: PairOptions): Promise<Pair> {
  const cpuUs = { bare: [] as number[], watched: [] as number[] }
  const runs = { bare, watched }
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
    for (const name of round % 2 === 0 ? (['bare', 'watched'] as const) : (['watched', 'bare'] as const)) {
      const us = await measureUs(runs[name])
      if (round >= WARM_UP_ROUNDS) cpuUs[name].push(us / pieces)
    }
  }
  return {
    bareUs: spreadOf(cpuUs.bare).medianUs,
    watchedUs: spreadOf(cpuUs.watched).medianUs,
    added: spreadOf(cpuUs.watched.map((us, round) => us - cpuUs.bare[round]!)),
    addedAtLeastUs: Math.min(...cpuUs.watched) - Math.min(...cpuUs.bare),
  }
}

async function measureUs(run: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await withRequest({ requestId: 'bench' }, () => context.with(IN_REQUEST, run))
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN
  return { lowUs: at(0.25), medianUs: at(0.5), highUs: at(0.75) }
}

/** What was done, what it took, and the unit to show it in. */
export type PairRow = readonly [what: string, pair: Pair, unit: 'µs' | 'ms']

/** How the figures of {@link pairTable} are to be read. */
export const PAIR_LEGEND =
  'CPU, collecting garbage included, of the built SDK within a request, bare and watched in turns: medians. Added: median of the rounds (quartiles), and between the least of both, as what else runs on the machine only adds.'

export function pairTable(rows: readonly PairRow[]): string {
  return table(
    ['what', 'bare', 'watched', 'added', 'at least'],
    rows.map(([what, { bareUs, watchedUs, added, addedAtLeastUs }, unit]) => {
      const show = (us: number) => (us / (unit === 'ms' ? 1_000 : 1)).toPrecision(3)
      const spread = `${show(added.medianUs)} (${show(added.lowUs)} to ${show(added.highUs)})`
      return [what, show(bareUs), show(watchedUs), spread, `${show(addedAtLeastUs)} ${unit}`]
    }),
  )
}

/** What samples have risen from their middle to their end: by the middle the code is compiled and every cache filled. */
export function growth(samples: readonly number[]): number {
  return samples.at(-1)! - samples[Math.floor(samples.length / 2)]!
}

/** On the heap and outside of it after a collection, in MiB. */
export function usedMiB(): number {
  if (!globalThis.gc) throw new Error('start with node --expose-gc, as the npm script does')
  globalThis.gc()
  // What a buffer held goes with the next one.
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

/**
 * Registers the SDK as it is built (`npm run build`): what is made is redacted, queued, encoded and sent to a collector in this process
 * that says yes to everything. @returns its end.
 */
export async function registerSdk(): Promise<() => Promise<unknown>> {
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.end())
  })
  await once(collector.listen(0, '127.0.0.1'), 'listening')
  const { port } = collector.address() as AddressInfo // a TCP server that listens has no other kind of address
  const sdk = createSdk(parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, TTS_OTEL_SPOOL_MAX_MB: '0' }).config)
  context.setGlobalContextManager(sdk.contextManager)
  trace.setGlobalTracerProvider(sdk.tracerProvider)
  metrics.setGlobalMeterProvider(sdk.meterProvider)
  return async () => {
    await sdk.shutdown()
    collector.close()
    collector.closeAllConnections()
  }
}
