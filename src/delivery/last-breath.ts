import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Chunk, Signal } from '../wire/signal.ts'
import { type LastBreathData, TAKEN } from './last-breath-data.ts'
import type { PostOptions } from './post.ts'

export type PostTailOptions = {
  readonly chunks: readonly Chunk[]
  readonly posts: Readonly<Record<Signal, PostOptions>>
  /** For everything, the start of the thread included. */
  readonly timeoutMs: number
}

/**
 * Posts chunks from an `exit` handler, where no event loop turns any more: in a thread of its own, for which this one sleeps. Returns those
 * that the collector acknowledged in time. Throws where no thread can be started (`--permission`).
 */
export function postTail({ chunks, posts, timeoutMs }: PostTailOptions): readonly Chunk[] {
  const worker = findWorker()
  if (chunks.length === 0 || worker === undefined) return []
  const outcomes = new SharedArrayBuffer((chunks.length + 1) * Int32Array.BYTES_PER_ELEMENT)
  const startMs = performance.now()
  const parcels = chunks.map((chunk) => ({ chunk, post: { ...posts[chunk.signal], timeoutMs } }))
  startWorker(worker, { 'tts-otel': 'internal', parcels, outcomes })
  const cells = new Int32Array(outcomes)
  Atomics.wait(cells, 0, 0, Math.max(0, timeoutMs - (performance.now() - startMs)))
  return chunks.filter((_, index) => Atomics.load(cells, index + 1) === TAKEN)
}

/** Beside us, in the sources and in the bundle. Who has bundled us into one file has left it behind: we would sleep for nothing. */
function findWorker(): URL | undefined {
  const here: string | undefined = import.meta.url // undefined where a bundler made CommonJS of us
  if (here === undefined) return undefined
  const worker = new URL(here.endsWith('.ts') ? './last-breath-worker.ts' : './thread/last-breath-worker.js', here)
  return existsSync(fileURLToPath(worker)) ? worker : undefined
}

/** Without the app's flags and environment, which would load its hooks, and without its streams. */
function startWorker(worker: URL, workerData: LastBreathData): void {
  new Worker(worker, { workerData, name: 'tts-otel', execArgv: [], env: {}, stdout: true, stderr: true })
}
