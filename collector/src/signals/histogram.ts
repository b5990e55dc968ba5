import type { Distribution, MetricPoint, Value } from '../batch.ts'
import { quantileOf } from '../quantile.ts'
import type { Totals } from './track.ts'

/** Upper bounds of buckets, included and rising; there is one bucket more than bounds. */
export type Bounds = readonly number[]

/** Numbers of a {@link Totals} before its buckets: count and sum. */
const HEAD = 2

/**
 * Exponential histograms are read in buckets that grow by a quarter of a doubling, from 1 ms to 9 h when they are seconds:
 * a histogram changes its own scale while it grows, and these can be compared all the same.
 */
const SCALE = 2
const [INDEX_MIN, INDEX_MAX] = [-10 * 2 ** SCALE, 15 * 2 ** SCALE]
const EXPONENTIAL_BOUNDS: Bounds = Array.from({ length: INDEX_MAX - INDEX_MIN + 1 }, (_, i) => 2 ** ((INDEX_MIN + i) / 2 ** SCALE))

/** A point as numbers that can be subtracted from those of another one of its series; undefined for one that counts nothing. */
export function toTotals({ type, value, distribution }: MetricPoint): { readonly totals: Totals; readonly bounds: Bounds } | undefined {
  if (distribution === null) return value === null ? undefined : { totals: [value], bounds: [] }
  const { count, sum, bounds, counts } = distribution
  if (type === 'exponential_histogram') return { totals: [count, sum ?? 0, ...exponentialCounts(distribution)], bounds: EXPONENTIAL_BOUNDS }
  return { totals: [count, sum ?? 0, ...counts], bounds }
}

/** Bucket `index` of scale `s` reaches up to 2 ** ((index + 1) / 2 ** s). https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram */
function exponentialCounts({ detail }: Distribution): number[] {
  const buckets = EXPONENTIAL_BOUNDS.map(() => 0).concat(0)
  const { scale = 0, zeroCount = 0, positive, negative } = detail as ExponentialDetail // as the receiver decodes it
  buckets[0] = zeroCount + (negative?.counts ?? []).reduce((sum, count) => sum + count, 0)
  for (const [i, count] of (positive?.counts ?? []).entries()) {
    const upper = Math.ceil(((positive?.offset ?? 0) + i + 1) * 2 ** (SCALE - scale))
    const bucket = Math.min(Math.max(upper - INDEX_MIN, 0), buckets.length - 1)
    buckets[bucket] = (buckets[bucket] ?? 0) + count
  }
  return buckets
}

type ExponentialDetail = {
  readonly [key: string]: Value
} & { readonly scale?: number; readonly zeroCount?: number; readonly positive?: Buckets; readonly negative?: Buckets }
type Buckets = { readonly offset: number; readonly counts: readonly number[] }

/** Growth of several series together, whatever bounds each of them has. */
export type Sum = {
  add(growth: Totals, bounds: Bounds): void
  /** Measurements of histograms; what a counter has counted. */
  count(): number
  /** Mean of the measurements; undefined without any. */
  mean(): number | undefined
  /**
   * The value below which `share` of the measurements lie: linear within a bucket, the lower bound of the last one, as
   * Prometheus has it. Undefined without measurements or without buckets.
   */
  quantile(share: number): number | undefined
}

export function createSum(): Sum {
  let [count, sum] = [0, 0]
  const buckets = new Map<number, number>()

  return {
    add(growth, bounds) {
      count += growth[0] ?? 0
      sum += growth[1] ?? 0
      for (let i = HEAD; i < growth.length; i++) {
        const upper = bounds[i - HEAD] ?? Number.POSITIVE_INFINITY
        buckets.set(upper, (buckets.get(upper) ?? 0) + growth[i]!)
      }
    },
    count: () => count,
    mean: () => (count > 0 ? sum / count : undefined),
    quantile: (share) => quantileOf(buckets, share),
  }
}
