/** Times between the pieces of one answer. */
export type Gaps = {
  /** A piece came, at `atMs` of {@link performance.now}. */
  piece(atMs: number): void
  /** The model stops and starts anew: until the next piece is no gap. */
  pause(): void
  /** Tells those that were not told yet. */
  flush(): void
}

/** A record in a histogram costs more than all else at a chunk; many in a row cost a third. */
const GAPS_MAX = 256

/** Tells the gaps, in seconds, many at once. */
export function createGaps(onGaps: (seconds: readonly number[]) => void): Gaps {
  let gaps: number[] = []
  let lastMs: number | undefined

  function flush(): void {
    if (gaps.length > 0) onGaps(gaps)
    gaps = []
  }
  return {
    piece(atMs) {
      if (lastMs !== undefined && gaps.push((atMs - lastMs) / 1_000) >= GAPS_MAX) flush()
      lastMs = atMs
    },
    pause() {
      lastMs = undefined
    },
    flush,
  }
}
