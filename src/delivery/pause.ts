export type Pause = {
  /** Waits, or returns early on abort or `wake`. Does not keep the process alive. */
  readonly sleep: (ms: number, signal: AbortSignal, afterMs?: number) => Promise<void>
  /** Ends every wait whose length was our own choice: the collector is back, or there is no time left. */
  readonly wake: () => void
}

/** The waits between attempts. One that the collector asked for (`afterMs`) is never cut short by `wake`. */
export function createPause(): Pause {
  const sleepers = new Set<() => void>()

  function sleep(ms: number, signal: AbortSignal, afterMs?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = () => {
      clearTimeout(timer)
      sleepers.delete(end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms).unref()
    signal.addEventListener('abort', end, { once: true })
    if (afterMs === undefined) sleepers.add(end)
    if (signal.aborted) end()
    return promise
  }

  function wake(): void {
    for (const end of sleepers) end()
  }

  return { sleep, wake }
}
