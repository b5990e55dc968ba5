/** How often something comes. */
export type Pace = {
  /** Another one came, `gapMs` after the one before. */
  step(gapMs: number): void
  /** Usual time between two; undefined until there was a gap. */
  intervalMs(): number | undefined
}

/** Enough that an outage does not count, and few enough that a new pace is soon the usual one. */
const GAPS_MAX = 8
/** Metrics that come more seldom are not waited for; a first gap that is longer may be an outage. */
export const INTERVAL_MS_MAX = 300_000

/** The median of the newest gaps. */
export function createPace(): Pace {
  const gaps: number[] = []
  let intervalMs: number | undefined
  return {
    step(gapMs) {
      gaps.push(gapMs)
      if (gaps.length > GAPS_MAX) gaps.shift()
      intervalMs = gaps.length === 1 ? Math.min(gapMs, INTERVAL_MS_MAX) : gaps.toSorted((a, b) => a - b)[(gaps.length - 1) >> 1]
    },
    intervalMs: () => intervalMs,
  }
}
