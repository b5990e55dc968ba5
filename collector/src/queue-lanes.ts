import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '../../src/wire/outcome.ts'
import { withRetry } from '../../src/wire/retry.ts'
import type { Chunk } from '../../src/wire/signal.ts'
import type { Spool } from '../../src/wire/spool.ts'
import type { Logs, Sink } from './batch.ts'
import type { Bell } from './bell.ts'
import { safely } from './safely.ts'

export type LanesOptions = {
  readonly spool: Spool
  /** Rung when something new waits. */
  readonly bell: Bell
  readonly sink: Sink
  readonly open: (chunk: Chunk) => Logs
  /** Told of what cannot be read any more; it is then dropped. */
  readonly onUndecodable: (records: number, reason: string) => void
  /** Ends all lanes; what they hold stays on disk. */
  readonly signal: AbortSignal
}

/** One on its way while the other is decoded and its answer read. */
const LANES = 2
/** What goes to the sink at once: many small requests become one large one. Each bounds the memory of a lane; a single request may be larger. */
const LOAD_RECORDS_MAX = 5_000
const LOAD_BYTES_MAX = 8 << 20
const FIRST_DELAY_MS = 500
/** A sink that comes back is found within this time. */
const DELAY_MS_MAX = 10_000

/** Delivers what waits in the spool, each load until the sink is done with it. Resolves when `signal` has ended the lanes; never rejects. */
export async function runLanes(options: LanesOptions): Promise<void> {
  const deliver = untilDone(options.sink)
  await Promise.all(Array.from({ length: LANES }, () => runLane(deliver, options)))
}

async function runLane(deliver: Sink, options: LanesOptions): Promise<void> {
  const { spool, bell, signal } = options
  while (!signal.aborted) {
    const heard = bell.count()
    const load = await take(spool)
    if (load.length === 0) await bell.next(heard, signal)
    const readable = load.flatMap((waiting) => tryOpen(waiting, options))
    const batch = together(readable.map((each) => each.batch))
    const outcome: Outcome = batch.records.length === 0 ? { kind: 'ok' } : await deliver(batch, signal)
    for (const { entry } of readable) {
      if (outcome.kind === 'retry') spool.release(entry)
      else spool.ack(entry)
    }
  }
}

function together(batches: readonly Logs[]): Logs {
  return {
    signal: 'logs',
    get records() {
      return batches.flatMap((batch) => batch.records)
    },
    release() {
      for (const batch of batches) batch.release?.()
    },
  }
}

type Readable = Pick<Waiting, 'entry'> & { readonly batch: Logs }

/** It could be read when it came: if not now, another version wrote it, or this is a bug. */
function tryOpen({ chunk, entry }: Waiting, { spool, open, onUndecodable }: LanesOptions): readonly Readable[] {
  try {
    return [{ entry, batch: open(chunk) }]
  } catch (error) {
    spool.ack(entry)
    onUndecodable(chunk.items, error instanceof Error ? error.message : String(error))
    return []
  }
}

type Waiting = NonNullable<Awaited<ReturnType<Spool['next']>>>

async function take(spool: Spool): Promise<readonly Waiting[]> {
  const load: Waiting[] = []
  for (let records = 0, bytes = 0; records < LOAD_RECORDS_MAX && bytes < LOAD_BYTES_MAX; ) {
    const waiting = await spool.next()
    if (waiting === undefined) break
    load.push(waiting)
    records += waiting.chunk.items
    bytes += waiting.chunk.bytes.length
  }
  return load
}

function untilDone(sink: Sink): Sink {
  return withRetry(safely(sink), {
    firstDelayMs: FIRST_DELAY_MS,
    delayMsMax: DELAY_MS_MAX,
    random: Math.random,
    sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
  })
}
