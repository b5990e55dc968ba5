import { watchExit } from '../../exit-listener.ts'

type EndHooks = {
  readonly add: (onEnd: () => void) => () => void
  readonly run: () => void
}

/** One listener of `exit` for all files: with one each, an app with many would be warned of a leak. */
const hooks: EndHooks = createHooks()

/** Calls `onEnd` when this thread begins to end: by itself, by `process.exit` or by an error. Lines may come after that. Gives what takes it back. */
export const atEnd = hooks.add

/** Writes what the log files of this thread still hold. For who is about to let the process die of a signal, where `exit` never fires. */
export const endLogFiles = hooks.run

function createHooks(): EndHooks {
  const ends = new Set<() => void>()
  let isWatching = false
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

  return { add, run }
}
