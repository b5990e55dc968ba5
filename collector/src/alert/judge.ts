import type { Condition } from './condition.ts'
import type { Observation } from './observe.ts'

/** Whether a condition holds; null without data, `unsure` when that depends on a part of a window that was not seen. */
export type Verdict = boolean | null | 'unsure'

/**
 * Asks a condition what can be said for certain. A part of a window that was not seen, as after a start, can have been anything: so it holds
 * when it does at both ends of what the values can be, and does not where what was seen as a whole is enough to say so.
 */
export function judge({ holds, plain }: Condition, { values, labels, ranges }: Observation): Verdict {
  if (ranges === undefined) return holds(values, labels)
  const certain = holds(
    ranges.map(({ low, high }) => (low === high ? low : Number.NaN)),
    labels,
  )
  if (certain !== null) return certain
  const [low, high] = [
    holds(
      ranges.map((range) => range.low),
      labels,
    ),
    holds(
      ranges.map((range) => Math.min(range.high, Number.MAX_VALUE)),
      labels,
    ),
  ]
  if (low === true && high === true) return true
  // With one comparison nothing between the ends says otherwise.
  if (low === false && high === false && plain !== undefined) return false
  return low === null && high === null ? null : 'unsure'
}
