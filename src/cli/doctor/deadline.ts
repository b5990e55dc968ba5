/** Longest time for one step on the network: who is slower is no collector that an app should wait for. */
const STEP_MS_MAX = 5_000

/** Bounds a whole run, however many steps it has. */
export type Deadline = {
  /** Time for the next step: 5 s, or what is left. At least 1. */
  readonly stepMs: () => number
  /** Waits for `work`, at most one step; rejects with a sentence about `what` when it takes longer. */
  readonly within: <T>(what: string, work: Promise<T>) => Promise<T>
}

/** A deadline `totalMs` from now. */
export function createDeadline(totalMs: number): Deadline {
  const endMs = performance.now() + totalMs
  const stepMs = () => Math.max(1, Math.min(STEP_MS_MAX, Math.round(endMs - performance.now())))

  async function within<T>(what: string, work: Promise<T>): Promise<T> {
    const ms = stepMs()
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms)
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  return { stepMs, within }
}
