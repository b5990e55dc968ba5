/** How many measurements lie in a bucket, by the bucket's upper bound (included; the last one is Infinity), in any order. */
export type Buckets = ReadonlyMap<number, number>

/**
 * The value below which `share` of the measurements lie: linear within a bucket, as Prometheus has it. The last bucket ends with
 * `largest`, or with its lower bound where that is not known. Undefined without measurements.
 */
export function quantileOf(buckets: Buckets, share: number, largest = 0): number | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  const measured = sorted.reduce((sum, [, inBucket]) => sum + inBucket, 0)
  if (measured <= 0) return undefined
  const rank = share * measured
  let [below, lower] = [0, 0]
  for (const [bound, inBucket] of sorted) {
    const upper = Number.isFinite(bound) ? bound : Math.max(lower, largest)
    if (inBucket > 0 && below + inBucket >= rank) return lower + (upper - lower) * ((rank - below) / inBucket)
    below += inBucket
    lower = upper
  }
  return lower
}
