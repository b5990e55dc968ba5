import { diag } from '@opentelemetry/api'
import { type PostTailOptions, postTail } from './delivery/last-breath.ts'
import { watchEndSignals } from './end-signals.ts'
import { watchExit } from './exit-listener.ts'
import { watchFatalErrors } from './fatal-error.ts'
import { endLogFiles } from './log/file/exit.ts'
import type { Sdk } from './sdk.ts'
import type { Chunk } from './wire/signal.ts'
import { createWorkerEnds, followMainThread } from './worker-ends.ts'

export type ProcessEndOptions = {
  readonly sdk: Sdk
  /** The connections of the SDK, which a dying process opens once more. */
  readonly posts: PostTailOptions['posts']
  /** Longest wait at a graceful end. */
  readonly timeoutMs: number
  /** Signals reach the main thread only. */
  readonly isMainThread: boolean
}

/** What an abrupt end may cost when the collector is slow; when it is up, starting a thread and posting takes 40 ms. */
const ABRUPT_MS_MAX = 300

/**
 * Delivers what waits when this thread ends, and keeps on disk what cannot be delivered. How it ends does not change: exit status, signal and
 * stderr are what Node gives without us, and an app with handlers of its own is left to them.
 *
 *     natural end ────────────► flush ─► exit ─┐
 *     SIGTERM, SIGINT ────────► flush ─────────┼─► last breath        flush: of the workers as well
 *     process.exit ─────────────────────► exit ┤     end open spans ─► disk ─► post, 300 ms at most
 *     error, rejection ─► log ─► disk ─► exit ─┘
 */
export function watchProcessEnd({ sdk, posts, timeoutMs, isMainThread }: ProcessEndOptions): void {
  const lastBreath = createLastBreath(sdk, posts)
  const postMs = Math.min(timeoutMs, ABRUPT_MS_MAX)
  watchNaturalEnd(sdk, timeoutMs)
  watchFatalErrors({ loggerProvider: sdk.loggerProvider, onFatal: lastBreath.save })
  if (!isMainThread) {
    const leave = followMainThread((limitMs) => endAll(sdk, limitMs))
    watchExit(() => {
      leave()
      lastBreath.end(postMs)
    })
    return
  }
  const flushWorkers = createWorkerEnds()
  const flush = () => Promise.allSettled([endAll(sdk, timeoutMs), flushWorkers(timeoutMs)])
  watchExit(() => lastBreath.end(postMs))
  watchEndSignals({ flush, onDeath: () => die(lastBreath) })
}

/** A signal fires no `exit`. */
function die(lastBreath: LastBreath): void {
  lastBreath.end(0)
  endLogFiles()
}

/** Before the flush and not after it: a disk that goes with its container keeps nothing for a next start. */
function endAll(sdk: Sdk, timeoutMs: number): Promise<unknown> {
  sdk.interruptSpans()
  return sdk.finish(timeoutMs)
}

/**
 * `beforeExit` comes again whenever somebody has used it to go on, our own flush included: so only what is new is sent. Somebody who
 * listens as well may go on after us; else this is the end, and a collector that is away is not waited for.
 */
function watchNaturalEnd(sdk: Sdk, timeoutMs: number): void {
  let createdBefore = -1
  let isOver = false
  process.on('beforeExit', () => {
    const created = countCreated(sdk)
    if (isOver || created === createdBefore) return
    createdBefore = created
    isOver = process.listenerCount('beforeExit') === 1
    void (isOver ? endAll(sdk, timeoutMs) : sdk.forceFlush(timeoutMs))
  })
}

function countCreated(sdk: Sdk): number {
  const { traces, logs } = sdk.stats()
  return traces.created + logs.created
}

type LastBreath = {
  /** Ends the open spans and puts everything on disk. */
  readonly save: () => void
  /** The same, then posts it for at most `postMs`, and leaves the spool to the next start. Does nothing the second time. */
  readonly end: (postMs: number) => void
}

/** Synchronous and silent: after it nothing of this thread runs, and Node is about to report what ended it. */
function createLastBreath(sdk: Sdk, posts: ProcessEndOptions['posts']): LastBreath {
  const tail: Chunk[] = []
  let isOver = false

  function save(): void {
    // Twice, because the open spans might not fit into a queue that is full.
    tail.push(...sdk.drainSync())
    sdk.interruptSpans()
    tail.push(...sdk.drainSync())
  }

  function end(postMs: number): void {
    if (isOver) return
    isOver = true
    attempt(save)
    if (postMs > 0 && !sdk.lastSendFailed()) attempt(() => sdk.acknowledgeTail(postTail({ chunks: tail, posts, timeoutMs: postMs })))
    attempt(sdk.closeSpoolSync)
  }

  return { save, end }
}

function attempt(step: () => void): void {
  try {
    step()
  } catch (error) {
    diag.debug('tts-otel: the last delivery failed; what is on disk is delivered after the next start.', error)
  }
}
