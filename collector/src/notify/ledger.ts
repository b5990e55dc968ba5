import { asError } from '../as-error.ts'
import type { Sleep } from './lane.ts'

/** Changes to a store, one after the other, so that what is durable is always a beginning of what happened. */
export type Ledger = {
  /** Tried until it succeeds; nothing that comes later is written before. */
  must(write: () => Promise<unknown>): void
  /** Tried once: a later change will say the same. */
  may(write: () => Promise<unknown>): void
  /** Resolves when all is written, or, once `signal` aborts, when what is under way has been tried. */
  settle(signal: AbortSignal): Promise<void>
  /** Changes that must be written and are not. */
  unwritten(): number
}

export type LedgerOptions = {
  readonly sleep: Sleep
  /** A change could not be written; it is tried again. */
  readonly onFault: (error: Error) => void
}

const FIRST_DELAY_MS = 500
const DELAY_MS_MAX = 30_000

export function createLedger({ sleep, onFault }: LedgerOptions): Ledger {
  const stopped = new AbortController()
  let written: Promise<void> = Promise.resolve()
  let unwritten = 0
  let isBroken = false

  async function attempt(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write()
      return true
    } catch (error) {
      onFault(asError(error))
      return false
    }
  }

  async function insist(write: () => Promise<unknown>): Promise<void> {
    for (let delayMs = FIRST_DELAY_MS; !isBroken; delayMs = Math.min(delayMs * 2, DELAY_MS_MAX)) {
      if (await attempt(write)) {
        unwritten--
        return
      }
      isBroken = stopped.signal.aborted
      await sleep(delayMs, stopped.signal)
    }
  }

  return {
    must(write) {
      unwritten++
      written = written.then(() => insist(write))
    },
    may(write) {
      written = written.then(async () => void (isBroken || (await attempt(write))))
    },
    async settle(signal) {
      const stop = () => stopped.abort()
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop, { once: true })
      for (let last: typeof written | undefined; last !== written; ) {
        last = written
        await last
      }
      signal.removeEventListener('abort', stop)
    },
    unwritten: () => unwritten,
  }
}
