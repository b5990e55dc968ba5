import { fileURLToPath } from 'node:url'
import type { CountingReceiver } from '../../support/counting-receiver.ts'
import { type Ended, runNode } from '../../support/run-node.ts'

/** One way for a process to end. */
export type Way = {
  readonly name: string
  /** What the fixture does. */
  readonly does: string
  /** Sent from outside, so long after the app is ready. */
  readonly signal?: NodeJS.Signals
  readonly afterMs?: number
  /** Nothing of the process runs at its end: what it made waits for the next start, and metrics wait for nobody. */
  readonly isSudden?: true
  /** There is time to send: metrics arrive as well. */
  readonly isGraceful?: true
}

/** By when what an app made is on disk, with as much again for a machine that is busy. */
const SUDDEN_AFTER_MS = 2_500

export const WAYS: readonly Way[] = [
  { name: 'natural end', does: 'natural', isGraceful: true },
  { name: 'process.exit(3)', does: 'exit' },
  { name: 'uncaught error', does: 'throw' },
  { name: 'unhandled rejection', does: 'reject' },
  { name: 'SIGINT', does: 'signal', signal: 'SIGINT', isGraceful: true },
  { name: 'SIGTERM', does: 'signal', signal: 'SIGTERM', isGraceful: true },
  { name: 'SIGTERM, own handler: process.exit(7)', does: 'handler', signal: 'SIGTERM' },
  { name: 'worker thread ends', does: 'thread', isGraceful: true },
  { name: 'worker thread, process.exit(3)', does: 'threadExit' },
  { name: 'cluster worker, process.exit(3)', does: 'cluster' },
  { name: `SIGKILL after ${SUDDEN_AFTER_MS} ms`, does: 'signal', signal: 'SIGKILL', afterMs: SUDDEN_AFTER_MS, isSudden: true },
]

/** Spans, and log records, that the fixture makes. */
export const RECORDS = 20

export type EndOptions = {
  /** Node's flags before the app: `--import …`. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** How long the app goes on after it is ready. Default 0. */
  readonly endAfterMs?: number
  readonly timeoutMs?: number
  readonly onReady?: () => void
}

const app = fileURLToPath(new URL('../../fixtures/fault/app.mjs', import.meta.url))

/** Runs the fixture until it has ended in this way; `ms` is the time from the cause to the end. */
export async function endApp(way: Way, options: EndOptions = {}): Promise<{ readonly ended: Ended; readonly ms: number }> {
  const { flags = [], env = {}, endAfterMs = 0, timeoutMs = 20_000, onReady } = options
  const delayMs = endAfterMs + (way.afterMs ?? 0)
  let causedAtMs = 0
  const ended = await runNode([...flags, app, way.does], {
    env: { RECORDS: String(RECORDS), END_AFTER_MS: String(endAfterMs), ...env },
    timeoutMs,
    onReady(child) {
      onReady?.()
      causedAtMs = performance.now() + delayMs
      if (way.signal !== undefined) setTimeout(() => child.kill(way.signal), delayMs)
    },
  })
  return { ended, ms: performance.now() - causedAtMs }
}

/** The next start of the same app: a process that lives for 100 ms and makes nothing of its own. */
export function startAgain(options: EndOptions): Promise<Ended> {
  return runNode([...(options.flags ?? []), app, 'next'], { env: options.env ?? {} })
}

/** What the app says itself, without the lines of the SDK. */
export function withoutSdkLines(stderr: string): string {
  return stderr.replace(/^tts-otel: .*\n(?: {2}.*\n)*/gm, '')
}

export type Arrivals = { readonly spans: number; readonly logs: number }

/** How many of the fixture's spans and log records a receiver has stored; more identities than records would be a bug as well. */
export function countStored({ spans, logs }: Pick<CountingReceiver, 'spans' | 'logs'>): Arrivals {
  const count = (stored: ReadonlyMap<string, string>, pattern: RegExp) => [...stored.values()].filter((name) => pattern.test(name)).length
  return { spans: count(spans.stored, /^span \d+$/), logs: count(logs.stored, /^log \d+$/) }
}
