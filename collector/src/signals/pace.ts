/** How often something comes. */
export type Pace = {
  /** Another one came, `gapMs` after the one before. */
  step(gapMs: number): void
  /** Usual time between two; undefined until there was a gap. */
  intervalMs(): number | undefined
}

/** One long gap, an outage say, moves it by half at most. */
export function createPace(): Pace {
  let intervalMs: number | undefined
  return {
    step(gapMs) {
      intervalMs = intervalMs === undefined ? gapMs : (intervalMs + Math.min(gapMs, 2 * intervalMs)) / 2
    },
    intervalMs: () => intervalMs,
  }
}
