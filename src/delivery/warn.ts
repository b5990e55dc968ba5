/** A loss or a refusal goes on for as long as its cause does; a line a minute says so without filling a log. */
const INTERVAL_MS = 60_000

/**
 * Wraps `warn` so that each reason is said at once, and then at most once a minute.
 *
 * The message is built only when it is said. A `warn` that throws is not our caller's problem.
 */
export function createWarner(warn: (message: string) => void, now: () => number): (reason: string, message: () => string) => void {
  const saidAtMs = new Map<string, number>()
  return function warnOfReason(reason, message) {
    const before = saidAtMs.get(reason)
    if (before !== undefined && now() - before < INTERVAL_MS) return
    saidAtMs.set(reason, now())
    try {
      warn(message())
    } catch {
      // Nobody is left to tell.
    }
  }
}
