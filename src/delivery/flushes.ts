export type Flushes = {
  /** Waits until no item older than `mark` is on its way; false when `timeoutMs` pass first. Keeps the process alive meanwhile. */
  readonly wait: (mark: number, timeoutMs: number) => Promise<boolean>
  /** To be called whenever something has ended. */
  readonly check: () => void
}

/** Longest delay of a Node timer; a longer one, or Infinity, would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** Those who wait for a flush. `oldest` is the number of the oldest item on its way, in the order of `push`. */
export function createFlushes(oldest: () => number): Flushes {
  const waiters = new Set<{ readonly mark: number; readonly end: (inTime: boolean) => void }>()

  function wait(mark: number, timeoutMs: number): Promise<boolean> {
    if (oldest() >= mark) return Promise.resolve(true)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const end = (inTime: boolean) => {
      clearTimeout(timer)
      waiters.delete(waiter)
      resolve(inTime)
    }
    // Not unref'd: our sockets are, so this timer is what lets a program wait for its last telemetry.
    const timer = setTimeout(end, Math.min(timeoutMs, TIMER_MS_MAX), false)
    const waiter = { mark, end }
    waiters.add(waiter)
    return promise
  }

  function check(): void {
    const reached = waiters.size > 0 ? oldest() : 0
    for (const waiter of waiters) if (waiter.mark <= reached) waiter.end(true)
  }

  return { wait, check }
}
