import { setImmediate as turn } from 'node:timers/promises'

/** A clock that moves only when it is told to, and what waits on it. */
export type Clock = {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Lets `ms` pass, waking whoever waits at their times. */
  advance(ms: number): Promise<void>
  /** Shows another time at once, as an administrator or NTP does; nobody is woken. */
  set(nowMs: number): void
}

type Sleeper = { readonly atMs: number; readonly wake: () => void }

export function createClock(startMs: number): Clock {
  let nowMs = startMs
  /** What really passes: sleeps do not follow a clock that is set. */
  let passedMs = 0
  const sleepers = new Set<Sleeper>()

  return {
    now: () => nowMs,
    sleep(ms, signal) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const sleeper = { atMs: passedMs + ms, wake }
      function wake(): void {
        sleepers.delete(sleeper)
        resolve()
      }
      if (signal.aborted) return Promise.resolve()
      sleepers.add(sleeper)
      signal.addEventListener('abort', wake, { once: true })
      return promise
    },
    async advance(ms) {
      const endMs = passedMs + ms
      for (;;) {
        await settle()
        const next = [...sleepers].toSorted((a, b) => a.atMs - b.atMs)[0]
        if (next === undefined || next.atMs > endMs) break
        pass(next.atMs - passedMs)
        next.wake()
      }
      pass(endMs - passedMs)
      await settle()
    },
    set(ms) {
      nowMs = ms
    },
  }

  function pass(ms: number): void {
    passedMs += ms
    nowMs += ms
  }
}

/** Until nothing that is under way moves without a timer. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn()
}
