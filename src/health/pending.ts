type PendingOptions<T> = {
  readonly start: () => Promise<T>
  /** What to do with a result that comes when nobody waits any more. */
  readonly dispose: (value: T) => void
  /** ms of a clock that only goes forward. */
  readonly now?: () => number
}

type Operation<T> = { readonly startedMs: number; listener: Listener<T> | undefined }
type Listener<T> = { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void }

/** An operation without an answer for this long is taken for lost: on a connection whose far end vanished it would wait for ever. */
const LOST_AFTER_MS = 120_000
/** Lost operations that may still hold something, such as a place in a pool; after these none is started until one ends. */
const LOST_MAX = 2

/**
 * For an operation that cannot be called off, such as a command in a client's queue: who gives up leaves it under way, and the next who
 * asks waits for the same one instead of starting another. At most three are ever under way for one asker; two at once have one each.
 *
 * @returns waits for the operation until `signal` aborts, and then rejects with its reason.
 */
export function createPending<T>({ start, dispose, now = monotonicMs }: PendingOptions<T>): (signal: AbortSignal) => Promise<T> {
  const underWay = new Set<Operation<T>>()
  let current: Operation<T> | undefined

  function begin(): Operation<T> {
    const operation: Operation<T> = { startedMs: now(), listener: undefined }
    underWay.add(operation)
    void follow(operation)
    return operation
  }

  async function follow(operation: Operation<T>): Promise<void> {
    try {
      const value = await startOne()
      finish(operation)
      if (operation.listener) operation.listener.resolve(value)
      else dispose(value)
    } catch (error) {
      finish(operation)
      operation.listener?.reject(error)
    }
  }

  /** Asynchronous, so that one that throws at once fails when somebody listens already. */
  async function startOne(): Promise<T> {
    return start()
  }

  function finish(operation: Operation<T>): void {
    underWay.delete(operation)
    if (current === operation) current = undefined
  }

  function isLost({ startedMs }: Operation<T>): boolean {
    return now() - startedMs > LOST_AFTER_MS && underWay.size <= LOST_MAX
  }

  return function wait(signal) {
    if (current === undefined || current.listener || isLost(current)) current = begin()
    return listen(current, signal)
  }
}

function monotonicMs(): number {
  return performance.now()
}

function listen<T>(operation: Operation<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  function leave(): void {
    operation.listener = undefined
    reject(signal.reason)
  }
  operation.listener = {
    resolve(value) {
      signal.removeEventListener('abort', leave)
      resolve(value)
    },
    reject(error) {
      signal.removeEventListener('abort', leave)
      reject(error)
    },
  }
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  return promise
}
