/** What a check gets to work with. */
export type CheckContext = {
  /** Aborts when the time limit has passed, or the whole is stopped: whatever the check has under way must end then. */
  readonly signal: AbortSignal
  /** The limit, for clients that take one themselves. */
  readonly timeoutMs: number
}

/** Nothing or true: healthy. False: unhealthy. Anything else cannot be read, and counts as unknown. */
// biome-ignore lint/suspicious/noConfusingVoidType: an async function without a return is a Promise<void>
export type CheckAnswer = boolean | void

/** Finds out whether one service answers. A check that throws or rejects says that it does not. It should send nothing that costs money. */
export type HealthCheck = (context: CheckContext) => CheckAnswer | Promise<CheckAnswer>

/** What one run of a check found. */
export type Finding =
  | { readonly status: 'healthy' }
  | { readonly status: 'unknown'; readonly answer: unknown }
  | { readonly status: 'unhealthy'; readonly error: unknown }

/** The limit passed without an answer. */
export class CheckTimedOut extends Error {
  override readonly name = 'TimeoutError'

  constructor(timeoutMs: number, addition = '') {
    super(`timed out after ${timeoutMs} ms${addition}`)
  }
}

type RunOptions = {
  readonly timeoutMs: number
  /** Ends the run early. */
  readonly stopping: AbortSignal
  /** Called once the check itself has ended, however late. */
  readonly onEnd: () => void
}

/** Runs `check` once. Resolves within `timeoutMs` and two turns of the event loop, whatever the check does; never rejects. */
export async function runCheck(check: HealthCheck, { timeoutMs, stopping, onEnd }: RunOptions): Promise<Finding> {
  const deadline = startDeadline(timeoutMs, stopping)
  const answer = callCheck(check, { signal: deadline.signal, timeoutMs }).finally(onEnd)
  try {
    return toFinding(await Promise.race([answer, deadline.passed]))
  } catch (error) {
    return { status: 'unhealthy', error: isAbort(error) && deadline.signal.aborted ? deadline.signal.reason : error }
  } finally {
    deadline.clear()
  }
}

/** Asynchronous, so that a check that throws at once rejects. */
async function callCheck(check: HealthCheck, context: CheckContext): Promise<unknown> {
  return check(context)
}

/** What a client throws that was told to stop; why it was told says more. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function toFinding(answer: unknown): Finding {
  if (answer === undefined || answer === true) return { status: 'healthy' }
  if (answer === false) return { status: 'unhealthy', error: 'the check says no' }
  return { status: 'unknown', answer }
}

type Deadline = { readonly signal: AbortSignal; readonly passed: Promise<never>; readonly clear: () => void }

/**
 * After a busy event loop timers come before the answers that have arrived meanwhile: those get one turn, and a check that
 * has something to say about the abort gets another. The timer does not keep the process alive.
 */
function startDeadline(timeoutMs: number, stopping: AbortSignal): Deadline {
  const attempt = new AbortController()
  const { promise: passed, reject } = Promise.withResolvers<never>()
  function end(error: unknown): void {
    attempt.abort(error)
    setImmediate(reject, error)
  }
  const stop = () => end(stopping.reason)
  let turn: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    turn = setImmediate(end, new CheckTimedOut(timeoutMs))
  }, timeoutMs).unref()
  if (stopping.aborted) stop()
  else stopping.addEventListener('abort', stop, { once: true })
  return {
    signal: attempt.signal,
    passed,
    clear() {
      clearTimeout(timer)
      clearImmediate(turn)
      stopping.removeEventListener('abort', stop)
    },
  }
}
