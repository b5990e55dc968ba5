/** About one matter at most once within it: a channel that is down fails twenty times in a quarter of an hour. */
const INTERVAL_MS = 60_000

/** Tells what a person should know about a matter, with how often it was not told since the last time. */
export type Seldom = (matter: string, message: string) => void

/** More is not remembered: the one that was told longest ago may be told too early. */
const MATTERS_MAX = 1_000

/** A matter is what stays the same of messages whose numbers change. */
export function createSeldom(warn: (message: string) => void, now: () => number): Seldom {
  const told = new Map<string, { atMs: number; untold: number }>()
  return function tell(matter, message) {
    const last = told.get(matter)
    const sinceMs = now() - (last?.atMs ?? -Infinity)
    if (last !== undefined && sinceMs >= 0 && sinceMs < INTERVAL_MS) {
      last.untold++
      return
    }
    const untold = last?.untold ?? 0
    // The oldest is the first.
    told.delete(matter)
    const [oldest] = told.keys()
    if (told.size >= MATTERS_MAX && oldest !== undefined) told.delete(oldest)
    told.set(matter, { atMs: now(), untold: 0 })
    warn(untold === 0 ? message : `${message} (${untold} more like this were not told)`)
  }
}
