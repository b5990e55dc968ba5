/** Calls that are made while all lanes are busy wait together and share the next run. */
export type Gathered<T> = (item: T, options: GatheredOptions) => Promise<void>

export type GatheredOptions = {
  /** What the item counts in `countMax`: its rows. */
  readonly count: number
  /** Bytes of the item, about. */
  readonly bytes: number
  /** Stops waiting: for a lane, or for a run that has begun and goes on for the others. */
  readonly signal: AbortSignal
}

export type GatherOptions<T> = {
  /** Deals with the items of one or more calls at once, all or nothing. */
  readonly run: (items: readonly T[]) => Promise<void>
  /** Runs at the same time. */
  readonly lanes: number
  /** A run takes no further call that would bring it above one of these; a call is never cut. */
  readonly countMax: number
  readonly bytesMax: number
}

type Call<T> = Omit<GatheredOptions, 'signal'> & { readonly item: T; readonly done: PromiseWithResolvers<void> }

/**
 * Group commit: each call is answered when its own item is done, yet many small calls cost little more than one large.
 * A call finds a free lane and runs at once, or waits and runs with the others that do. It rejects with the error of its run.
 *
 * What waits is bounded by the callers, each of which waits for its answer.
 */
export function createGathering<T>({ run, lanes, countMax, bytesMax }: GatherOptions<T>): Gathered<T> {
  const waiting = new Set<Call<T>>()
  let free = lanes

  function takeTogether(): Call<T>[] {
    const taken: Call<T>[] = []
    let [count, bytes] = [0, 0]
    for (const call of waiting) {
      count += call.count
      bytes += call.bytes
      if (taken.length > 0 && (count > countMax || bytes > bytesMax)) break
      taken.push(call)
      waiting.delete(call)
    }
    return taken
  }

  async function runWaiting(): Promise<void> {
    while (waiting.size > 0) {
      const calls = takeTogether()
      try {
        await run(calls.map(({ item }) => item))
        for (const { done } of calls) done.resolve()
      } catch (error) {
        for (const { done } of calls) done.reject(error)
      }
    }
  }

  return async function gathered(item, { count, bytes, signal }) {
    signal.throwIfAborted()
    const call: Call<T> = { item, count, bytes, done: Promise.withResolvers() }
    const stop = () => {
      waiting.delete(call)
      call.done.reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    waiting.add(call)
    if (free > 0) {
      free--
      // Whoever comes within this turn of the event loop shares the run.
      setImmediate(() => void runWaiting().finally(() => free++))
    }
    await call.done.promise.finally(() => signal.removeEventListener('abort', stop))
  }
}
