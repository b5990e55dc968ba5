import { createPace } from './pace.ts'

export type ClockWatchOptions = {
  readonly onSetBack: (byMs: number) => void
  /** The clock was set forward, or the process slept: nothing can have come for `forMs` before `nowMs`. */
  readonly onPause: (forMs: number, nowMs: number) => void
}

/** Notices when the clock was set. */
export type ClockWatch = {
  /** To be called with each time that is looked at. */
  see(nowMs: number): void
  /** To be called at an even pace: only then does a long time stand out. */
  tick(nowMs: number): void
}

/** After more time than that, and more than usual, there was a pause. */
const [PAUSE_MS_MIN, PAUSE_INTERVALS] = [60_000, 2.5]

export function createClockWatch({ onSetBack, onPause }: ClockWatchOptions): ClockWatch {
  let seenMs = Number.NEGATIVE_INFINITY
  let tickedMs = Number.POSITIVE_INFINITY
  const ticks = createPace()

  function see(nowMs: number): void {
    const byMs = seenMs - nowMs
    seenMs = nowMs
    if (byMs > 0) onSetBack(byMs)
  }

  return {
    see,
    tick(nowMs) {
      see(nowMs)
      const byMs = nowMs - tickedMs
      tickedMs = nowMs
      if (byMs <= 0) return
      if (byMs > Math.max(PAUSE_MS_MIN, PAUSE_INTERVALS * (ticks.intervalMs() ?? byMs))) onPause(byMs, nowMs)
      ticks.step(byMs)
    },
  }
}
