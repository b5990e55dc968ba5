import type { Chunk } from '../wire/signal.ts'
import { hasLeftovers, openSpool, type SpoolSettings } from './open-spool.ts'
import { createReplay, type Replay, type ReplayOptions, type ReplayTarget } from './replay.ts'
import { createShelf, type Shelf } from './shelf.ts'

export type DiskOptions = {
  readonly settings: SpoolSettings
  readonly warn: (message: string) => void
  readonly targetOf: (chunk: Chunk) => ReplayTarget | undefined
  /** Between two tries; in a test shorter than in life. */
  readonly waits?: Pick<ReplayOptions, 'firstDelayMs' | 'delayMsMax'>
}

export type Disk = {
  readonly shelf: Shelf
  readonly replay: Replay
  /** Delivers what waits on disk, also what others left, for `timeoutMs` at most. True when nothing is left. */
  readonly flush: (timeoutMs: number) => Promise<boolean>
  /** Leaves what waits to anybody. */
  readonly closeSync: () => void
}

/** Late enough to cost the start-up of the app nothing, early enough for an app that is started again and again. */
const FIRST_CLAIM_MS = 1_000
/** A neighbour that dies is found by its pid or, in another container, after half a minute of silence. */
const CLAIM_INTERVAL_MS = 60_000

/** The waits between two tries to deliver from disk: as the live ones. */
const REPLAY_WAITS = { firstDelayMs: 1_000, delayMsMax: 30_000 }

/** The safety net: what waits on disk, and its way back. */
export function createDisk({ settings, warn, targetOf, waits = REPLAY_WAITS }: DiskOptions): Disk {
  const shelf = createShelf({ open: () => openSpool(settings, warn), onWaiting: () => replay.wake() })
  const replay = createReplay({ shelf, targetOf, ...waits })
  let claimed: Promise<void> | undefined
  const first = setTimeout(claim, FIRST_CLAIM_MS).unref()
  const interval = setInterval(claim, CLAIM_INTERVAL_MS).unref()

  function claim(): void {
    claimed = shelf.isOpen() || hasLeftovers(settings.dirs) ? shelf.claim() : Promise.resolve()
  }

  async function flush(timeoutMs: number): Promise<boolean> {
    const startMs = performance.now()
    if (claimed === undefined) claim()
    await inTime(claimed, timeoutMs)
    const leftMs = timeoutMs - (performance.now() - startMs)
    if (shelf.waiting() > 0 && leftMs > 0) await replay.flush(leftMs)
    return shelf.waiting() === 0
  }

  function closeSync(): void {
    clearTimeout(first)
    clearInterval(interval)
    replay.stop()
    shelf.closeSync()
  }

  return { shelf, replay, flush, closeSync }
}

/** Waits for `work`, at most `timeoutMs`. The timer holds the process open, because what `work` waits for may not. */
async function inTime(work: Promise<void> | undefined, timeoutMs: number): Promise<void> {
  const { promise: passed, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, timeoutMs)
  await Promise.race([work, passed])
  clearTimeout(timer)
}
