import type { Chunk } from '../wire/signal.ts'
import type { Shelf } from './shelf.ts'
import type { Slip } from './shelf-account.ts'

export type Waiting = { readonly slip: Slip; readonly chunk: Chunk }

/** `afterMs`: the wait that the collector asked for. */
export type Failure = { readonly afterMs: number | undefined }

/** Whoever delivers what was read from disk: the pipeline of the chunk's signal. */
export type ReplayTarget = {
  /** Tries once, and settles the chunk whatever comes. Resolves to the failure that should slow the replay down. */
  readonly replay: (waiting: Waiting, signal: AbortSignal) => Promise<Failure | undefined>
}

export type ReplayOptions = {
  readonly shelf: Shelf
  readonly targetOf: (chunk: Chunk) => ReplayTarget | undefined
  /** The first wait after a failure, doubled at each further one up to `delayMsMax`. */
  readonly firstDelayMs: number
  readonly delayMsMax: number
}

export type Replay = {
  /** Something waits on disk. */
  readonly wake: () => void
  /** The collector did not take something that was sent elsewhere. */
  readonly postpone: (afterMs: number | undefined) => void
  /** The collector has taken something that was sent elsewhere. */
  readonly hasten: () => void
  /** Tries now, except where the collector named a time; resolves when nothing waits, something fails or `timeoutMs` have passed. */
  readonly flush: (timeoutMs: number) => Promise<void>
  /** Ends the request under way; what it holds stays on disk. */
  readonly stop: () => void
}

/**
 * Delivers from disk, oldest first, one request at a time beside the live ones: what has waited can wait a little longer.
 *
 *     disk ──► next ──► send ──► taken: the next one
 *                         └────► failed: back on disk, wait (doubled, jittered, or as long as the collector says)
 */
export function createReplay({ shelf, targetOf, firstDelayMs, delayMsMax }: ReplayOptions): Replay {
  const stopped = new AbortController()
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let delayMs = firstDelayMs
  let notBeforeMs = 0
  /** The collector named the time: nothing may come before it. */
  let isNamed = false
  /** Something came while we were at it, perhaps behind our last look. */
  let isWoken = false

  function wake(): void {
    isWoken = true
    if (running !== undefined || timer !== undefined || stopped.signal.aborted) return
    timer = setTimeout(start, Math.max(0, notBeforeMs - performance.now())).unref()
  }

  function start(): void {
    clearTimeout(timer)
    timer = undefined
    if (running !== undefined) return
    isWoken = false
    running = run().finally(() => {
      running = undefined
      if (isWoken) wake()
    })
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      const waiting = await shelf.next()
      if (waiting === undefined) return
      const failure = await targetOf(waiting.chunk)?.replay(waiting, stopped.signal)
      if (failure === undefined) delayMs = firstDelayMs
      else return postpone(failure.afterMs)
    }
  }

  function postpone(afterMs: number | undefined): void {
    const nowMs = performance.now()
    if (afterMs !== undefined && nowMs + afterMs > notBeforeMs) {
      notBeforeMs = nowMs + afterMs
      isNamed = true
    } else if (notBeforeMs <= nowMs) {
      notBeforeMs = nowMs + delayMs * (0.5 + Math.random() / 2)
      delayMs = Math.min(delayMs * 2, delayMsMax)
      isNamed = false
    } else return
    clearTimeout(timer)
    timer = undefined
    wake()
  }

  function hasten(): void {
    delayMs = firstDelayMs
    if (isNamed || notBeforeMs <= performance.now()) return
    notBeforeMs = 0
    clearTimeout(timer)
    timer = undefined
    wake()
  }

  async function flush(timeoutMs: number): Promise<void> {
    if (isNamed && notBeforeMs > performance.now()) return
    start()
    // Not unref'd: our sockets are, so this timer is what lets a program wait for its last telemetry.
    const { promise: passed, resolve } = Promise.withResolvers<void>()
    const limit = setTimeout(resolve, timeoutMs)
    await Promise.race([running, passed])
    clearTimeout(limit)
  }

  return {
    wake,
    postpone,
    hasten,
    flush,
    stop() {
      clearTimeout(timer)
      stopped.abort(new Error('the process is ending'))
    },
  }
}
