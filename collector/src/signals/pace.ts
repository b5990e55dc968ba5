/** How often something comes. */
export type Pace = {
  /** Another one came, `gapMs` after the one before. */
  step(gapMs: number): void
  /** Usual time between two; undefined until there was a gap. */
  intervalMs(): number | undefined
}

/** Enough that an outage does not count, and few enough that a new pace is soon the usual one. */
const GAPS_MAX = 8

/** Where it is not known: the default of METRICS_COLLECTION_INTERVAL. */
export const INTERVAL_MS = 60_000

/** The median of the newest gaps. */
export function createPace(): Pace {
  const gaps: number[] = []
  let intervalMs: number | undefined
  return {
    step(gapMs) {
      gaps.push(gapMs)
      if (gaps.length > GAPS_MAX) gaps.shift()
      intervalMs = gaps.toSorted((a, b) => a - b)[(gaps.length - 1) >> 1]
    },
    intervalMs: () => intervalMs,
  }
}
