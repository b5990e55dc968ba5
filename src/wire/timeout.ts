import type { Outcome, Send } from './outcome.ts'

/**
 * Wraps `send` so that an attempt ends after `timeoutMs` (at most 2³¹ − 1, the longest timer of Node) with a `retry` outcome.
 *
 * The target's signal aborts with the reason; what a target that listens to it says within one turn wins, because it knows where it was.
 * A target that does not listen is left behind: its late answer is ignored. The timer does not keep the process alive.
 */
export function withTimeout<T>(send: Send<T>, timeoutMs: number): Send<T> {
  return async function timed(item, signal) {
    const attempt = new AbortController()
    const abort = () => attempt.abort(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })

    const deadline = startDeadline(attempt, timeoutMs)
    try {
      return await Promise.race([send(item, attempt.signal), deadline.passed])
    } finally {
      deadline.clear()
      signal.removeEventListener('abort', abort)
    }
  }
}

type Deadline = { readonly passed: Promise<Outcome>; readonly clear: () => void }

function startDeadline(attempt: AbortController, timeoutMs: number): Deadline {
  const { promise: passed, resolve } = Promise.withResolvers<Outcome>()
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${timeoutMs} ms`)
    attempt.abort(error)
    setImmediate(resolve, { kind: 'retry', error })
  }, timeoutMs).unref()
  return { passed, clear: () => clearTimeout(timer) }
}
