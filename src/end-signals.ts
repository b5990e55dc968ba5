/** The graceful signals and their numbers, which shells add to 128 for the exit status. SIGHUP is left alone. */
const SIGNALS = { SIGTERM: 15, SIGINT: 2 } as const

type GracefulSignal = keyof typeof SIGNALS

export type EndSignalsOptions = {
  /** Delivers what waits. */
  readonly flush?: () => Promise<unknown>
  /** Called before the process dies of the signal, which fires no `exit`. */
  readonly onDeath: () => void
}

/** Lets a process flush before it dies of SIGTERM or SIGINT, as long as the app does not handle them itself. */
export const watchEndSignals = createEndSignals()

/** One listener of a signal for all who watch: each of two would take the other for the app's, and step back. */
function createEndSignals(): (options: EndSignalsOptions) => void {
  const watchers: EndSignalsOptions[] = []
  const all = {
    flush: () => Promise.allSettled(watchers.map(({ flush }) => flush?.())),
    onDeath() {
      for (const { onDeath } of watchers) onDeath()
    },
  }
  return function watch(options) {
    watchers.push(options)
    if (watchers.length === 1) for (const signal of ['SIGTERM', 'SIGINT'] as const) watchSignal(signal, all)
  }
}

/**
 * Any listener switches Node's own handling off, so ours is there only while it is the only one. It goes in a microtask: removing the last
 * listener inside `newListener` would close the handle that Node is about to use.
 */
function watchSignal(signal: GracefulSignal, { flush, onDeath }: Required<EndSignalsOptions>): void {
  let firstMs: number | undefined
  const onSignal = () => {
    if (firstMs === undefined) void flush().finally(leave)
    else if (performance.now() - firstMs > SAME_SIGNAL_MS) leave()
    firstMs ??= performance.now()
  }
  const leave = () => {
    process.off('removeListener', onRemoveListener)
    process.off(signal, onSignal)
    onDeath()
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
