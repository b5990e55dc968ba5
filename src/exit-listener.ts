/**
 * Calls `onEnd` at `exit`, after the app's own listeners: what they record counts as well. A throw in one of them skips us, as it skips
 * all that follow.
 */
export function watchExit(onEnd: () => void): void {
  let isMoving = false
  const listener = () => onEnd()

  function moveToEnd(): void {
    isMoving = false
    process.off('exit', listener)
    withoutLimit(() => void process.on('exit', listener))
  }

  process.on('newListener', (event, added) => {
    if (event !== 'exit' || added === listener) return
    // With us one too many, Node would warn of a leak that the app does not have.
    if (isFull()) process.off('exit', listener)
    if (!isMoving) queueMicrotask(moveToEnd)
    isMoving = true
  })
  process.on('exit', listener)
}

/** `exit` has as many listeners as it may have without a warning; a limit of 0 is none. */
function isFull(): boolean {
  const max = process.getMaxListeners()
  return max > 0 && process.listenerCount('exit') >= max
}

function withoutLimit(listen: () => void): void {
  const max = process.getMaxListeners()
  const mustLift = isFull()
  if (mustLift) process.setMaxListeners(0)
  listen()
  if (mustLift) process.setMaxListeners(max)
}
