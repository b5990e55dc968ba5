import type { Sdk } from './sdk.ts'

export type ProcessEndOptions = {
  readonly sdk: Pick<Sdk, 'forceFlush' | 'shutdown' | 'stats'>
  readonly timeoutMs: number
  /** Signals reach the main thread only. */
  readonly isMainThread: boolean
}

/** The graceful signals and their numbers, which shells add to 128 for the exit status. SIGHUP is left alone. */
const SIGNALS = { SIGTERM: 15, SIGINT: 2 } as const

type GracefulSignal = keyof typeof SIGNALS

/**
 * Delivers what waits when this thread ends: by itself, or by SIGTERM or SIGINT when nobody else handles them. How it ends does not change:
 * the exit status is what Node would give, and an app with handlers of its own is left to them.
 *
 * An app that calls `process.exit()`, or dies of an error, loses what has not been sent; `process.on('exit')` would belong here.
 */
export function watchProcessEnd({ sdk, timeoutMs, isMainThread }: ProcessEndOptions): void {
  watchNaturalEnd(sdk, timeoutMs)
  if (isMainThread) for (const signal of ['SIGTERM', 'SIGINT'] as const) watchSignal(signal, () => sdk.shutdown(timeoutMs))
}

/**
 * `beforeExit` comes again whenever somebody has used it to go on, our own flush included: so only what is new is sent. Somebody who
 * listens as well may go on after us; else this is the end, and a collector that is away is not waited for.
 */
function watchNaturalEnd(sdk: ProcessEndOptions['sdk'], timeoutMs: number): void {
  let created = -1
  process.on('beforeExit', () => {
    const { traces, logs } = sdk.stats()
    if (traces.created + logs.created === created) return
    created = traces.created + logs.created
    const isAlone = process.listenerCount('beforeExit') === 1
    void (isAlone ? sdk.shutdown(timeoutMs) : sdk.forceFlush(timeoutMs))
  })
}

/**
 * Any listener switches Node's own handling off, so ours is there only while it is the only one. It goes in a microtask: removing the last
 * listener inside `newListener` would close the handle that Node is about to use.
 */
function watchSignal(signal: GracefulSignal, flush: () => Promise<unknown>): void {
  let firstMs: number | undefined
  const onSignal = () => {
    if (firstMs === undefined) void flush().finally(leave)
    else if (performance.now() - firstMs > SAME_SIGNAL_MS) leave()
    firstMs ??= performance.now()
  }
  const leave = () => {
    process.off('removeListener', onRemoveListener)
    process.off(signal, onSignal)
    die(signal)
  }
  const stepBack = () => {
    if (process.listenerCount(signal) > 1) process.off(signal, onSignal)
  }
  const onNewListener = (event: string | symbol, listener: unknown) => {
    if (event === signal && listener !== onSignal) queueMicrotask(stepBack)
  }
  const onRemoveListener = (event: string | symbol, listener: unknown) => {
    if (event === signal && listener !== onSignal && process.listenerCount(signal) === 0) process.on(signal, onSignal)
  }
  process.on('newListener', onNewListener)
  process.on('removeListener', onRemoveListener)
  if (process.listenerCount(signal) === 0) process.on(signal, onSignal)
}

/** Ctrl-C reaches a process twice when its parent passes it on; only a person repeats it later, and means it. */
const SAME_SIGNAL_MS = 500

/** The way the process would have died without us. A signal does not kill PID 1 of a container, which has no default action for it. */
function die(signal: GracefulSignal): void {
  if (process.pid === 1) process.exit(128 + SIGNALS[signal])
  process.kill(process.pid, signal)
}
