import type { Signal } from '../wire/signal.ts'
import type { Spool } from '../wire/spool.ts'
import type { Entry, SpoolDropReason } from '../wire/spool-segment.ts'

/** A chunk on disk, or on its way there, that is ours to end. */
export type Slip = {
  readonly signal: Signal
  readonly items: number
  /** Items that have their end already, while the spool still counts the chunk as waiting. */
  settled: number
  /** Undefined while it is being written. */
  entry: Entry | undefined
  /** Tells why it could not be written, or undefined when it is on disk. */
  readonly stored: Promise<SpoolDropReason | undefined>
  /** Whatever happens to it now is not ours to count. */
  finished: boolean
}

/** What the disk says of one signal, in items. */
export type DiskAccount = {
  readonly waiting: number
  /** Left by earlier processes and taken over. */
  readonly found: number
  /** Taken over by a neighbour, which delivers them. */
  readonly handedOver: number
  readonly dropped: Readonly<Record<SpoolDropReason, number>>
}

/** The account where there is no spool. */
export const NO_DISK: DiskAccount = { waiting: 0, found: 0, handedOver: 0, dropped: { spool_full: 0, expired: 0, corrupt: 0, io: 0 } }

/** What of the spool's own account we count elsewhere. */
export type Corrections = {
  /** Items that have their end; the spool hears of it when its whole chunk has. */
  readonly settle: (slip: Slip, items: number) => void
  /** The spool has heard of it. */
  readonly finish: (slip: Slip) => void
  /** The spool refused the chunk and counts it as dropped, while we still have it. */
  readonly excuse: (chunk: { readonly signal: Signal; readonly items: number }, reason: SpoolDropReason) => void
  readonly read: (spool: Spool, signal: Signal) => DiskAccount
}

/** Keeps the account right while a chunk is both on disk and on its way. */
export function createCorrections(): Corrections {
  const ahead = { traces: 0, metrics: 0, logs: 0 }
  const excused = { spool_full: { ...ahead }, expired: { ...ahead }, corrupt: { ...ahead }, io: { ...ahead } }

  return {
    settle(slip, items) {
      slip.settled += items
      ahead[slip.signal] += items
    },
    finish(slip) {
      slip.finished = true
      ahead[slip.signal] -= slip.settled
    },
    excuse({ signal, items }, reason) {
      excused[reason][signal] += items
    },
    read(spool, signal) {
      const { waiting, found, taken, dropped } = spool.stats()
      const lost = (reason: SpoolDropReason) => dropped[reason][signal] - excused[reason][signal]
      return {
        waiting: waiting[signal] - ahead[signal],
        found: found[signal],
        handedOver: taken[signal],
        dropped: { spool_full: lost('spool_full'), expired: lost('expired'), corrupt: lost('corrupt'), io: lost('io') },
      }
    },
  }
}
