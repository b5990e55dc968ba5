/** Wakes those who wait for work. */
export type Bell = {
  /** Rings so far: taken before looking for work, so that a ring in between is not missed. */
  count(): number
  ring(): void
  /** Resolves at the first ring after `count`, or when `signal` aborts. */
  next(count: number, signal: AbortSignal): Promise<void>
}

/** A bell that nobody has rung yet. */
export function createBell(): Bell {
  let rings = 0
  let rung = Promise.withResolvers<void>()
  return {
    count: () => rings,
    ring() {
      rings++
      rung.resolve()
      rung = Promise.withResolvers()
    },
    async next(count, signal) {
      if (rings !== count || signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const end = () => resolve()
      signal.addEventListener('abort', end, { once: true })
      await Promise.race([rung.promise, promise])
      signal.removeEventListener('abort', end)
    },
  }
}
