import type { Outcome, Send } from './outcome.ts'

export type RetryOptions = {
  /** First wait. The OTLP specification leaves it open; the official exporters use 1,000. */
  readonly firstDelayMs: number
  /** Longest wait of our own; a collector that restarts is found again within it. */
  readonly delayMsMax: number
  /**
   * Waits, or returns early when `signal` aborts. `afterMs` is set when the target named the time itself: such a wait must not be cut short.
   */
  readonly sleep: (ms: number, signal: AbortSignal, afterMs?: number) => Promise<void>
  /** In [0, 1). Spreads clients that lost the same collector at the same moment. */
  readonly random: () => number
}

type Retry = Extract<Outcome, { kind: 'retry' }>

/**
 * Wraps `send` so that `retry` outcomes are tried again until they end otherwise or `signal` aborts.
 *
 * A `Retry-After` (`afterMs`) longer than our own delay wins, as the OTLP specification asks:
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp-throttling
 * Never throws; on abort the last outcome is returned, so that the caller can put the item elsewhere.
 */
export function withRetry<T>(send: Send<T>, options: RetryOptions): Send<T> {
  return async function retrying(item, signal) {
    let delayMs = options.firstDelayMs
    for (;;) {
      const outcome = await send(item, signal)
      if (outcome.kind !== 'retry' || signal.aborted) return outcome
      await options.sleep(waitMs(outcome, delayMs, options.random()), signal, outcome.afterMs)
      if (signal.aborted) return outcome
      delayMs = Math.min(delayMs * 2, options.delayMsMax)
    }
  }
}

function waitMs(outcome: Retry, delayMs: number, random: number): number {
  const jittered = delayMs * (0.5 + random / 2)
  return Math.max(jittered, outcome.afterMs ?? 0)
}
