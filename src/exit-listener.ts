/**
 * Calls `onEnd` at `exit`. `last`: after the app's own listeners, because what they record counts as well; a throw in one of them skips us, as
 * it skips all that follow. `first`: before them, for who can go on afterwards; what throws or exits there comes too late to skip us.
 */
export function watchExit(onEnd: () => void, place: 'first' | 'last' = 'last'): void {
  let isMoving = false
  const listener = Object.assign(() => onEnd(), { [OURS]: true })

  function move(): void {
    isMoving = false
    process.off('exit', listener)
    withoutLimit(() => void (place === 'first' ? process.prependListener('exit', listener) : process.on('exit', listener)))
  }

  process.on('newListener', (event, added) => {
    if (event !== 'exit' || isOurs(added)) return
    // With us one too many, Node would warn of a leak that the app does not have.
    const mustStepAside = isFull()
    if (mustStepAside) process.off('exit', listener)
    if (!isMoving && (mustStepAside || place === 'last')) {
      isMoving = true
      queueMicrotask(move)
    }
  })
  move()
}

/** Known to every copy of this package: two that move out of each other's way would never come to an end. */
const OURS = Symbol.for('tts-otel.exit-listener')

function isOurs(listener: unknown): boolean {
  return typeof listener === 'function' && Reflect.has(listener, OURS)
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
