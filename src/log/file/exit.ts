import { isMainThread } from 'node:worker_threads'
import { watchEndSignals } from '../../end-signals.ts'
import { watchExit } from '../../exit-listener.ts'

type EndHooks = {
  readonly add: (onEnd: () => void) => () => void
  readonly run: () => void
  readonly outliveSignals: () => void
}

/** One listener of `exit` for all files: with one each, an app with many would be warned of a leak. */
const hooks: EndHooks = createHooks()

/** Calls `onEnd` when this thread begins to end: by itself, by `process.exit` or by an error. Lines may come after that. Gives what takes it back. */
export const atEnd = hooks.add

/**
 * From now on SIGTERM and SIGINT wait until the running code has returned, unless the app handles them itself. For lines that wait in memory:
 * until there are any, a signal ends the process as if we were not there.
 */
export const outliveSignals = hooks.outliveSignals

/** Writes what the log files of this thread still hold. For who is about to let the process die of a signal, where `exit` never fires. */
export const endLogFiles = hooks.run

function createHooks(): EndHooks {
  const ends = new Set<() => void>()
  let isWatching = false
  let isOutliving = !isMainThread // no signal reaches a worker
  let isEnding = false

  function run(): void {
    isEnding = true
    for (const onEnd of ends) onEnd()
  }

  function add(onEnd: () => void): () => void {
    if (!isWatching) watchExit(run, 'first')
    isWatching = true
    ends.add(onEnd)
    if (isEnding) onEnd()
    return () => void ends.delete(onEnd)
  }

  function outliveSignals(): void {
    if (!isOutliving) watchEndSignals({ onDeath: run })
    isOutliving = true
  }

  return { add, run, outliveSignals }
}
