import { AsyncResource } from 'node:async_hooks'

/** Calls `fn` with `self` as `this`. */
export type InContext = <A extends readonly unknown[], R>(fn: (...values: A) => R, self: unknown, ...values: A) => R

/** Nobody listens for its destruction, and registering it for that would cost more than all the rest. */
const OPTIONS = { requireManualDestroy: true }

/**
 * A way back into the context of now: the request, the active span, and every `AsyncLocalStorage` of the app. Not `AsyncLocalStorage.snapshot`,
 * which does the same in a hundred times as long (11 µs on Node 24, 33 µs on Node 22).
 */
export function captureContext(): InContext {
  const resource = new AsyncResource('tts-otel.callback', OPTIONS)
  return (fn, self, ...values) => resource.runInAsyncScope(fn, self, ...values)
}
