import { diag, metrics } from '@opentelemetry/api'
import { once } from '../once.ts'

/** Keeps the faults of one instrumentation away from the app. */
export type Guard = {
  /** Counts `error` and says it at the first time and then at most once a minute. Never throws. */
  failed(error: unknown): void
  /** Calls `step`; what it throws is `failed`, and the result then undefined. */
  run<T>(step: () => T): T | undefined
}

/** A fault that comes with every request is said, but does not fill the log. */
const WARN_INTERVAL_MS = 60_000

/**
 * A guard for the instrumentation `name`. Whoever runs our code inside the app's (a channel, a wrapped function) catches and calls
 * `failed`: a throwing channel subscriber would end the process. Counted in `tts_otel.instrument.failures` by `instrument`.
 */
export function createGuard(name: string, nowMs: () => number = Date.now): Guard {
  const failures = once(() =>
    metrics.getMeter('tts-otel').createCounter('tts_otel.instrument.failures', {
      description: 'Faults inside our own instrumentation; the app went on without the telemetry of that step.',
      unit: '{failure}',
    }),
  )
  const attributes = { instrument: name }
  let quietUntilMs = 0

  function failed(error: unknown): void {
    failures().add(1, attributes)
    const now = nowMs()
    if (now < quietUntilMs) return
    quietUntilMs = now + WARN_INTERVAL_MS
    diag.warn(`tts-otel: the ${name} instrumentation failed; the app is not affected, one piece of telemetry is missing.`, error)
  }

  function run<T>(step: () => T): T | undefined {
    try {
      return step()
    } catch (error) {
      failed(error)
      return undefined
    }
  }

  return { failed, run }
}
