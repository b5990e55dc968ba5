import type { Encoder } from '../wire/encode.ts'
import type { Chunk } from '../wire/signal.ts'
import { encodeEach } from './encode-each.ts'
import type { Flushes } from './flushes.ts'
import type { Ledger } from './ledger.ts'
import { createJob, type Job, type Outbox } from './outbox.ts'
import type { Queue } from './queue.ts'
import type { Rescue } from './rescue.ts'
import type { Sender } from './sender.ts'
import type { Shelf } from './shelf.ts'
import type { Counters } from './stats.ts'

/** The stations between the SDK and the collector. */
export type Stretch<T> = {
  readonly queue: Queue<T>
  readonly encoder: Encoder<T>
  readonly ledger: Ledger
  readonly outbox: Outbox
  readonly sender: Sender
  readonly rescue: Rescue
  readonly flushes: Flushes
  readonly counters: Pick<Counters, 'spooled'>
}

export type Tail = {
  /** Encodes all that is queued and puts on disk what is not there. Gives the chunks that were neither there nor sent. Never throws. */
  readonly drainSync: () => readonly Chunk[]
  /** Counts chunks of `drainSync` as sent; others are ignored. */
  readonly acknowledge: (chunks: readonly Chunk[]) => void
}

/** What is left to send when a process ends. */
export function createTail<T>(stretch: Stretch<T>, shelf: Shelf | undefined): Tail {
  const { queue, outbox, ledger, counters } = stretch
  const tail = new WeakMap<Chunk, Job>()

  function drainSync(): readonly Chunk[] {
    queue.flush()
    while (moveBatch(stretch, outbox.hold));
    const fresh = outbox.jobs().filter((job) => job.slip === undefined && job.itemsLeft > 0 && !tail.has(job.chunk))
    const chunks = fresh.map(({ chunk }) => chunk)
    // An end with nothing to keep opens no spool, and so makes no directory and complains of none.
    const slips = shelf && (chunks.length > 0 || shelf.isOpen()) ? shelf.putSync(chunks) : []
    for (const [index, job] of fresh.entries()) {
      tail.set(job.chunk, job)
      job.slip = slips[index]
      job.isUnfit = job.slip === undefined
      if (job.slip === undefined) continue
      counters.spooled += job.slip.items
      shelf?.settle(job.slip, job.slip.items - job.itemsLeft)
    }
    return chunks
  }

  function acknowledge(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      const job = tail.get(chunk)
      if (job !== undefined) ledger.settle(job, chunk, { kind: 'ok' })
    }
  }

  return { drainSync, acknowledge }
}

/** Moves one batch from the queue to the outbox; false when there is none. */
export function moveBatch<T>(
  stretch: Pick<Stretch<T>, 'queue' | 'encoder' | 'ledger' | 'outbox' | 'sender' | 'rescue'>,
  add: (job: Job) => void,
): boolean {
  const { queue, encoder, ledger, outbox, sender, rescue } = stretch
  const from = queue.taken()
  const items = queue.take()
  if (items === undefined) return false
  const chunks = encodeEach(encoder, items, (item, error) => ledger.dropped('encode', encoder.count(item), error))
  for (const chunk of chunks) add(createJob({ chunk, refusals: 0, from }))
  rescue.watch()
  // No use to wait for a second when it is known that nobody answers.
  if (sender.isFailing() && add === outbox.add) for (const job of outbox.jobs()) rescue.rescue(job)
  return true
}
