/** Counts measurements in buckets, as a histogram does: memory stays the same however many there are. */
export type Buckets = {
  /** Not negative. */
  add(value: number): void
  count(): number
  sum(): number
  /**
   * The value below which `share` (0 to 1) of the measurements lie, linear within a bucket, as Prometheus and the collector's summary
   * have it, and never above the largest one. Null when there are none.
   */
  quantile(share: number): number | null
}

/** `bounds` are the upper ones, included and rising; what is above the last has a bucket of its own. */
export function createBuckets(bounds: readonly number[]): Buckets {
  const counts = new Float64Array(bounds.length + 1)
  let count = 0
  let sum = 0
  let largest = 0

  function quantileAt(rank: number): number {
    let below = 0
    let lower = 0
    for (const [index, inBucket] of counts.entries()) {
      const upper = bounds[index] ?? Math.max(lower, largest)
      if (inBucket > 0 && below + inBucket >= rank) return lower + (upper - lower) * ((rank - below) / inBucket)
      below += inBucket
      lower = upper
    }
    return lower
  }

  return {
    add(value) {
      const index = bounds.findIndex((bound) => value <= bound)
      counts[index < 0 ? bounds.length : index]! += 1
      count += 1
      sum += value
      if (value > largest) largest = value
    },
    count: () => count,
    sum: () => sum,
    quantile: (share) => (count === 0 ? null : Math.min(quantileAt(share * count), largest)),
  }
}
