import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Chunk, SIGNALS, type Signal } from '../../src/wire/signal.ts'
import type { Spool, SpoolOptions } from '../../src/wire/spool.ts'
import type { SpoolStats } from '../../src/wire/spool-ledger.ts'

export const SPOOL_DEFAULTS: Omit<SpoolOptions, 'dir'> = {
  bytesMax: 64 << 20,
  ageMsMax: 86_400_000,
  destination: 'http://127.0.0.1:4318',
  fsync: false,
  now: Date.now,
  warn: () => {},
}

/** A chunk that can be told from all others: `id`, then bytes that do not compress. */
export function chunkOf(
  id: string,
  { signal = 'traces', items = 1, bytes = 200 }: { signal?: Signal; items?: number; bytes?: number } = {},
): Chunk {
  const body = Buffer.alloc(Math.max(bytes, id.length + 1))
  let state = 1
  for (let i = 0; i < body.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345 + i) >>> 0
    body[i] = state >>> 16
  }
  body.write(`${id}\n`)
  return { signal, encoding: 'protobuf', items, bytes: body }
}

export function idOf({ bytes }: Chunk): string {
  const text = Buffer.from(bytes).toString('latin1')
  return text.slice(0, text.indexOf('\n'))
}

/** Appends at once and lets go. Returns how many were stored. */
export function putSync(spool: Spool, ...chunks: readonly Chunk[]): number {
  const stored = spool.appendSync(chunks).flatMap((appended) => (appended.kind === 'stored' ? [appended.entry] : []))
  for (const entry of stored) spool.release(entry)
  return stored.length
}

/** All signals and reasons together, in items. */
export function totals(stats: SpoolStats) {
  const sum = (items: Readonly<Record<Signal, number>>) => SIGNALS.reduce((total, signal) => total + items[signal], 0)
  const dropped = Object.fromEntries(Object.entries(stats.dropped).map(([reason, items]) => [reason, sum(items)]))
  return {
    appended: sum(stats.appended),
    found: sum(stats.found),
    acked: sum(stats.acked),
    taken: sum(stats.taken),
    waiting: sum(stats.waiting),
    dropped,
  }
}

/** Zero when every item is accounted for, signal by signal. */
export function unaccounted({ appended, found, acked, taken, waiting, dropped }: SpoolStats): number[] {
  return SIGNALS.map((signal) => {
    const lost = Object.values(dropped).reduce((sum, items) => sum + items[signal], 0)
    return appended[signal] + found[signal] - acked[signal] - taken[signal] - waiting[signal] - lost
  })
}

/** Segment files below a spool's directory, as paths. */
export function segmentFiles(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(dir, name))
}
